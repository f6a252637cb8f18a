"""Desired state, actual state, difference: over and over, at once when the doorbell rings."""

import logging
import threading
import time
from collections.abc import Iterator
from typing import Any

from cairn.common.context import Context
from cairn.common.errors import Problem
from cairn.common.rpc import Server
from cairn.neutron.agent import identifiers, l2, names
from cairn.neutron.agent.dhcp import Dhcp
from cairn.neutron.agent.firewall import Firewall
from cairn.neutron.agent.isolated import HOST, Isolated, report, tell
from cairn.neutron.agent.l2 import Networks, mappings
from cairn.neutron.agent.links import links
from cairn.neutron.agent.metadata import MetadataProxy
from cairn.neutron.agent.metadata_server import MetadataServer
from cairn.neutron.agent.router import Routers
from cairn.neutron.agent.watch import Watch
from cairn.neutron.rpc import Controller
from cairn.neutron.settings import HostSettings

log = logging.getLogger(__name__)
State = dict[str, Any]
KINDS = {"l2": "Linux bridge agent", "dhcp": "DHCP agent", "l3": "L3 agent",
         "metadata": "Metadata agent"}
# Changes come in bunches (a port, its address, its groups); one look serves them all.
GATHER = 0.03
# Seconds after which everything is looked at, though the kernel told of no change; and where
# something is isolated, which is tried again then.
FULL_LOOK, RETRY = 300.0, 60.0
# How many intervals may lie between two questions when nothing is new: bells may be missed.
PATIENCE = 6
# Ids of the ports that are wired, statuses of floating IPs.
Outcome = tuple[list[str], dict[str, str]]


class Loop:
    def __init__(
        self, controller: Controller, settings: HostSettings, node: str,
        metadata: MetadataServer | None = None,
    ) -> None:
        self.controller, self.settings, self.node = controller, settings, node
        proxy = MetadataProxy(settings, metadata)
        self.networks = Networks(settings)
        self.firewall = Firewall()
        self.dhcp = Dhcp(settings, proxy)
        self.routers = Routers(settings, proxy)
        self.watch = Watch()
        # What was applied without a gap, what came of it, and until when that is believed.
        self._standing: tuple[State, Outcome, float] | None = None
        # A state as it came, what of it is fit for this host, and why the rest is not.
        self._read: tuple[State | None, State, Isolated] = (None, {}, {})
        self.revision: str | None = None
        self.desired_state: State | None = None
        self._logged: State | None = None
        # When what the host shall be is asked for without a bell, and after how long again.
        self._ask_at, self._pause = 0.0, settings.interval
        # What of it is not the actual state, and why.
        self.isolated: Isolated = {}
        self.bell = threading.Event()
        self._ended = threading.Event()

    def start(self) -> None:
        threading.Thread(target=self._run, daemon=True, name="reconcile").start()

    def stop(self) -> None:
        self._ended.set()
        self.bell.set()

    def concerns(self, hosts: list[str], networks: list[str], groups: list[str]) -> bool:
        """Whether a change of these may change this host."""
        state = self.desired_state
        if state is None or self.node in hosts:
            return True
        return bool(
            state["networks"].keys() & set(networks)
            or (state["security_groups"].keys() | state["members"].keys()) & set(groups)
        )

    def _run(self) -> None:
        rang = True
        while not self._ended.is_set():
            self.bell.clear()
            wait = self.settings.interval
            try:
                self.turn(rang, time.monotonic())
            except Problem as problem:
                log.warning("the desired state is not to be had: %s", problem)
                wait = min(1, wait)
            except Exception as error:
                log.exception("the desired state could not be applied")
                self.isolated = {(HOST, self.node): f"{type(error).__name__}: {error}"}
                wait = min(1, wait)
            rang = self.bell.wait(wait)
            if rang:
                self._ended.wait(GATHER)

    def turn(self, rang: bool, now: float) -> None:
        """One look at the host (`now` is of time.monotonic). What it shall be is asked for when
        the bell rang, when something went wrong at the turn before, and else the more seldom the
        longer nothing was new."""
        if not rang and now < self._ask_at:
            self._look()
            return
        pause = min(2 * self._pause, PATIENCE * self.settings.interval)
        self._ask_at = now
        if self._ask() or rang:
            pause = self.settings.interval
        self._look()
        self._ask_at, self._pause = now + pause, pause

    def _ask(self) -> bool:
        """Whether the desired state is another than before."""
        answer = self.controller.wanted(Context(), node=self.node, known=self.revision)
        state, self.revision = answer["state"], answer["revision"]
        if state is None or state == self.desired_state:
            return False
        self.desired_state = state
        return True

    def _look(self) -> None:
        state = self.desired_state
        assert state is not None
        started = time.monotonic()
        wired, floating = self.apply(state)
        if state is not self._logged:
            log.info("applied %s in %.0f ms", str(self.revision)[:12],
                     (time.monotonic() - started) * 1000)
            self._logged = state
        self._tell(wired, floating)

    def apply(self, state: State) -> Outcome:
        """Make the host so; (ids of wired ports, statuses of floating IPs)."""
        if state is not self._read[0]:
            unsound: Isolated = {}
            self._read = state, identifiers.sound(state, unsound), unsound
        _, state, unsound = self._read
        if (outcome := self._as_it_was(state)) is not None:
            return outcome
        self._standing = None
        isolated = dict(unsound)
        with links() as host:
            bridges = self.networks.apply(host, state["networks"], isolated)
            l2.make_taps(host, state["ports"], isolated)
            isolated |= self.firewall.apply(state, bridges)
            wired = l2.plug_taps(host, state, bridges, isolated)
            served, dhcp_links = self.dhcp.apply(host, state["dhcp"], bridges, isolated)
            routed, router_links, floating = self.routers.apply(
                host, state["routers"], bridges, isolated)
            needed = set(bridges.values()) | dhcp_links | router_links
            needed |= {port["tap"] for port in state["ports"].values()}
            needed |= {name(n) for n in bridges for name in (names.vxlan, names.vlan)}
            l2.remove_others(host, needed)
        tell(isolated, self.isolated)
        self.isolated = isolated
        outcome = wired + served + routed, floating
        pause = RETRY if isolated else FULL_LOOK
        self._standing = state, outcome, time.monotonic() + pause
        return outcome

    def _as_it_was(self, state: State) -> Outcome | None:
        """What came of applying this state, if nothing has changed since."""
        calm = self.watch.calm([*map(names.dhcp_namespace, state["dhcp"]),
                                *map(names.router_namespace, state["routers"])])
        if self._standing is None or not calm:
            return None
        applied, outcome, until = self._standing
        if applied is not state or time.monotonic() > until:
            return None
        return outcome if self.dhcp.alive() and self.routers.alive() else None

    def _tell(self, wired: list[str], floating: dict[str, str]) -> None:
        assert self.desired_state is not None
        reported = statuses(self.desired_state)
        news = [port_id for port_id in wired if reported.get(port_id) != "ACTIVE"]
        if news:
            self.controller.ports_up(Context(), node=self.node, ports=news)
            believe(self.desired_state, dict.fromkeys(news, "ACTIVE"))
        lost = [p for p, status in reported.items() if status == "ACTIVE" and p not in set(wired)]
        if lost:
            self.controller.ports_down(Context(), node=self.node, ports=lost)
            believe(self.desired_state, dict.fromkeys(lost, "DOWN"))
        seen = {f["id"]: f["status"] for r in self.desired_state["routers"].values()
                for f in r["floating_ips"]}
        changed = {id_: s for id_, s in floating.items() if seen.get(id_) != s}
        if changed:
            self.controller.floating_ips_set(Context(), node=self.node, statuses=changed)
            believe(self.desired_state, changed)


