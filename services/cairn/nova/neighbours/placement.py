"""What nova asks of Placement."""

from typing import Any, Protocol
from urllib.parse import urlencode

import orjson

from cairn.common.api import Document
from cairn.common.client import Neighbours
from cairn.common.context import Context
from cairn.common.errors import Problem

# Providers and claims as this microversion has them.
VERSION = "1.38"


class Placement(Protocol):
    """Every question raises Remote with Placement's code, Unavailable where there is no answer."""

    def list_candidates(
        self, ctx: Context, resources: dict[str, int], *, required: list[str],
        forbidden: list[str], limit: int | None = None, provider: str | None = None,
    ) -> dict[str, Document]:
        """Providers with room for all of it, at most so many, by id: {"resources": {class:
        {"capacity", "used"}}, "traits"}. The traits are what they must have and must not. With
        `provider` it is asked about that one only."""
        ...

    def claim(
        self, ctx: Context, consumer: str, provider: str, resources: dict[str, int], *,
        project_id: str, user_id: str,
    ) -> None:
        """For a server that has no claim yet. Raises Remote 409 when the provider is full, or it
        has one."""
        ...

    def list_claimed(self, ctx: Context, consumer: str) -> set[str]:
        """The providers that the server has a claim on."""
        ...

    def release(self, ctx: Context, consumer: str) -> None:
        """Give the claim back; one that there is not is well."""
        ...

    def move_claim(self, ctx: Context, holder: str, to: str, kind: str) -> None:
        """What one consumer has another has, a `kind` (INSTANCE, MIGRATION); nothing happens where
        the first has none. Raises Remote 409 when both have one."""
        ...

    def show_provider(self, ctx: Context, provider: str) -> Document: ...

    def find_provider(self, ctx: Context, name: str) -> Document | None: ...

    def create_provider(self, ctx: Context, provider: str, name: str) -> Document: ...

    def delete_provider(self, ctx: Context, provider: str) -> None:
        """One that there is not is well. Raises Remote 409 while it has allocations."""
        ...

    def show_inventories(self, ctx: Context, provider: str) -> Document:
        """{"inventories", "resource_provider_generation"}"""
        ...

    def put_inventories(
        self, ctx: Context, provider: str, generation: int, inventories: dict[str, Any]
    ) -> None: ...

    def show_usages(self, ctx: Context, provider: str) -> dict[str, int]: ...

    def show_traits(self, ctx: Context, provider: str) -> Document:
        """{"traits", "resource_provider_generation"}"""
        ...

    def put_traits(
        self, ctx: Context, provider: str, generation: int, traits: list[str]
    ) -> None: ...

    def create_trait(self, ctx: Context, trait: str) -> None: ...


class HttpPlacement:
    """Placement."""

    def __init__(self, client: Neighbours) -> None:
        self._client = client

    def _get(self, ctx: Context, path: str) -> Document:
        answer = self._client.get("placement", path, ctx=ctx, version=VERSION)
        return answer.json()  # type: ignore[no-any-return]

    def _put(self, ctx: Context, path: str, document: Document | None = None) -> None:
        options = {} if document is None else {"json": document}
        self._client.put("placement", path, ctx=ctx, version=VERSION, **options)

    def _remove(self, ctx: Context, path: str) -> None:
        """What there is not is well."""
        try:
            self._client.delete("placement", path, ctx=ctx, version=VERSION)
        except Problem as problem:
            if problem.code != 404:
                raise

    def list_candidates(
        self, ctx: Context, resources: dict[str, int], *, required: list[str],
        forbidden: list[str], limit: int | None = None, provider: str | None = None,
    ) -> dict[str, Document]:
        query = [("resources", ",".join(f"{k}:{v}" for k, v in sorted(resources.items())))]
        if limit is not None:
            query.append(("limit", str(limit)))
        if provider is not None:
            query.append(("in_tree", provider))
        traits = [*required, *(f"!{trait}" for trait in forbidden)]
        if traits:
            query.append(("required", ",".join(traits)))
        path = f"/allocation_candidates?{urlencode(query)}"
        # Of thousands of providers, which takes requests' own reading several times as long.
        answer = orjson.loads(
            self._client.get("placement", path, ctx=ctx, version=VERSION).content)
        fit = {provider for request in answer["allocation_requests"]
               for provider in request["allocations"]}
        return {provider: summary for provider, summary in answer["provider_summaries"].items()
                if provider in fit}

    def claim(
        self, ctx: Context, consumer: str, provider: str, resources: dict[str, int], *,
        project_id: str, user_id: str,
    ) -> None:
        self._put(ctx, f"/allocations/{consumer}", {
            "allocations": {provider: {"resources": resources}}, "project_id": project_id,
            "user_id": user_id, "consumer_generation": None, "consumer_type": "INSTANCE",
        })

    def list_claimed(self, ctx: Context, consumer: str) -> set[str]:
        return set(self._get(ctx, f"/allocations/{consumer}")["allocations"])

    def release(self, ctx: Context, consumer: str) -> None:
        self._remove(ctx, f"/allocations/{consumer}")

    def move_claim(self, ctx: Context, holder: str, to: str, kind: str) -> None:
        held = self._get(ctx, f"/allocations/{holder}")
        if not held["allocations"]:
            return
        whose = {"project_id": held["project_id"], "user_id": held["user_id"]}
        allocations = {provider: {"resources": claim["resources"]}
                       for provider, claim in held["allocations"].items()}
        self._client.post("placement", "/allocations", ctx=ctx, version=VERSION, json={
            to: {**whose, "allocations": allocations, "consumer_generation": None,
                 "consumer_type": kind},
            holder: {**whose, "allocations": {}, "consumer_type": held["consumer_type"],
                     "consumer_generation": held["consumer_generation"]}})

    def show_provider(self, ctx: Context, provider: str) -> Document:
        return self._get(ctx, f"/resource_providers/{provider}")

    def find_provider(self, ctx: Context, name: str) -> Document | None:
        answer = self._get(ctx, f"/resource_providers?{urlencode({'name': name})}")
        return next(iter(answer["resource_providers"]), None)

    def create_provider(self, ctx: Context, provider: str, name: str) -> Document:
        answer = self._client.post("placement", "/resource_providers", ctx=ctx, version=VERSION,
                                   json={"uuid": provider, "name": name})
        return answer.json()  # type: ignore[no-any-return]

    def delete_provider(self, ctx: Context, provider: str) -> None:
        self._remove(ctx, f"/resource_providers/{provider}")

    def show_inventories(self, ctx: Context, provider: str) -> Document:
        return self._get(ctx, f"/resource_providers/{provider}/inventories")

    def put_inventories(
        self, ctx: Context, provider: str, generation: int, inventories: dict[str, Any]
    ) -> None:
        self._put(ctx, f"/resource_providers/{provider}/inventories", {
            "resource_provider_generation": generation, "inventories": inventories})

    def show_usages(self, ctx: Context, provider: str) -> dict[str, int]:
        usages = self._get(ctx, f"/resource_providers/{provider}/usages")["usages"]
        return usages  # type: ignore[no-any-return]

    def show_traits(self, ctx: Context, provider: str) -> Document:
        return self._get(ctx, f"/resource_providers/{provider}/traits")

    def put_traits(
        self, ctx: Context, provider: str, generation: int, traits: list[str]
    ) -> None:
        self._put(ctx, f"/resource_providers/{provider}/traits", {
            "resource_provider_generation": generation, "traits": traits})

    def create_trait(self, ctx: Context, trait: str) -> None:
        self._put(ctx, f"/traits/{trait}")
