"""Interfaces of a server: attached and detached by works, the first of which are waited for."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from cairn.common.context import Context
from cairn.common.errors import Conflict, Forbidden, Invalid, NotFound
from cairn.common.flows import Action
from cairn.nova.component import Nova
from cairn.nova.core import network, servers, works
from cairn.nova.core.flows import attach_interface, detach_interface
from cairn.nova.errors import (
    FixedIpInUse,
    InterfaceAttachFailed,
    NetworkAmbiguous,
    NetworkUnknown,
    NotOnAHost,
    PortUnknown,
    StillAttaching,
)


@dataclass(frozen=True)
class Interface:
    """A port of a server, as Neutron shows it, with the tag that the server knows it by."""

    port: dict[str, Any]
    tag: str | None


def list_of(nova: Nova, ctx: Context, server_id: str) -> list[Interface]:
    """Those of the caller's server. Raises ServerNotFound."""
    with nova.db.reading() as session:
        row = servers.find(session, ctx, server_id)
    tags = {vif["id"]: vif.get("tag") for vif in row.vifs}
    return [Interface(port, tags.get(port["id"]))
            for port in network.ports_of(nova, ctx, row.id)]


def find(nova: Nova, ctx: Context, server_id: str, port_id: str) -> Interface:
    """The one with that port. Raises ServerNotFound, NotFound."""
    for interface in list_of(nova, ctx, server_id):
        if interface.port["id"] == port_id:
            return interface
    raise NotFound("Port", port_id)


def attach(
    nova: Nova, ctx: Context, server_id: str, networks: list[dict[str, Any]] | None
) -> Interface:
    """Attach what is asked of the network (as POST /servers has it, at most one; None: the only
    network there is), and wait until it is. Raises what `ask_attach` does,
    InterfaceAttachFailed, StillAttaching."""
    work_id = ask_attach(nova, ctx, server_id, networks)
    outcome = works.wait(nova, work_id, nova.api.attach_timeout)
    if outcome is None:
        raise StillAttaching(seconds=nova.api.attach_timeout)
    if outcome.error is not None:
        sentence = outcome.error.partition("\n")[0]
        if outcome.failed_step != "port_bound":
            raise InterfaceAttachFailed(id=server_id, reason=sentence)
        if "quota exceeded" in sentence.lower():
            raise Forbidden(rule=sentence)
        raise Invalid(reason=sentence)
    return find(nova, ctx, server_id, outcome.results["port_bound"]["port_id"])


def ask_attach(
    nova: Nova, ctx: Context, server_id: str, networks: list[dict[str, Any]] | None
) -> str:
    """Write the work, and ring; its id. Raises ServerNotFound, ServerLocked, ServerBusy,
    NotOnAHost, HostDown, NotFound for what is asked of the network, Conflict, Invalid."""
    action = attach_interface.ACTION
    _check_may(nova, ctx, server_id, action)
    try:
        requested = network.resolve(nova, ctx, networks, 1)
    except NetworkAmbiguous as ambiguous:
        raise Invalid(reason=str(ambiguous)) from None
    except FixedIpInUse as used:
        raise Conflict(reason=str(used)) from None
    except NetworkUnknown as unknown:
        raise NotFound("Network", unknown.facts["id"]) from None
    except PortUnknown as unknown:
        raise NotFound("Port", unknown.facts["id"]) from None
    if not requested:
        raise Invalid(reason="interfaceAttachment: no network was given, and there is none.")
    return _write(nova, ctx, server_id, action, {"requested": requested[0]})


def detach(nova: Nova, ctx: Context, server_id: str, port_id: str) -> None:
    """Begin to detach it. Raises as `ask_attach`; NotFound when the server has no such port."""
    action = detach_interface.ACTION
    row = _check_may(nova, ctx, server_id, action)
    if not any(vif["id"] == port_id for vif in row.vifs):
        raise NotFound("Port", port_id)
    _write(nova, ctx, server_id, action, {"port_id": port_id})


def _check_may(nova: Nova, ctx: Context, server_id: str, action: Action) -> Any:
    with nova.db.reading() as session:
        row = servers.find(session, ctx, server_id)
    servers.check_unlocked(ctx, row)
    works.check_may(row, action)
    if row.host is None:
        raise NotOnAHost(id=row.id)
    return row


def _write(
    nova: Nova, ctx: Context, server_id: str, action: Action, args: dict[str, Any]
) -> str:
    def write(session: Session) -> tuple[str, str]:
        row = servers.find(session, ctx, server_id)
        works.claim(session, row, action)
        work = works.add(session, ctx, row, action, nova.service, args)
        return work.id, work.runner

    work_id, runner = nova.db.write(write)
    nova.ring(ctx, runner)
    return work_id
