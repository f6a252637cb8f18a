"""The parts of nova-console, put together."""

from urllib.parse import urlsplit

from cairn.common import health
from cairn.common.process import Host, Live
from cairn.common.settings import BadSetting
from cairn.nova.console.access import Gate
from cairn.nova.console.hosts import Hosts, client_context
from cairn.nova.console.proxy import Proxy
from cairn.nova.rpc import Compute
from cairn.nova.settings import ConsoleProcess


def build(settings: ConsoleProcess, host: Host) -> Live:
    """What accepts web sockets at [console] base_url. Raises BadSetting where that says nothing."""
    base, own = urlsplit(settings.console.base_url), settings.console_proxy
    if not base.netloc:
        raise BadSetting("[console] base_url: must be set, to where clients reach nova-console")
    db, bus = host.database(settings.database), host.bus(settings.messaging)
    # What was revoked comes over the bus, as it does to the APIs.
    _, listener = host.authenticator(settings.identity, settings.messaging)
    gate = Gate(db, listener.verifier, {base.netloc, *own.origins.split()}, own)
    hosts = Hosts(Compute(bus), client_context(own), own.connect_timeout)
    checks = {"database": health.database(db), "messaging": health.messaging(listener.server)}
    return Proxy(base.path.rstrip("/"), gate, hosts, own, checks)
