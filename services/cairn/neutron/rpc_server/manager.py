"""What agents ask and tell, one method per message."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from sqlalchemy import select

from cairn.common.context import Context
from cairn.common.errors import Invalid, Refused
from cairn.neutron.component import Neutron
from cairn.neutron.core import (
    agents,
    desired_state,
    dhcp,
    floatingips,
    ips,
    metadata,
    ports,
    routers,
)
from cairn.neutron.core.agents import L2
from cairn.neutron.core.kinds import PORTS
from cairn.neutron.core.write import Write, write


class Manager:
    def __init__(self, neutron: Neutron) -> None:
        self.neutron = neutron

    def wanted(self, ctx: Context, node: str, known: str | None) -> dict[str, Any]:
        """The revision is of the state's contents: no count of changes can be wrong about it."""
        with self.neutron.db.reading() as session:
            state = desired_state.build(session, self.neutron.settings, node)
        text = orjson.dumps(state, option=orjson.OPT_SORT_KEYS)
        revision = hashlib.blake2b(text, digest_size=16).hexdigest()
        return {"revision": revision, "state": None if revision == known else state}

    def report_state(
        self, ctx: Context, node: str, tunnel_ip: str, started: bool,
        agents: Sequence[Mapping[str, Any]],
    ) -> None:
        """What waited for such a host is given to it. Raises Refused where it says it is what a
        compute host is not: it would be given other hosts' routers and networks; Invalid where
        its tunnels end at no address: every other host would be told of it."""
        try:
            tunnel_ip = str(ips.address(tunnel_ip)) if tunnel_ip else ""
        except ValueError as wrong:
            raise Invalid(reason=f"tunnel_ip: {wrong}") from None
        gateways = self.neutron.settings.gateway_hosts
        if ctx.host is not None and gateways and ctx.host not in gateways.split(","):
            for kind in agents:
                if kind["agent_type"] != L2:
                    raise Refused(reason=f"{node} is no network host, so no {kind['agent_type']}.")
        write(self.neutron, ctx, lambda w: self._heard(w, node, tunnel_ip, started, agents))

    def _heard(
        self, w: Write, node: str, tunnel_ip: str, started: bool,
        kinds: Sequence[Mapping[str, Any]],
    ) -> None:
        if agents.report(w, node, tunnel_ip, started, kinds):
            w.hosts.add(node)
            # The tunnels of its networks may end elsewhere now.
            w.networks.update(w.session.scalars(
                select(PORTS.c.network_id).distinct().where(PORTS.c.host == node)))
        ports.retry_binding(w, node)
        names = {kind["agent_type"] for kind in kinds}
        if agents.DHCP in names:
            dhcp.catch_up(w)
        if agents.L3 in names:
            routers.catch_up(w)

    def ports_up(self, ctx: Context, node: str, ports: list[str]) -> None:
        self._status(ctx, node, ports, "ACTIVE")

    def ports_down(self, ctx: Context, node: str, ports: list[str]) -> None:
        self._status(ctx, node, ports, "DOWN")

    def _status(self, ctx: Context, node: str, ids: list[str], status: str) -> None:
        if ids:
            write(self.neutron, ctx, lambda w: ports.report(w, node, ids, status))

    def floating_ips_set(self, ctx: Context, node: str, statuses: dict[str, str]) -> None:
        write(self.neutron, ctx, lambda w: floatingips.report(w, node, statuses))

    def instance_at(
        self, ctx: Context, address: str, router_id: str | None, network_id: str | None
    ) -> dict[str, str] | None:
        with self.neutron.db.reading() as session:
            if not metadata.serves(session, ctx.host, router_id, network_id):
                return None
            return metadata.instance_at(session, address, router_id, network_id)
