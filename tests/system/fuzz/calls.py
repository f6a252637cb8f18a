"""One call, put together from a seed and its number."""

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Any
from urllib.parse import quote, urlencode

from . import values
from .endpoints import Target
from .line import Question
from .stock import Stock, bodied

MEMBER, ADMIN, NOBODY = "member", "admin", "nobody"
# Key in a body or a query -> the kind of thing whose id it is.
REFERENCES = {
    "network_id": "network", "uuid": "network", "floating_network_id": "network", "port": "port",
    "subnet_id": "subnet", "subnetpool_id": "subnetpool", "port_id": "port",
    "security_group_id": "security_group", "remote_group_id": "security_group",
    "security_groups": "security_group", "router_id": "router", "device_id": "server",
    "project_id": "project", "tenant_id": "project", "tenant": "project", "member": "project",
    "owner": "project", "user_id": "user", "trustor_user_id": "user", "trustee_user_id": "user",
    "role_id": "role", "domain_id": "domain", "service_id": "service", "region_id": "region",
    "endpoint_id": "endpoint", "parent_provider_uuid": "provider", "image_id": "image",
    "server_uuid": "server", "key_name": "keypair", "group": "server_group",
    "default_project_id": "project", "parent_id": "project", "policy_id": "policy",
    "floating_ip_address": "floatingip", "namespace": "namespace", "marker": "image",
}
# Values that mean something where the schema only says that they are text.
MEANINGS: Mapping[str, tuple[Any, ...]] = {
    "cidr": ("10.9.0.0/24", "2001:db8:9::/64", "10.9.0.1/24", "0.0.0.0/0", "10.9.0.0/31"),
    "ip_version": (4, 6), "gateway_ip": ("10.9.0.1", "2001:db8:9::1", "10.10.0.1"),
    "ip_address": ("10.9.0.9", "2001:db8:9::9", "fe80::1", "10.9.0.0/30"),
    "start": ("10.9.0.10", "10.9.0.200"), "end": ("10.9.0.20", "10.9.0.5"),
    "destination": ("10.99.0.0/24", "0.0.0.0/0"), "nexthop": ("10.9.0.3", "10.9.0.1"),
    "mac_address": ("fa:16:3e:00:00:01", "01:00:5e:00:00:01", "00:00:00:00:00:00"),
    "remote_ip_prefix": ("10.0.0.0/8", "::/0", "10.0.0.1"), "ethertype": ("IPv4", "IPv6"),
    "direction": ("ingress", "egress"), "protocol": ("tcp", "icmp", "6", "ipv6-icmp", None),
    "type": ("fuzz",), "host": ("nowhere",), "binary": ("nova-compute",), "interface": ("public",),
    "disk_format": ("raw", "qcow2", "iso"), "container_format": ("bare", "ovf"),
    "visibility": ("private", "shared", "community"), "dns_name": ("fuzz", "a.b."),
    "name": ("fuzz", "fuzz-2", "ö", "a" * 255), "region": ("fuzz",),
    # An endpoint in the catalog that nobody reaches, a service nobody asks for.
    "enabled": (False, True), "url": ("http://127.0.0.1:1/",), "networks": ("auto", "none"),
    "binding:host_id": ("nowhere", ""), "host_id": ("nowhere",),
    "expires_at": ("2040-01-01T00:00:00Z",), "personality": (None,),
    "password": ("Fuzz-Secret-9",), "secret": ("fuzz",), "min_count": (1,), "max_count": (1, 2),
}
QUERY = ("limit", "marker", "sort_key", "sort_dir", "fields", "name", "all_tenants", "status",
         "changes-since", "created_at", "project_id", "page_reverse", "id", "tags", "resources",
         "required", "member_of", "visibility", "sort", "enabled", "domain_id", "host")
JSON = "application/json"


@dataclass(frozen=True)
class Call:
    number: int
    actor: str
    target: Target
    question: Question
    # Parameter's kind and value, of those that named a thing of the stock.
    things: tuple[tuple[str, str], ...]


class Hand:
    """Puts calls together from the things of a stock; `reaches` of two, the second now and then."""

    def __init__(self, rng: Random, stock: Stock, other: Stock | None = None) -> None:
        self.rng, self.stock, self.other = rng, stock, other

    def thing(self, kind: str) -> str | None:
        if self.other is not None and self.rng.random() < 0.25:
            found = self.other.pick(kind, self.rng)
            if found is not None:
                return found
        return self.stock.pick(kind, self.rng)

    def hint(self, key: str, rng: Random) -> Any:
        if key in REFERENCES and rng.random() < 0.85:
            return self.thing(REFERENCES[key])
        if key == "imageRef":
            return rng.choice((self.stock.bootable, self.thing("image")))
        if key == "flavorRef":
            return self.stock.flavor
        if key in MEANINGS and rng.random() < 0.85:
            return rng.choice(MEANINGS[key])
        return None


