"""/traits and /resource_providers/{uuid}/traits"""

import re
from collections.abc import Collection
from typing import Any

from cairn.common.api import Api, Document, Reply
from cairn.common.context import Context
from cairn.common.errors import Invalid
from cairn.placement.api.schemas import CUSTOM, TRAITS_PUT, TRAITS_QUERY
from cairn.placement.component import Placement
from cairn.placement.core import providers, traits
from cairn.placement.errors import TraitNotFound
from cairn.placement.policy import RULES

api = Api(RULES)
OF_PROVIDER = "/resource_providers/<uuid>/traits"


@api.get("/traits", policy="placement:traits:list", query=TRAITS_QUERY, since="1.6")
def index(placement: Placement, ctx: Context, query: Any) -> Document:
    """List traits, by name or by whether some provider has them."""
    names = placement.names.traits.all()
    name_filter = query.get("name")
    if name_filter is not None:
        names = _named(names, name_filter)
    associated = query.get("associated")
    if associated is not None:
        if associated.lower() not in ("true", "false"):
            raise Invalid(reason='The query parameter "associated" only accepts "true" or '
                                 f'"false". Got: {associated}')
        used = traits.list_used(placement.db, placement.names)
        names = [n for n in names if (n in used) == (associated.lower() == "true")]
    return {"traits": names}


def _named(names: list[str], name_filter: str) -> list[str]:
    how, colon, value = name_filter.partition(":")
    if not colon:
        raise Invalid(reason="Badly formatted name parameter. Expected name query string "
                             "parameter in form: ?name=[in|startswith]:[name1,name2|prefix]. "
                             f'Got: "{name_filter}"')
    if how == "startswith":
        return [name for name in names if name.startswith(value)]
    if how == "in":
        listed = set(value.split(","))
        return [name for name in names if name in listed]
    return names


@api.get("/traits/<name>", policy="placement:traits:show", status=204, since="1.6")
def show(placement: Placement, ctx: Context, name: str) -> None:
    """Tell whether a trait exists: 204 or 404."""
    if not placement.names.traits.exists(name):
        raise TraitNotFound(id=name)


@api.put("/traits/<name>", policy="placement:traits:update", since="1.6", status=201, also=(204,),
         event="trait.create")
def create(placement: Placement, ctx: Context, name: str) -> Reply:
    """See that a custom trait exists: 201 if it is new, 204 if it was there."""
    if not re.fullmatch(CUSTOM, name) or len(name) > 255:
        raise Invalid(reason="The trait is invalid. A valid trait must be no longer than 255 "
                             'characters, start with the prefix "CUSTOM_" and use following '
                             'characters: "A"-"Z", "0"-"9" and "_"')
    new = traits.create_trait(ctx, placement.names, name)
    return Reply(None, 201 if new else 204, {"Location": f"{placement.url}/traits/{name}"})


@api.delete("/traits/<name>", policy="placement:traits:delete", status=204, since="1.6",
            event="trait.delete")
def delete(placement: Placement, ctx: Context, name: str) -> None:
    """Remove a custom trait that no provider has."""
    if not placement.names.traits.exists(name):
        raise TraitNotFound(id=name)
    if name in placement.names.traits.standard:
        raise Invalid(reason=f"Cannot delete standard trait {name}.")
    traits.delete_trait(placement.db, ctx, placement.names, name)


def _view(placement: Placement, generation: int, numbers: Collection[int]) -> Document:
    return {"traits": sorted(placement.names.traits.name(n) for n in numbers),
            "resource_provider_generation": generation}


@api.get(OF_PROVIDER, policy="placement:resource_providers:traits:list", since="1.6")
def of_provider(placement: Placement, ctx: Context, uuid: str) -> Document:
    """List the traits of a provider."""
    return _view(placement, *providers.list_traits(placement.db, uuid))


@api.put(OF_PROVIDER, policy="placement:resource_providers:traits:update", body=TRAITS_PUT,
         since="1.6", event="resource_provider.traits.update")
def set_of_provider(placement: Placement, ctx: Context, uuid: str, body: Document) -> Document:
    """Make these the provider's only traits, if its generation is the one given."""
    return _view(placement, *providers.replace_traits(
        placement.db, ctx, placement.names, uuid, set(body["traits"]),
        body["resource_provider_generation"]))


@api.delete(OF_PROVIDER, policy="placement:resource_providers:traits:delete", status=204,
            since="1.6", event="resource_provider.traits.update")
def clear_of_provider(placement: Placement, ctx: Context, uuid: str) -> None:
    """Take all traits from a provider, whatever its generation."""
    providers.clear_traits(placement.db, ctx, uuid)
