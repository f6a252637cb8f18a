"""Things to call endpoints on: made through the API, by their kind, and made anew when gone."""

import json
import threading
import uuid
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from ..attacks import IMAGE, NETWORK, Tenant

# How many of a kind are remembered, beside those the stock began with.
MOST = 12


@dataclass(frozen=True)
class Recipe:
    """How a thing of a kind is made: where it is posted, and of what. With GET it is there already
    and only found out."""

    kind: str
    path: str
    body: Callable[["Stock", str], Any]
    method: str = "POST"
    # Its id in the answer; without, the first "id" there is.
    id: Callable[[Any, str], str] | None = None
    version: str = ""


def _named(_: Any, name: str) -> str:
    """What is asked for by its name has one that tells nothing: the answer repeats it."""
    return name.partition("-")[2]


def _upper(_: Any, name: str) -> str:
    """As placement wants its names."""
    return "CUSTOM_" + name.replace("-", "_").upper()


# What a member of a project can make, in an order in which all finds what it needs.
MEMBERS = (
    Recipe("network", "/networking/v2.0/networks", lambda s, n: {"network": {
        "name": n, "description": n}}),
    Recipe("subnet", "/networking/v2.0/subnets", lambda s, n: {"subnet": {
        "name": n, "network_id": s.one("network"), "ip_version": 4,
        "cidr": f"10.{s.number()}.{s.number()}.0/24"}}),
    Recipe("subnetpool", "/networking/v2.0/subnetpools", lambda s, n: {"subnetpool": {
        "name": n, "prefixes": ["10.200.0.0/16"], "default_prefixlen": 24}}),
    Recipe("port", "/networking/v2.0/ports", lambda s, n: {"port": {
        "name": n, "network_id": s.one("network"), "description": n}}),
    Recipe("router", "/networking/v2.0/routers", lambda s, n: {"router": {"name": n}}),
    Recipe("security_group", "/networking/v2.0/security-groups", lambda s, n: {
        "security_group": {"name": n, "description": n}}),
    Recipe("rule", "/networking/v2.0/security-group-rules", lambda s, n: {
        "security_group_rule": {"security_group_id": s.one("security_group"), "description": n,
                                "direction": "ingress", "protocol": "tcp",
                                "port_range_min": s.number(), "port_range_max": 9999}}),
    Recipe("floatingip", "/networking/v2.0/floatingips", lambda s, n: {"floatingip": {
        "floating_network_id": s.public, "description": n}}),
    Recipe("image", "/image/v2/images", lambda s, n: {
        "name": n, "disk_format": "raw", "container_format": "bare", "visibility": "private",
        "marked": n}),
    Recipe("keypair", "/compute/v2.1/os-keypairs", lambda s, n: {"keypair": {
        "name": _named(None, n)}}, id=_named),
    Recipe("server_group", "/compute/v2.1/os-server-groups", lambda s, n: {"server_group": {
        "name": n, "policies": ["anti-affinity"]}}),
    Recipe("server", "/compute/v2.1/servers", lambda s, n: {"server": {
        "name": n, "imageRef": s.bootable, "flavorRef": s.flavor, "metadata": {"marked": n},
        "networks": "none", "user_data": "ZnV6eg=="}}, version="2.60"),
    Recipe("application_credential", "/identity/v3/users/{user}/application_credentials",
           lambda s, n: {"application_credential": {
               "name": n, "description": n, "access_rules": [
                   {"service": "compute", "method": "GET", "path": f"/v2.1/{n}"}]}}),
    Recipe("ec2", "/identity/v3/users/{user}/credentials/OS-EC2", lambda s, n: {
        "tenant_id": s.tenant.project}, id=lambda answer, _: str(answer["credential"]["access"])),
    Recipe("credential", "/identity/v3/credentials", lambda s, n: {"credential": {
        "type": "fuzz", "blob": n, "user_id": s.tenant.user, "project_id": s.tenant.project}}),
    Recipe("trust", "/identity/v3/OS-TRUST/trusts", lambda s, n: {"trust": {
        "trustor_user_id": s.tenant.user, "trustee_user_id": s.tenant.user,
        "project_id": s.tenant.project, "impersonation": False,
        "roles": [{"name": "member"}]}}),
    Recipe("access_rule", "/identity/v3/users/{user}/access_rules", lambda s, n: None, "GET",
           lambda answer, _: str(answer["access_rules"][0]["id"])),
    Recipe("request", "/compute/v2.1/servers/{server}/os-instance-actions", lambda s, n: None,
           "GET", lambda answer, _: str(answer["instanceActions"][0]["request_id"])),
)