def make(seed: int, number: int, targets: list[Target], stocks: Mapping[str, Stock],
         others: Mapping[str, Stock]) -> Call:
    """The call of that number. The same seed puts the same calls together; which of a kind's
    things they name depends on what the calls before have made and removed."""
    rng = Random(f"{seed}:{number}")
    actor = rng.choices((MEMBER, ADMIN, NOBODY), (45, 35, 20))[0]
    target = rng.choice(targets)
    whose = MEMBER if actor == NOBODY else actor
    hand = Hand(rng, stocks[whose], others.get(whose))
    filled, things = {}, []
    for parameter, kind in target.kinds.items():
        found = hand.thing(kind) if rng.random() < 0.8 else None
        if found is not None:
            things.append((kind, found))
            filled[parameter] = quote(found, safe="")
        elif rng.random() < 0.4:
            filled[parameter] = str(uuid.UUID(int=rng.getrandbits(128), version=4))
        else:
            wild = rng.choice((*values.WORDS, *values.HOSTILE))
            filled[parameter] = quote(str(wild)[:1500], safe="", errors="surrogatepass") or "%20"
    path = target.fill(filled) + _query(target, hand)
    body, kind = _body(target, hand)
    headers = version(target, rng)
    if body is not None:
        headers["Content-Type"] = kind
    if "/auth/tokens" in target.path or rng.random() < 0.02:
        headers["X-Subject-Token"] = rng.choice(("fuzz", "a" * 5000, "gAAAAA", "ö".encode().hex()))
    return Call(number, actor, target, Question(target.endpoint.method, path, headers, body),
                tuple(things))


def version(target: Target, rng: Random) -> dict[str, str]:
    spoken = target.mount.microversions
    if spoken is None:
        return {}
    how = rng.random()
    since, until = target.endpoint.since, target.endpoint.until
    if how < 0.1 and since is None:
        return {}
    if how < 0.1 or until is None and how < 0.2:
        wanted = "latest"
    elif how < 0.13:
        wanted = rng.choice(("", "x", "9.9", "2.99999999999999999999", "1.1, 2.2", "-1"))
    else:
        low, high = since or spoken.minimum, until or spoken.maximum
        wanted = f"{low[0]}.{rng.randint(low[1], high[1])}"
    return {"OpenStack-API-Version": f"{spoken.service} {wanted}"}


def _query(target: Target, hand: Hand) -> str:
    rng = hand.rng
    if rng.random() < (0.5 if target.endpoint.method == "GET" else 0.95):
        return ""
    known = list((target.endpoint.query or {}).get("properties", {}))
    pairs = []
    for _ in range(rng.randint(1, 3)):
        key = rng.choice(known) if known and rng.random() < 0.7 else rng.choice(QUERY)
        meant = hand.hint(key, rng)
        value = meant if meant is not None and rng.random() < 0.6 else rng.choice(
            ("1", "0", "true", "asc", "id", "created_at", "in:a,b", "gt:2020-01-01", "VCPU:1",
             *map(str, values.HOSTILE)))
        pairs.append((key, str(value)[:1500]))
    return "?" + urlencode(pairs, errors="surrogatepass")


def _body(target: Target, hand: Hand) -> tuple[bytes | None, str]:
    rng = hand.rng
    text, kind = fitting(target, hand)
    how = rng.random()
    if text is None or target.endpoint.raw or how < 0.5:
        return text, kind
    if how < 0.9:
        return bodied(values.broken(json.loads(text), rng)), kind
    if how < 0.94:
        return bodied(rng.choice(values.HOSTILE)), kind
    return rng.choice((
        b"", text[:len(text) // 2], b"\xff\xfe" + text, b"[" * 5000, b'{"a":' * 3000,
        text.replace(b'"', b'"\\ud800', 1), b"\0", text + text, b'{"a": 1e999}', b"NaN",
    )), rng.choice((JSON, "text/plain", "application/x-www-form-urlencoded", "a" * 300))


def fitting(target: Target, hand: Hand) -> tuple[bytes | None, str]:
    """A body that the endpoint most probably takes, and its type."""
    endpoint = target.endpoint
    if endpoint.method in ("GET", "HEAD"):
        return None, ""
    if endpoint.raw and (made := _raw(target, hand)) is not None:
        return made
    if endpoint.body is not None:
        return bodied(values.valid(endpoint.body, hand.rng, hand.hint)), JSON
    if endpoint.action is not None:
        return bodied({endpoint.action: hand.rng.choice((None, {}))}), JSON
    return None, ""


def _raw(target: Target, hand: Hand) -> tuple[bytes, str] | None:
    """Bodies that a handler reads by itself."""
    rng, method, path = hand.rng, target.endpoint.method, target.endpoint.path
    if path.endswith(("/file", "/stage")):
        content = rng.choice((b"", b"a", b"QFI\xfb" + b"\0" * 600, b"\0" * 70000))
        return content, rng.choice(("application/octet-stream", JSON))
    if method == "PATCH" and path == "/images/<image_id>":
        change = [{"op": rng.choice(("add", "replace", "remove", "move")),
                   "path": rng.choice(("/name", "/visibility", "/tags", "/a~1b", "/locations",
                                       "/min_disk", "/os_hash_value", "/id", "", "/x/y")),
                   "value": rng.choice(("public", "fuzz", *values.HOSTILE))}]
        return (bodied(values.broken(change, rng) if rng.random() < 0.3 else change),
                f"application/openstack-images-v2.{rng.randint(0, 1)}-json-patch")
    if path.endswith("/import"):
        document = {"method": {"name": rng.choice(("web-download", "glance-direct", "copy-image")),
                               "uri": rng.choice(("http://127.0.0.1:1/x", "file:///etc/passwd",
                                                  "http://169.254.169.254/"))}}
        return bodied(values.broken(document, rng) if rng.random() < 0.5 else document), JSON
    return None
