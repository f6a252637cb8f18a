"""/allocation_candidates"""

import re
from itertools import pairwise
from typing import Any

import orjson

from cairn.common.api import Api, Document, Reply, Version, parse_version
from cairn.common.context import Context
from cairn.common.errors import Invalid
from cairn.common.microversions import text
from cairn.placement.api.schemas import CANDIDATES_QUERIES
from cairn.placement.component import Placement
from cairn.placement.core import candidates, queries
from cairn.placement.core.candidates import Candidates
from cairn.placement.core.names import Names
from cairn.placement.core.nodes import Node
from cairn.placement.core.requests import Group, Request
from cairn.placement.core.snapshot import Snapshot
from cairn.placement.errors import BadQuery, MissingInQuery, RepeatedInQuery
from cairn.placement.policy import RULES

api = Api(RULES)
PATH, POLICY = "/allocation_candidates", "placement:allocation_candidates:list"
KEY = re.compile(rf"({'|'.join(queries.WORDS)})(.*)")
JSON = {"Content-Type": "application/json"}


def index(placement: Placement, ctx: Context, query: Any) -> Reply:
    """List the ways in which providers could give the resources asked for; nothing is claimed."""
    request = parse(placement.names, ctx.version, query)
    settings = placement.candidates
    with placement.snapshot.now() as snapshot:
        result = candidates.find(
            snapshot, request, randomize=settings.randomize_allocation_candidates,
            most=settings.max_allocation_candidates)
        body = answer(snapshot, ctx.version, request, result)
    return Reply(body, headers=JSON)


for since, following in pairwise([*CANDIDATES_QUERIES, None]):
    assert since is not None
    last = parse_version(following) if following else None
    api.get(PATH, policy=POLICY, query=CANDIDATES_QUERIES[since], since=since,
            until=text((last[0], last[1] - 1)) if last else None)(index)


def parse(names: Names, version: Version, query: Any) -> Request:
    """Raises Invalid, BadQuery, MissingInQuery, RepeatedInQuery."""
    request = Request({}, nested=version >= (1, 29))
    if "limit" in query:
        request.limit = int(query["limit"])
    _root(request, names, query)
    for value in query.getlist("same_subtree"):
        suffixes = {suffix.strip() for suffix in value.split(",")}
        if "" in suffixes:
            raise BadQuery(reason="Empty string (unsuffixed group) can not be specified in "
                                  "`same_subtree`")
        request.same_subtree.append(suffixes)
    asked = [(match[1], match[2]) for match in map(KEY.fullmatch, query) if match is not None]
    if version < (1, 36):
        _check_orphans(asked)
    for word, suffix in asked:
        group = request.groups.setdefault(suffix, Group())
        queries.WORDS[word](group, names, query.getlist(word + suffix), version, suffix)
    if version >= (1, 36):
        _check_resourceless(request)
    policy = query.get("group_policy")
    if policy is None and len([suffix for suffix in request.groups if suffix]) > 1:
        raise Invalid(reason='The "group_policy" parameter is required when specifying more than '
                             'one "resources{N}" parameter.')
    request.isolate = policy == "isolate"
    return request


def _root(request: Request, names: Names, query: Any) -> None:
    values = query.getlist("root_required")
    if len(values) > 1:
        raise RepeatedInQuery(reason="Query parameter 'root_required' may be specified only once.")
    try:
        # What only the required traits of groups may say came after 1.38.
        queries.add_required(request.root, names, values, (1, 38))
    except Invalid as wrong:
        if "Conflicting" in str(wrong):
            raise BadQuery(reason="Conflicting required and forbidden traits found in "
                                  f"root_required: {values[0]}") from None
        raise


def _check_resourceless(request: Request) -> None:
    together = set().union(*request.same_subtree)
    without = [suffix for suffix, group in request.groups.items() if not group.resources]
    if len(without) == len(request.groups):
        raise MissingInQuery(
            reason="There must be at least one resources or resources[$S] parameter.")
    bad = [suffix for suffix in without if suffix not in together]
    if bad:
        raise BadQuery(reason="Resourceless suffixed group request should be specified in "
                              f"`same_subtree` query param: bad group(s) - {bad}.")
    unknown = sorted(together - request.groups.keys())
    if unknown:
        raise BadQuery(reason="Real suffixes should be specified in `same_subtree`: "
                              f"{unknown} not found in {list(request.groups)}.")