# What only an admin makes. Nothing of it is the cloud's own, so all of it may be broken.
ADMINS = (
    Recipe("domain", "/identity/v3/domains", lambda s, n: {"domain": {
        "name": n, "enabled": False}}),
    Recipe("project", "/identity/v3/projects", lambda s, n: {"project": {"name": n}}),
    Recipe("user", "/identity/v3/users", lambda s, n: {"user": {"name": n}}),
    Recipe("group", "/identity/v3/groups", lambda s, n: {"group": {"name": n}}),
    Recipe("role", "/identity/v3/roles", lambda s, n: {"role": {"name": n}}),
    Recipe("region", "/identity/v3/regions", lambda s, n: {"region": {"id": n}}),
    Recipe("service", "/identity/v3/services", lambda s, n: {"service": {
        "type": "fuzz", "name": n}}),
    Recipe("endpoint", "/identity/v3/endpoints", lambda s, n: {"endpoint": {
        "service_id": s.one("service"), "region_id": s.one("region"), "interface": "public",
        "url": "http://127.0.0.1:1/"}}),
    Recipe("endpoint_group", "/identity/v3/OS-EP-FILTER/endpoint_groups", lambda s, n: {
        "endpoint_group": {"name": n, "filters": {"interface": "public",
                                                  "service_id": s.one("service")}}}),
    Recipe("policy", "/identity/v3/policies", lambda s, n: {"policy": {
        "type": "fuzz", "blob": n}}),
    Recipe("registered_limit", "/identity/v3/registered_limits", lambda s, n: {
        "registered_limits": [{"service_id": s.one("service"), "resource_name": n,
                               "default_limit": 1}]}),
    Recipe("consumer", "/identity/v3/OS-OAUTH1/consumers", lambda s, n: {"consumer": {
        "description": n}}),
    Recipe("flavor", "/compute/v2.1/flavors", lambda s, n: {"flavor": {
        "name": n, "ram": 64, "vcpus": 1, "disk": 1}}),
    Recipe("aggregate", "/compute/v2.1/os-aggregates", lambda s, n: {"aggregate": {"name": n}}),
    Recipe("provider", "/placement/resource_providers", lambda s, n: {"name": n},
           id=lambda answer, _: str(answer["uuid"]), version="1.20"),
    Recipe("resource_class", "/placement/resource_classes", lambda s, n: {
        "name": _upper(None, n)}, id=_upper, version="1.2"),
    Recipe("trait", "/placement/traits/{NAME}", lambda s, n: None, "PUT", _upper, "1.6"),
)
# Made by an admin in a member's name.
SHELVES = (
    Recipe("namespace", "/image/v2/metadefs/namespaces", lambda s, n: {
        "namespace": _named(None, n), "description": n, "visibility": "private",
        "owner": s.tenant.project},
        id=_named),
    Recipe("object", "/image/v2/metadefs/namespaces/{namespace}/objects", lambda s, n: {
        "name": _named(None, n), "description": n}, id=_named),
    Recipe("property", "/image/v2/metadefs/namespaces/{namespace}/properties", lambda s, n: {
        "name": _named(None, n), "title": n, "type": "string"}, id=_named),
)


