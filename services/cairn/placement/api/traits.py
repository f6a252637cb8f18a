"""/traits and /resource_providers/{uuid}/traits"""

from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from cairn.common.api import Api, Document, Reply
from cairn.common.context import Context
from cairn.common.errors import Invalid
from cairn.placement.api.schemas import TRAITS_PUT, TRAITS_QUERY
from cairn.placement.component import Placement
from cairn.placement.core import providers
from cairn.placement.db.models import ProviderTrait
from cairn.placement.errors import InUse, TraitNotFound
from cairn.placement.policy import RULES

api = Api(RULES)
OF_PROVIDER = "/resource_providers/<uuid>/traits"


@api.get("/traits", policy="placement:traits:list", query=TRAITS_QUERY, since="1.6")
def index(placement: Placement, ctx: Context, query: Any) -> Document:
    names = placement.names.traits.all()
    wanted = query.get("name", "")
    if wanted.startswith("startswith:"):
        names = [n for n in names if n.startswith(wanted.removeprefix("startswith:"))]
    elif wanted.startswith("in:"):
        listed = set(wanted.removeprefix("in:").split(","))
        names = [n for n in names if n in listed]
    elif wanted:
        raise Invalid(reason="Badly formatted name parameter. Expected name query string "
                             f"parameter in form: ?name=[in|startswith]:[name1,name2|prefix]. "
                             f"Got: \"{wanted}\"")
    associated = query.get("associated", "").lower()
    if associated:
        if associated not in ("true", "false"):
            raise Invalid(reason="The query parameter \"associated\" only accepts \"true\" or "
                                 f"\"false\". Got: {associated}")
        with placement.db.reading() as session:
            numbers = session.scalars(select(ProviderTrait.trait_id).distinct()).all()
        used = {placement.names.traits.name(number) for number in numbers}
        names = [n for n in names if (n in used) == (associated == "true")]
    return {"traits": names}


@api.get("/traits/<name>", policy="placement:traits:show", status=204, since="1.6")
def show(placement: Placement, ctx: Context, name: str) -> None:
    if not placement.names.traits.exists(name):
        raise TraitNotFound(id=name)


@api.put("/traits/<name>", policy="placement:traits:update", since="1.6")
def create(placement: Placement, ctx: Context, name: str) -> Reply:
    tail = name.removeprefix("CUSTOM_")
    if tail == name or not tail or not tail.replace("_", "A").isalnum() or name != name.upper():
        raise Invalid(reason="The trait is invalid. A valid trait must be no longer than 255 "
                             'characters, start with the prefix "CUSTOM_" and use following '
                             'characters: "A"-"Z", "0"-"9" and "_"')
    if len(name) > 255:
        raise Invalid(reason="The trait is longer than 255 characters.")
    new = not placement.names.traits.exists(name)
    if new:
        placement.names.traits.create(name)
    return Reply(None, 201 if new else 204, {"Location": f"/placement/traits/{name}"})


@api.delete("/traits/<name>", policy="placement:traits:delete", status=204, since="1.6")
def delete(placement: Placement, ctx: Context, name: str) -> None:
    if not placement.names.traits.exists(name):
        raise TraitNotFound(id=name)
    if name in placement.names.traits.standard:
        raise Invalid(reason=f"Cannot delete standard trait {name}.")
    try:
        with placement.db.writing() as session:
            placement.names.traits.forget(session, name)
    except IntegrityError:
        raise InUse(kind="trait", name=name, reason="") from None


def _view(placement: Placement, generation: int, numbers: set[int]) -> Document:
    return {"traits": sorted(placement.names.traits.name(n) for n in numbers),
            "resource_provider_generation": generation}


@api.get(OF_PROVIDER, policy="placement:resource_providers:traits:list", since="1.6")
def of_provider(placement: Placement, ctx: Context, uuid: str) -> Document:
    with placement.db.reading() as session:
        provider = providers.find(session, uuid)
        numbers = providers.traits(session, [provider.id])[provider.id]
    return _view(placement, provider.generation, numbers)


@api.put(OF_PROVIDER, policy="placement:resource_providers:traits:update", body=TRAITS_PUT,
         since="1.6")
def set_of_provider(placement: Placement, ctx: Context, uuid: str, body: Document) -> Document:
    wanted = set(body["traits"])
    ids = placement.names.traits.ids(wanted)
    unknown = sorted(wanted - ids.keys())
    if unknown:
        raise Invalid(reason=f"No such trait {', '.join(unknown)}")
    with placement.db.writing() as session:
        provider = providers.find(session, uuid)
        providers.bump(session, provider, body["resource_provider_generation"])
        providers.set_traits(session, provider, set(ids.values()))
    return _view(placement, provider.generation, set(ids.values()))


@api.delete(OF_PROVIDER, policy="placement:resource_providers:traits:delete", status=204,
            since="1.6")
def clear_of_provider(placement: Placement, ctx: Context, uuid: str) -> None:
    with placement.db.writing() as session:
        provider = providers.find(session, uuid)
        providers.bump(session, provider)
        providers.set_traits(session, provider, set())
