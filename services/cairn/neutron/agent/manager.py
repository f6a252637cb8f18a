"""What neutron-agent hears."""

from cairn.common.context import Context
from cairn.neutron.agent.loop import Loop


class Manager:
    def __init__(self, loop: Loop) -> None:
        self.loop = loop

    def changed(
        self, ctx: Context, hosts: list[str], networks: list[str], security_groups: list[str]
    ) -> None:
        if self.loop.concerns(hosts, networks, security_groups):
            self.loop.bell.set()
