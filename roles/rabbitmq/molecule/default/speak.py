"""Say something to a broker and hear it back: speak.py BROKER USER PASSWORD VHOST"""

import ssl
import sys

import amqp

broker, user, password, vhost = sys.argv[1:]
tls = {
    "ca_certs": "/etc/cairn/pki/ca.pem",
    "cert_reqs": ssl.CERT_REQUIRED,
    "server_hostname": broker,
    "certfile": "/etc/cairn/pki/host.pem",
    "keyfile": "/etc/cairn/pki/host.key",
}
with amqp.Connection(
    f"{broker}:5671", userid=user, password=password, virtual_host=vhost, ssl=tls, connect_timeout=5
) as connection:
    channel = connection.channel()
    channel.queue_declare("errand", exclusive=True)
    channel.basic_publish(amqp.Message("done"), routing_key="errand")
    print(channel.basic_get("errand", no_ack=True).body)
