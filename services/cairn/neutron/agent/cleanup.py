"""Take everything of the agent's off a host: when a host leaves the cloud."""

import shutil
from pathlib import Path

from cairn.neutron.agent.advertising import Advertiser
from cairn.neutron.agent.dhcp import Dhcp
from cairn.neutron.agent.firewall import Firewall
from cairn.neutron.agent.l2 import remove_others
from cairn.neutron.agent.links import links
from cairn.neutron.agent.metadata import MetadataProxy
from cairn.neutron.agent.router import Routers
from cairn.neutron.settings import HostSettings


def clean(settings: HostSettings) -> None:
    """No link, namespace, table, file or helper process of ours is left."""
    proxy = MetadataProxy(settings, None)
    with links() as host:
        Routers(settings, proxy).apply(host, {}, {}, {})
        Dhcp(settings, proxy).apply(host, {}, {}, {})
        host.refresh()
        remove_others(host, set())
    # Of namespaces that somebody else removed.
    for path in Path(settings.state_dir, "advertising").glob("*.conf"):
        Advertiser(settings).end(path.stem)
    for path in Path(settings.state_dir, "metadata").glob("*.cfg"):
        proxy.end(path.stem)
    Firewall().remove()
    shutil.rmtree(settings.state_dir, ignore_errors=True)