def statuses(state: State) -> dict[str, str]:
    """What the server believes of this host's ports, by id."""
    return {port_id: port["status"] for port_id, port in _ports(state)}


def believe(state: State, told: dict[str, str]) -> None:
    """Write into the state what the server was told of ports and floating IPs: it says the same
    when it is asked again, and nothing is new then."""
    floating = ((f["id"], f) for router in state["routers"].values()
                for f in router["floating_ips"])
    for id, thing in (*_ports(state), *floating):
        if id in told:
            thing["status"] = told[id]


def _ports(state: State) -> Iterator[tuple[str, State]]:
    yield from state["ports"].items()
    for network in state["dhcp"].values():
        yield network["port"]["id"], network["port"]
    for router in state["routers"].values():
        for port in [*router["interfaces"], *([router["gateway"]] if router["gateway"] else [])]:
            yield port["id"], port


class Reporter:
    """Signs of life, each after a message came back through our own queue and thread."""

    def __init__(
        self, controller: Controller, server: Server, settings: HostSettings, loop: Loop
    ) -> None:
        self.controller, self.server, self.loop, node = controller, server, loop, loop.node
        self.settings, self.node = settings, node
        self.reported = threading.Event()
        self._ended = threading.Event()

    def start(self) -> None:
        threading.Thread(target=self._run, daemon=True, name="report").start()

    def stop(self) -> None:
        self._ended.set()

    def _run(self) -> None:
        started, wait, silent = True, 0.0, False
        while not self._ended.wait(wait):
            wait = 1.0
            try:
                if self.server.round_trip():
                    self.controller.report_state(
                        Context(), node=self.node, tunnel_ip=self.settings.local_ip,
                        started=started, agents=self._agents())
                    self.reported.set()
                    if silent:
                        self.loop.bell.set()  # Bells may have rung meanwhile.
                        silent = False
                    started, wait = False, self.settings.report_interval
                else:
                    silent = True
                    log.warning("a message through our own queue did not come back")
            except Problem as problem:
                silent = True
                log.warning("no sign of life was taken: %s", problem)

    def _agents(self) -> list[State]:
        configurations: State = {
            "bridge_mappings": mappings(self.settings.bridge_mappings),
            "tunnel_types": ["vxlan"], "tunneling_ip": self.settings.local_ip,
        }
        roles = [role.strip() for role in self.settings.roles.split(",")]
        isolated = self.loop.isolated
        return [{"agent_type": KINDS[role], "binary": "neutron-agent",
                 "configurations": (configurations if role == "l2" else {})
                 | report(isolated, role)} for role in roles]
