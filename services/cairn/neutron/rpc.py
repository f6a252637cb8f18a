"""The messages neutron's processes accept, by receiver.

An agent owns no truth: it asks for the desired state of its host, makes it so, and tells what came
of it. `changed` is a doorbell; an agent that missed one finds the difference at its next look.
"""

from typing import Any

from cairn.common.context import Context
from cairn.common.rpc import Stub


class Controller(Stub):
    """neutron-rpc-server, one queue that all of them share. `node` is the asking agent's host."""

    topic = "neutron.server"
    from_hosts = {
        "wanted": "node", "report_state": "node", "ports_up": "node", "ports_down": "node",
        "floating_ips_set": "node",
        # Of routers and networks that the host serves.
        "instance_at": "",
    }

    def wanted(self, ctx: Context, *, node: str, known: str | None) -> dict[str, Any]:
        """{"revision": str, "state": the desired state of that host}.

        `known` is the revision the agent holds: where nothing changed since, "state" is None.
        """
        answer: dict[str, Any] = self.call(ctx, "wanted", node=node, known=known)
        return answer

    def report_state(
        self, ctx: Context, *, node: str, tunnel_ip: str, started: bool,
        agents: list[dict[str, Any]],
    ) -> None:
        """I live. `started` on the first report of a process; `agents` are the kinds it is:
        {"agent_type", "binary", "configurations"}."""
        self.call(
            ctx, "report_state", node=node, tunnel_ip=tunnel_ip, started=started, agents=agents
        )

    def ports_up(self, ctx: Context, *, node: str, ports: list[str]) -> None:
        """These ports of the node are wired: ACTIVE. Ports bound elsewhere are passed over."""
        self.call(ctx, "ports_up", node=node, ports=ports)

    def ports_down(self, ctx: Context, *, node: str, ports: list[str]) -> None:
        """These ports of the node are wanted, but not wired: DOWN."""
        self.call(ctx, "ports_down", node=node, ports=ports)

    def floating_ips_set(self, ctx: Context, *, node: str, statuses: dict[str, str]) -> None:
        """What became of the floating IPs of the node's routers: id -> ACTIVE, DOWN or ERROR."""
        self.call(ctx, "floating_ips_set", node=node, statuses=statuses)

    def instance_at(
        self, ctx: Context, *, address: str, router_id: str | None, network_id: str | None
    ) -> dict[str, str] | None:
        """Whose fixed IP asked for metadata through that router, or on that network:
        {"port_id", "device_id", "project_id"}, None if nobody's."""
        port: dict[str, str] | None = self.call(
            ctx, "instance_at", address=address, router_id=router_id, network_id=network_id
        )
        return port


class Agent(Stub):
    """neutron-agent: one per host, all of them hear the doorbell."""

    topic = "neutron.agent"
    to_all = True

    def changed(
        self, ctx: Context, *, hosts: list[str], networks: list[str], security_groups: list[str]
    ) -> None:
        """Look again, if you are one of `hosts` or hold one of the networks or security groups
        (as a port's own or as a remote group)."""
        self.cast_all(
            ctx, "changed", hosts=hosts, networks=networks, security_groups=security_groups
        )