def _check_orphans(asked: list[tuple[str, str]]) -> None:
    """Before 1.36 every group has resources."""
    having = {suffix for word, suffix in asked if word == "resources"}
    for word, said in (("required", "traits"), ("member_of", "member_of")):
        orphans = sorted(w + suffix for w, suffix in asked if w == word and suffix not in having)
        if orphans:
            raise Invalid(reason=f"All {said} parameters must be associated with resources. Found "
                                 f"the following orphaned {said} keys: {', '.join(orphans)}")
    if {suffix for _, suffix in asked} - having:
        raise Invalid(reason="All request groups must specify resources.")
    if not asked:
        raise Invalid(reason="At least one request group (`resources` or `resources{$S}`) is "
                             "required.")


def answer(snapshot: Snapshot, version: Version, request: Request, result: Candidates) -> bytes:
    """The document. Written as text, of parts that are kept: there may be thousands of them."""
    requests = _plain(snapshot, version, request, result.plain)
    requests += [orjson.dumps(one).decode() for one in _ways(snapshot, version, result)]
    if version >= (1, 29):
        summaries = [node.summary or snapshot.summary(node) for node in result.summaries]
    else:
        requested = {id_ for group in request.groups.values() for id_ in group.resources}
        summaries = [_old_summary(snapshot, version, requested, node) for node in result.summaries]
    return (f'{{"allocation_requests":[{",".join(requests)}],'
            f'"provider_summaries":{{{",".join(summaries)}}}}}').encode()


def _plain(
    snapshot: Snapshot, version: Version, request: Request, nodes: list[Node]
) -> list[str]:
    if not nodes:
        return []
    name = snapshot.names.classes.name
    (suffix, group), = request.groups.items()
    resources = orjson.dumps({
        name(class_id): amount for class_id, amount in group.resources.items()}).decode()
    if version < (1, 12):
        return [f'{{"allocations":[{{"resource_provider":{{"uuid":"{node.uuid}"}},'
                f'"resources":{resources}}}]}}' for node in nodes]
    if version < (1, 34):
        return [f'{{"allocations":{{"{node.uuid}":{{"resources":{resources}}}}}}}'
                for node in nodes]
    return [f'{{"allocations":{{"{node.uuid}":{{"resources":{resources}}}}},'
            f'"mappings":{{"{suffix}":["{node.uuid}"]}}}}' for node in nodes]


def _ways(snapshot: Snapshot, version: Version, result: Candidates) -> list[Document]:
    name, nodes = snapshot.names.classes.name, snapshot.nodes
    documents = []
    for way in result.ways:
        by_provider: dict[str, Document] = {}
        for (id_, class_id), amount in way.amounts.items():
            entry = by_provider.setdefault(nodes[id_].uuid, {"resources": {}})
            entry["resources"][name(class_id)] = amount
        document: Document = {"allocations": by_provider}
        if version < (1, 12):
            document["allocations"] = [
                {"resource_provider": {"uuid": uuid}, **entry}
                for uuid, entry in by_provider.items()]
        if version >= (1, 34):
            document["mappings"] = {
                suffix: [nodes[id_].uuid for id_ in sorted(ids)]
                for suffix, ids in way.mappings.items()}
        documents.append(document)
    return documents


def _old_summary(snapshot: Snapshot, version: Version, requested: set[int], node: Node) -> str:
    """Before 1.29 without the tree, before 1.27 only what was asked for, before 1.17 no traits."""
    resources = snapshot.resources(node)
    if version < (1, 27):
        names = {snapshot.names.classes.name(id_) for id_ in requested}
        resources = {name: stock for name, stock in resources.items() if name in names}
    document: Document = {"resources": resources}
    if version >= (1, 17):
        document["traits"] = snapshot.traits(node)
    return f'"{node.uuid}":{orjson.dumps(document).decode()}'
