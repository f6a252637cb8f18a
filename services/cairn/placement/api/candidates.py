"""/allocation_candidates"""

from typing import Any

from cairn.common.api import Api, Document
from cairn.common.context import Context
from cairn.common.errors import Invalid
from cairn.placement.api.schemas import CANDIDATES_QUERY
from cairn.placement.component import Placement
from cairn.placement.core import candidates, queries
from cairn.placement.core.candidates import Found, Group, Request
from cairn.placement.core.names import Names
from cairn.placement.policy import RULES

api = Api(RULES)


@api.get("/allocation_candidates", policy="placement:allocation_candidates:list",
         query=CANDIDATES_QUERY, since="1.10")
def index(placement: Placement, ctx: Context, query: Any) -> Document:
    request = _request(placement.names, query)
    with placement.db.reading() as session:
        found = candidates.find(session, placement.names, request)
    return {"allocation_requests": _requests(ctx, placement.names, found),
            "provider_summaries": _summaries(ctx, found, request)}


def _request(names: Names, query: Any) -> Request:
    groups: dict[str, Group] = {}
    for key in query:
        for word in ("resources", "required", "member_of", "in_tree"):
            if key.startswith(word):
                group = groups.setdefault(key.removeprefix(word), Group())
                _add(group, names, word, query.getlist(key))
    if not any(group.resources for group in groups.values()):
        raise Invalid(reason="All request groups must specify resources.")
    singles = [suffix for suffix in groups if suffix]
    policy = query.get("group_policy")
    if len(singles) > 1 and policy is None:
        raise Invalid(reason='The "group_policy" parameter is required when specifying more than '
                             'one "resources{N}" parameter.')
    limit = int(query["limit"]) if "limit" in query else None
    return Request(groups, policy == "isolate", limit)


def _add(group: Group, names: Names, word: str, values: list[str]) -> None:
    if word == "resources":
        queries.add_resources(group, names, values[0])
    elif word == "required":
        queries.add_required(group, names, values)
    elif word == "member_of":
        queries.add_member_of(group, values)
    else:
        group.in_tree = values[0]


def _requests(ctx: Context, names: Names, found: Found) -> list[Document]:
    documents = []
    for mappings, amounts in found.requests:
        by_provider: dict[str, Document] = {}
        for (provider, class_id), amount in amounts.items():
            uuid = found.summaries[provider]["uuid"]
            entry = by_provider.setdefault(uuid, {"resources": {}})
            entry["resources"][names.classes.name(class_id)] = amount
        document: Document = {"allocations": by_provider}
        if ctx.version < (1, 12):
            document["allocations"] = [
                {"resource_provider": {"uuid": uuid}, **entry}
                for uuid, entry in by_provider.items()]
        if ctx.version >= (1, 34):
            document["mappings"] = {
                suffix: [found.summaries[p]["uuid"] for p in ids]
                for suffix, ids in mappings.items()}
        documents.append(document)
    return documents


def _summaries(ctx: Context, found: Found, request: Request) -> dict[str, Document]:
    documents = {}
    for facts in found.summaries.values():
        document: Document = {"resources": facts["resources"]}
        if ctx.version >= (1, 17):
            document["traits"] = facts["traits"]
        if ctx.version >= (1, 29):
            document |= {"parent_provider_uuid": facts["parent"],
                         "root_provider_uuid": facts["root"]}
        documents[facts["uuid"]] = document
    return documents