class Stock:
    """Somebody's things. Names of all of them hold the owner's name, which is nowhere else."""

    def __init__(self, tenant: Tenant, recipes: Sequence[tuple[Tenant, Recipe]]) -> None:
        self.tenant = tenant
        self.recipes = recipes
        self.ids: dict[str, list[str]] = defaultdict(list)
        # What was made by a call, in order, as (path of the collection, id); to take away.
        self.made: list[tuple[str, str]] = []
        self._lock = threading.Lock()
        self._count = 0
        sdk = tenant.sdk
        self.public = sdk.network.find_network(NETWORK, ignore_missing=False).id
        self.bootable = sdk.image.find_image(IMAGE, ignore_missing=False).id
        self.flavor = min(sdk.compute.flavors(), key=lambda flavor: (flavor.ram, flavor.disk)).id

    @property
    def marker(self) -> str:
        return self.tenant.name

    def number(self) -> int:
        with self._lock:
            self._count += 1
            return self._count % 254 + 1

    def one(self, kind: str) -> str:
        return self.ids[kind][0]

    def own(self, kind: str) -> list[str]:
        """The things of a kind that are nobody else's."""
        return [] if kind in ("domain", "tag", "key") else self.ids.get(kind, [])

    def pick(self, kind: str, rng: Random) -> str | None:
        with self._lock:
            found = self.ids.get(kind)
            if not found:
                return None
            # Often the same, so that one call finds what another has done to it.
            return found[0] if rng.random() < 0.5 else rng.choice(found)

    def add(self, kind: str, id_: str, path: str = "") -> None:
        with self._lock:
            known = self.ids[kind]
            if id_ not in known:
                known.append(id_)
            if len(known) > MOST:
                known.pop(1)
            if path:
                self.made.append((path, id_))

    def remove(self, kind: str, id_: str) -> None:
        with self._lock:
            if id_ in self.ids[kind]:
                self.ids[kind].remove(id_)

    def fill(self) -> list[str]:
        """Make what there is none of. What was refused is told, it is no failure: a quota may
        be used up, or what it stands on may just have gone."""
        refused = []
        for who, recipe in self.recipes:
            if self.ids.get(recipe.kind):
                continue
            try:
                wrong = self._make(who, recipe)
            except (LookupError, ValueError) as error:
                wrong = repr(error)
            if wrong and not self._adopt(who, recipe):
                refused.append(f"{recipe.kind}: {wrong}")
        return refused

    def _adopt(self, who: Tenant, recipe: Recipe) -> bool:
        """What calls have made and the stock has forgotten: there may be no room for more."""
        if recipe.id is not None or "{" in recipe.path:
            return False
        answer = who.call("GET", recipe.path)
        found = [each["id"] for many in answer.json().values() if isinstance(many, list)
                 for each in many if isinstance(each, dict) and "id" in each]
        for id_ in found[:MOST]:
            self.add(recipe.kind, str(id_))
        return bool(found)

    def _make(self, who: Tenant, recipe: Recipe) -> str:
        name = f"{self.marker}-{recipe.kind.replace('_', '-')}-{uuid.uuid4().hex[:6]}"
        path = recipe.path.format(NAME=_upper(None, name), **{
            kind: self.one(kind) for kind in ("user", "namespace", "server")
            if f"{{{kind}}}" in recipe.path})
        headers = versioned(recipe.path, recipe.version) if recipe.version else {}
        answer = who.call(recipe.method, path, recipe.body(self, name), headers=headers)
        if answer.status_code >= 300:
            return f"{answer.status_code} {answer.text[:200]}"
        found = answer.json() if answer.content else {}
        id_ = recipe.id(found, name) if recipe.id else first_id(found)
        if not id_:
            return f"no id in {answer.text[:200]}"
        if recipe.kind == "image":
            who.call("PUT", f"{path}/{id_}/file", data=b"\0" * 512,
                     headers={"Content-Type": "application/octet-stream"})
        where = path.removesuffix("/" + id_)
        self.add(recipe.kind, id_, "" if recipe.method == "GET" else where)
        return ""

    def clear(self, who: Tenant) -> list[str]:
        """Take away what was made, the youngest first; what could not be."""
        left = []
        for path, id_ in reversed(self.made):
            answer = who.call("DELETE", f"{path}/{id_}")
            if answer.status_code == 403 and path.endswith("/domains"):
                who.call("PATCH", f"{path}/{id_}", {"domain": {"enabled": False}})
                answer = who.call("DELETE", f"{path}/{id_}")
            if answer.status_code >= 400 and answer.status_code != 404:
                left.append(f"{path}/{id_}: {answer.status_code}")
        return left


def versioned(path: str, version: str) -> dict[str, str]:
    service = {"compute": "compute", "placement": "placement"}[path.split("/")[1]]
    return {"OpenStack-API-Version": f"{service} {version}"}


def first_id(document: Any) -> str:
    """The id of the thing that an answer is about."""
    if isinstance(document, dict):
        if isinstance(document.get("id"), str | int):
            return str(document["id"])
        for inner in document.values():
            if found := first_id(inner):
                return found
    if isinstance(document, list) and len(document) == 1:
        return first_id(document[0])
    return ""


def member(tenant: Tenant, admin: Tenant) -> Stock:
    stock = Stock(tenant, [*((tenant, recipe) for recipe in MEMBERS),
                           *((admin, recipe) for recipe in SHELVES)])
    stock.ids["user"].append(tenant.user)
    stock.ids["project"].append(tenant.project)
    stock.ids["domain"].append("default")
    # What things are labelled with: the same words, so that they are found again.
    stock.ids["tag"].append("fuzz")
    stock.ids["key"].append("marked")
    return stock


def admin(tenant: Tenant) -> Stock:
    return Stock(tenant, [(tenant, recipe) for recipe in ADMINS])


def bodied(document: Any) -> bytes:
    """As JSON, also what JSON does not allow."""
    return json.dumps(document).encode("utf-8", "surrogatepass")
