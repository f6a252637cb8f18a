"""Aggregates: hosts with something in common, and the zones that some of them make."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from cairn.common.context import Context
from cairn.common.db import changed
from cairn.common.errors import Conflict, Invalid, NotFound
from cairn.nova.component import Nova
from cairn.nova.core import hosts, values
from cairn.nova.db.models import Aggregate, AggregateHost, Event


@dataclass(frozen=True)
class AggregateState:
    """An aggregate and its hosts, by name."""

    aggregate: Aggregate
    hosts: Sequence[str]


def list_aggregates(nova: Nova) -> list[AggregateState]:
    """All of them, in the order in which they were made."""
    with nova.db.reading() as session:
        members: dict[int, list[str]] = {}
        for row in session.execute(
            select(AggregateHost.aggregate, AggregateHost.host).order_by(AggregateHost.host)
        ):
            members.setdefault(row.aggregate, []).append(row.host)
        return [AggregateState(aggregate, members.get(aggregate.number, ())) for aggregate in
                session.scalars(select(Aggregate).order_by(Aggregate.number))]


def get(nova: Nova, number: str) -> AggregateState:
    """Raises NotFound."""
    with nova.db.reading() as session:
        return _state(session, _find(session, number))


def create(nova: Nova, ctx: Context, name: str, zone: str | None) -> AggregateState:
    """Raises Conflict when the name is taken."""
    aggregate = Aggregate(name=name, zone=zone, meta={})
    with nova.db.writing() as session:
        try:
            with session.begin_nested():
                session.add(aggregate)
        except IntegrityError:
            raise Conflict(reason=f"Aggregate {name} already exists.") from None
        return _recorded(session, ctx, "create", AggregateState(aggregate, ()))


def change(nova: Nova, ctx: Context, number: str, columns: dict[str, Any]) -> AggregateState:
    """Rename it, or give it another zone. Raises NotFound, Conflict when the name is taken."""
    with nova.db.writing() as session:
        aggregate = _find(session, number)
        for name, value in columns.items():
            setattr(aggregate, name, value)
        try:
            session.flush()
        except IntegrityError:
            raise Conflict(reason=f"Aggregate {columns['name']} already exists.") from None
        return _recorded(session, ctx, "update_prop", _state(session, aggregate))


def remove(nova: Nova, ctx: Context, number: str) -> None:
    """Raises NotFound, and Invalid while it has hosts."""
    with nova.db.writing() as session:
        aggregate = _find(session, number)
        state = _state(session, aggregate)
        if state.hosts:
            raise Invalid(reason=f"Aggregate {number} still has hosts.")
        _recorded(session, ctx, "delete", state)
        session.delete(aggregate)


def add_host(nova: Nova, ctx: Context, number: str, host: str) -> AggregateState:
    """Raises NotFound for either, Conflict for a host that is there already or in another zone."""
    with nova.db.writing() as session:
        aggregate = _find(session, number)
        if host not in hosts.computes(session):
            raise NotFound("Compute host", host)
        zone = hosts.zones(session).get(host)
        if aggregate.zone and zone not in (None, aggregate.zone):
            raise Conflict(reason=f"Host {host} is in availability zone {zone} already.")
        try:
            with session.begin_nested():
                session.add(AggregateHost(aggregate=aggregate.number, host=host))
        except IntegrityError:
            raise Conflict(reason=f"Host {host} is in aggregate {number} already.") from None
        return _recorded(session, ctx, "add_host", _state(session, aggregate))


def remove_host(nova: Nova, ctx: Context, number: str, host: str) -> AggregateState:
    """Raises NotFound for either."""
    with nova.db.writing() as session:
        aggregate = _find(session, number)
        gone = session.execute(delete(AggregateHost).where(
            AggregateHost.aggregate == aggregate.number, AggregateHost.host == host))
        if not changed(gone):
            raise NotFound("Compute host", host)
        return _recorded(session, ctx, "remove_host", _state(session, aggregate))


def set_metadata(
    nova: Nova, ctx: Context, number: str, items: dict[str, str | None]
) -> AggregateState:
    """Add or replace items, take away those that are None. Raises NotFound."""
    with nova.db.writing() as session:
        aggregate = _find(session, number, lock=True)
        metadata = aggregate.meta | items
        aggregate.zone = metadata.pop("availability_zone", aggregate.zone)
        aggregate.meta = {key: value for key, value in metadata.items() if value is not None}
        session.flush()
        return _recorded(session, ctx, "update_metadata", _state(session, aggregate))


def record_cached(
    nova: Nova, ctx: Context, state: AggregateState, image_ids: Sequence[str],
    failures: dict[str, str],
) -> None:
    """Its hosts were asked to have these images; why not, by host, of those that were not."""
    aggregate = state.aggregate
    with nova.db.writing() as session:
        Event.record(session, ctx, "aggregate.cache_images.end", "aggregate", aggregate.id, {
            "id": aggregate.number, "uuid": aggregate.id, "name": aggregate.name,
            "hosts": list(state.hosts), "images": list(image_ids), "failures": failures},
            project_id="")


def _recorded(session: Session, ctx: Context, verb: str, state: AggregateState) -> AggregateState:
    aggregate = state.aggregate
    Event.record(session, ctx, f"aggregate.{verb}.end", "aggregate", aggregate.id, {
        "id": aggregate.number, "uuid": aggregate.id, "name": aggregate.name,
        "hosts": list(state.hosts), "metadata": aggregate.meta | (
            {"availability_zone": aggregate.zone} if aggregate.zone else {})}, project_id="")
    return state


def _find(session: Session, number: str, lock: bool = False) -> Aggregate:
    """Raises Invalid for what is no number, NotFound."""
    aggregate = session.get(Aggregate, values.number(number), with_for_update=lock)
    if aggregate is None:
        raise NotFound("Aggregate", number)
    return aggregate


def _state(session: Session, aggregate: Aggregate) -> AggregateState:
    members = session.scalars(
        select(AggregateHost.host).where(AggregateHost.aggregate == aggregate.number)
        .order_by(AggregateHost.host))
    return AggregateState(aggregate, members.all())
