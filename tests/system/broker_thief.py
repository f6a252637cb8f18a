"""What somebody can do at the broker who has taken over a host: thief.py SETTINGS OTHER [SERVER]

Runs on that host with nothing but its files. SETTINGS has a section [messaging]; OTHER is another
host, SERVER a server that is there. Tells on standard output what of it went through that should
not, and what did not that should; a cloud that holds leaves it empty. Needs py-amqp only.
"""

import configparser
import json
import ssl
import sys
import time
import uuid
from urllib.parse import unquote, urlsplit

import amqp

REFUSED = (amqp.exceptions.AccessRefused, amqp.exceptions.PreconditionFailed)


class Thief:
    def __init__(self, settings, other):
        parser = configparser.ConfigParser(interpolation=None)
        parser.read(settings)
        self.settings = parser["messaging"]
        parts = urlsplit(self.settings["url"])
        self.account, self.password = unquote(parts.username), unquote(parts.password)
        self.broker, self.vhost = (parts.hostname, parts.port), parts.path.lstrip("/")
        self.host, self.other = self.account.removeprefix("host."), other
        self.connection = self.connect()
        self.wrong = []

    def connect(self, certificate=True):
        tls = {"ca_certs": self.settings["ca_file"], "cert_reqs": ssl.CERT_REQUIRED,
               "server_hostname": self.broker[0]}
        if certificate:
            tls |= {"certfile": self.settings["cert_file"], "keyfile": self.settings["key_file"]}
        connection = amqp.Connection(
            "{}:{}".format(*self.broker), userid=self.account, password=self.password,
            virtual_host=self.vhost, ssl=tls, connect_timeout=5, read_timeout=5)
        connection.connect()
        return connection

    def attempt(self, what, do):
        """Whether the broker let it happen. Each on a channel of its own: a refusal ends it."""
        channel = self.connection.channel()
        try:
            do(channel)
            channel.basic_qos(0, 1, False)  # Asks, so that a refusal has come back after it.
        except REFUSED:
            return False
        except amqp.exceptions.NotFound:
            self.wrong.append(f"{what}: is not there")
            return False
        channel.close()
        return True

    def message(self, user=None, **properties):
        body = {"method": "ring", "args": {}, "context": {}, "to": "x"}
        return amqp.Message(json.dumps(body), content_type="application/json",
                            content_encoding="utf-8", user_id=user or self.account, **properties)

    def trespass(self):
        mine, theirs = f"{self.account}:thief", f"host.{self.other}"

        def own(channel, **arguments):
            channel.queue_declare(mine, auto_delete=True, arguments=arguments or None)

        def bind(exchange, key):
            return lambda channel: (own(channel), channel.queue_bind(mine, exchange, key))

        def send(exchange, key, **how):
            return lambda channel: channel.basic_publish(self.message(**how), exchange, key)

        forbidden = {
            **{f"read {queue}": lambda c, q=queue: c.basic_get(q, no_ack=True) for queue in (
                f"{theirs}:nova.compute", f"{theirs}:neutron.agent", "nova.conductor",
                "neutron.server", "nova.scheduler")},
            **{f"consume {queue}": lambda c, q=queue: c.basic_consume(q, no_ack=True)
               for queue in (f"{theirs}:nova.compute", "nova.conductor")},
            **{f"make queue {queue}": lambda c, q=queue: c.queue_declare(q) for queue in (
                "thief", f"{theirs}:thief", f"{self.account}.x:thief", "reply.thief")},
            "empty the conductor's queue": lambda c: c.queue_purge("nova.conductor"),
            "take another's queue away": lambda c: c.queue_delete(f"{theirs}:nova.compute"),
            "make an exchange": lambda c: c.exchange_declare("thief", "fanout"),
            "take its letterbox away": lambda c: c.exchange_delete(self.account),
            "take the controllers' letterbox away": lambda c: c.exchange_delete("controller"),
            **{f"hear {exchange} {key}": bind(exchange, key) for exchange, key in (
                (theirs, "#"), ("controller", "#"), ("controller", "reply.#"),
                ("identity.revocations.all", ""), ("amq.topic", "#"))},
            **{f"send to {exchange or 'any queue'} {key}": send(exchange, key)
               for exchange, key in (
                   ("", f"{theirs}:nova.compute"), ("", "nova.conductor"),
                   (theirs, "nova.compute"), (theirs, "reply." + "0" * 32),
                   ("neutron.agent.all", ""), ("identity.revocations.all", ""),
                   ("controller", "nova.scheduler"), ("controller", "glance.worker"),
                   ("controller", "#"), ("amq.topic", "x"))},
            "say it was the controller": send("controller", "nova.conductor", user="controller"),
            "say it was another host": send("controller", "nova.conductor", user=theirs),
            "let the broker carry it on": lambda c: own(
                c, **{"x-dead-letter-exchange": theirs, "x-dead-letter-routing-key": "x"}),
            "lead another's letters to itself": lambda c: c.exchange_bind(
                self.account, theirs, "#"),
            "lead its letters to another": lambda c: c.exchange_bind(theirs, self.account, "#"),
        }
        allowed = {
            "hear its own letterbox": bind(self.account, "nova.compute"),
            "hear what is for all": bind("neutron.agent.all", ""),
            "send itself a message": send(self.account, "thief"),
            "ask the conductor": send("controller", "nova.conductor"),
            "answer a controller": send("controller", "reply." + "0" * 32),
        }
        self.wrong += [f"it may {what}" for what, do in forbidden.items() if self.attempt(what, do)]
        self.wrong += [f"it may not {what}" for what, do in allowed.items()
                       if not self.attempt(what, do)]
        try:
            self.connect(certificate=False)
        except OSError:
            pass
        else:
            self.wrong.append("it may enter without a certificate")

    def ask(self, topic, method, sender=None, **args):
        """What the controllers answer, None for nothing."""
        channel, key = self.connection.channel(), f"reply.{uuid.uuid4().hex}"
        queue, answers = f"{self.account}:{key}", []
        channel.queue_declare(queue, auto_delete=True)
        channel.queue_bind(queue, self.account, key)
        channel.basic_consume(queue, no_ack=True, callback=answers.append)
        # It says it is the cloud's admin; that is for the receiver to disbelieve.
        body = {"method": method, "args": args, "to": f"controller/{topic}",
                "context": {"user_id": "root", "roles": ["admin"], "host": self.other}}
        channel.basic_publish(amqp.Message(
            json.dumps(body), content_type="application/json", content_encoding="utf-8",
            user_id=sender or self.account, reply_to=key, correlation_id="1"),
            "controller", topic)
        end = time.monotonic() + 10
        while not answers and time.monotonic() < end:
            try:
                self.connection.drain_events(timeout=1)
            except TimeoutError:
                continue
        channel.close()
        return json.loads(answers[0].body) if answers else None

    def steal(self, server):
        other = self.other
        job = {"id": server, "kind": "delete", "subject": server, "runner": f"compute.{other}",
               "owner": other, "args": {}, "ctx": {}, "results": {}, "begun": [], "error": None,
               "attempts": 1}
        tries = [
            ("nova.conductor", "spec", {"server_id": server}),
            ("nova.conductor", "refresh_vifs", {"server_id": server}),
            ("nova.conductor", "lend_image", {"server_id": server, "purpose": "read"}),
            ("nova.conductor", "server_started", {"server_id": server, "power_state": 1}),
            ("nova.conductor", "server_changed", {
                "server_id": server, "task_state": None, "power_state": 4, "vm_state": "error"}),
            ("nova.conductor", "task_failed", {
                "server_id": server, "message": "x", "vm_state": "error"}),
            ("nova.conductor", "servers_of", {"service_host": other}),
            ("nova.conductor", "sync_power", {"service_host": other, "states": {}}),
            ("nova.conductor", "report_service", {
                "binary": "nova-compute", "service_host": other}),
            ("nova.conductor", "report_service", {
                "binary": "nova-conductor", "service_host": self.host}),
            ("nova.conductor", "work_take", {
                "runner": f"compute.{other}", "owner": other, "fresh": True}),
            ("nova.conductor", "work_take", {
                "runner": "conductor", "owner": self.host, "fresh": True}),
            ("nova.conductor", "work_change", {"change": "close", "job": job, "args": []}),
            ("nova.conductor", "__init__", {}),
            ("neutron.server", "wanted", {"node": other, "known": None}),
            ("neutron.server", "ports_down", {"node": other, "ports": []}),
            ("neutron.server", "report_state", {
                "node": self.host, "tunnel_ip": "192.0.2.1", "started": True, "agents": [
                    {"agent_type": "L3 agent", "binary": "neutron-agent"}]}),
        ]
        for topic, method, args in tries:
            answer = self.ask(topic, method, **args)
            if answer is None or "error" not in answer and answer.get("result") != "lost":
                self.wrong.append(f"{method}({args}) was answered {str(answer)[:200]}")
        if "result" not in (self.ask("nova.conductor", "servers_of", service_host=self.host) or {}):
            self.wrong.append("its own servers were not told")


def main(settings, other, server=None):
    thief = Thief(settings, other)
    thief.trespass()
    if server is not None:
        thief.steal(server)
    print("\n".join(thief.wrong), end="")


if __name__ == "__main__":
    main(*sys.argv[1:])
