"""Rows to documents: links and times, and a server by microversion and by who looks."""

import datetime as dt
import hashlib
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import flask
import orjson

from cairn.common.api import Document
from cairn.common.context import Context
from cairn.common.listing import build_link
from cairn.nova.component import Nova
from cairn.nova.core import network, quotas
from cairn.nova.core.block_devices import read_shown
from cairn.nova.core.servers import domain_name
from cairn.nova.core.states import status

# --- Links and times -----------------------------------------------------------------------


def base() -> str:
    """Where the caller finds us, as the caller wrote it."""
    return flask.request.host_url.rstrip("/") + flask.request.script_root


def roots() -> tuple[str, str]:
    """What links of this request start with, those to the API's own version and those to none:
    with the project, where the request named it."""
    if "roots" not in flask.g:
        flask.g.roots = _read_roots(flask.request)
    return flask.g.roots  # type: ignore[no-any-return]


def _read_roots(request: flask.Request) -> tuple[str, str]:
    version = request.path.split("/", 2)[1]
    project = (request.view_args or {}).get("project_in_path")
    tail = f"/{project}" if project else ""
    return f"{base()}/{version}{tail}", f"{base()}{tail}"


def links(kind: str, item_id: str) -> list[Document]:
    own, bookmark = roots()
    return [{"rel": "self", "href": f"{own}/{kind}/{item_id}"},
            {"rel": "bookmark", "href": f"{bookmark}/{kind}/{item_id}"}]


def next_link(items: list[Document], limit: int, marker: str) -> list[Document]:
    """The following page, where this one is full."""
    if not items or len(items) < limit:
        return []
    request = flask.request
    href = build_link(base() + request.path, request.args, marker=marker)
    return [{"rel": "next", "href": href}]


def stamp(moment: dt.datetime | None) -> str | None:
    """A time as the API writes it."""
    return None if moment is None else moment.isoformat(timespec="seconds") + "Z"


def micro(moment: dt.datetime | None) -> str | None:
    """A time with its microseconds, without a zone: as instance actions and services have it."""
    return None if moment is None else f"{moment:%Y-%m-%dT%H:%M:%S.%f}"


@lru_cache(maxsize=4096)
def host_id(project_id: str, host: str | None) -> str:
    """A host's name as a project may know it: the same for all of its servers there."""
    return hashlib.sha224(f"{project_id}{host}".encode()).hexdigest() if host else ""


def quota_names(ctx: Context) -> list[str]:
    """The resources that the version knows limits of."""
    names = list(quotas.ALWAYS)
    if ctx.version < (2, 57):
        names += quotas.FILES
    if ctx.version < (2, 36):
        names += quotas.NETWORK
    return names


# --- Servers -------------------------------------------------------------------------------

_PROGRESS = {"ACTIVE", "BUILD", "REBUILD", "RESIZE", "VERIFY_RESIZE"}


@lru_cache(maxsize=1024)
def _flavor(text: str, root: str, embedded: bool) -> orjson.Fragment:
    """Of servers there are many, of flavors few."""
    flavor = orjson.loads(text)
    if not embedded:
        return orjson.Fragment(orjson.dumps({"id": flavor["id"], "links": [
            {"rel": "bookmark", "href": f"{root}/flavors/{flavor['id']}"}]}))
    return orjson.Fragment(orjson.dumps({
        "vcpus": flavor["vcpus"], "ram": flavor["ram"], "disk": flavor["disk"],
        "ephemeral": flavor["ephemeral"], "swap": flavor["swap"],
        "original_name": flavor["name"], "extra_specs": flavor["extra_specs"]}))


@lru_cache(maxsize=1024)
def _properties(text: str) -> dict[str, Any]:
    return orjson.loads(text)["properties"]  # type: ignore[no-any-return]


@lru_cache(maxsize=1024)
def _groups(text: str) -> orjson.Fragment | None:
    names = orjson.loads(text)
    if not names:
        return None
    return orjson.Fragment(orjson.dumps([{"name": name} for name in names]))


class ServerView:
    """What one request shows of servers: decided once, then applied to each."""

    def __init__(self, nova: Nova, ctx: Context) -> None:
        self.version = ctx.version
        own, self.root = roots()
        self._own, self._bookmark = (orjson.dumps(root).decode()[1:-1] for root in (own, self.root))
        self.extended = nova.policy.allows(ctx, "os_compute_api:os-extended-server-attributes")
        # Which states of hosts are shown: all, or that nobody knows it.
        every = nova.policy.allows(ctx, "os_compute_api:servers:show:host_status")
        self.host_status = ctx.version >= (2, 16) and (every or nova.policy.allows(
            ctx, "os_compute_api:servers:show:host_status:unknown-only"))
        self._any_status = every

        more = []
        if ctx.version >= (2, 98) or (ctx.version >= (2, 3) and self.extended):
            more.append("image")
        if ctx.version >= (2, 3) and self.extended:
            more.append("user_data")
        if ctx.version >= (2, 63):
            more.append("trusted_certs")
        if ctx.version >= (2, 100):
            more.append("scheduler_hints")
        self.more = tuple(more)

    def summary(self, row: Any) -> Document:
        return {"id": row.id, "name": row.name, "links": self.links(row.id)}

    def links(self, server_id: str) -> orjson.Fragment:
        return orjson.Fragment(
            f'[{{"rel":"self","href":"{self._own}/servers/{server_id}"}},'
            f'{{"rel":"bookmark","href":"{self._bookmark}/servers/{server_id}"}}]'
        )

    def basic(self, row: Any) -> Document:
        """What updating and rebuilding answered with before 2.75."""
        version = self.version
        word = status(row.vm_state, row.task_state)
        vifs = row.vifs
        server: Document = {
            "id": row.id, "name": row.name, "status": word, "tenant_id": row.project_id,
            "user_id": row.user_id, "metadata": orjson.Fragment(row.meta),
            "hostId": host_id(row.project_id, row.host), "image": self._image(row),
            "flavor": _flavor(row.flavor, self.root, version >= (2, 47)),
            "created": _second(row.created_at),
            "updated": _second(row.updated_at or row.created_at),
            "addresses": network.addresses(orjson.loads(vifs)) if vifs != "[]" else {},
            "accessIPv4": row.access_ipv4, "accessIPv6": row.access_ipv6,
            "links": self.links(row.id), "OS-DCF:diskConfig": row.disk_config,
        }
        if word in _PROGRESS:
            server["progress"] = 0
        if word in ("ERROR", "DELETED") and row.fault:
            server["fault"] = self._fault(orjson.loads(row.fault))
        if version >= (2, 9):
            server["locked"] = row.locked_by is not None
        if version >= (2, 19):
            server["description"] = row.description
        if version >= (2, 26):
            server["tags"] = orjson.Fragment(row.tags)
        if version >= (2, 63):
            certs = row.trusted_certs
            server["trusted_image_certificates"] = orjson.Fragment(certs) if certs else None
        if version >= (2, 73):
            server["locked_reason"] = row.locked_reason
        return server

    def short(self, row: Any) -> Document:
        """basic() without what only showing and listing say of addresses."""
        server = self.basic(row)
        for addresses in server["addresses"].values():
            for address in addresses:
                del address["OS-EXT-IPS:type"], address["OS-EXT-IPS-MAC:mac_addr"]
        return server

    def detail(
        self, row: Any, host_states: Mapping[str, str], groups: list[str] | None = None
    ) -> Document:
        """`host_states` are by host's name; `groups` the server's, where they are shown."""
        version = self.version
        server = self.basic(row)
        server["key_name"] = row.key_name
        server["config_drive"] = "True" if row.config_drive else ""
        server["OS-EXT-AZ:availability_zone"] = row.zone if row.host else row.asked_zone or ""
        server["OS-SRV-USG:launched_at"] = _precise(row.launched_at)
        server["OS-SRV-USG:terminated_at"] = _precise(row.terminated_at)
        server["OS-EXT-STS:task_state"] = row.task_state
        server["OS-EXT-STS:vm_state"] = row.vm_state
        server["OS-EXT-STS:power_state"] = row.power_state
        server["os-extended-volumes:volumes_attached"] = self._volumes(row)
        if (shown := _groups(row.security_groups)) is not None:
            server["security_groups"] = shown
        if self.extended:
            server["OS-EXT-SRV-ATTR:host"] = row.host
            server["OS-EXT-SRV-ATTR:instance_name"] = domain_name(row.number)
            server["OS-EXT-SRV-ATTR:hypervisor_hostname"] = row.node
            if version >= (2, 3):
                properties = self._properties(row)
                server |= {
                    "OS-EXT-SRV-ATTR:reservation_id": row.reservation_id,
                    "OS-EXT-SRV-ATTR:launch_index": row.launch_index,
                    "OS-EXT-SRV-ATTR:kernel_id": properties.get("kernel_id") or "",
                    "OS-EXT-SRV-ATTR:ramdisk_id": properties.get("ramdisk_id") or "",
                    "OS-EXT-SRV-ATTR:hostname": row.hostname,
                    "OS-EXT-SRV-ATTR:root_device_name": row.root_device,
                    "OS-EXT-SRV-ATTR:user_data": row.user_data,
                }
        elif version >= (2, 90):
            server["OS-EXT-SRV-ATTR:hostname"] = row.hostname
        if self.host_status:
            state = host_states.get(row.host or "", "")
            if self._any_status or state == "UNKNOWN":
                server["host_status"] = state
        if groups is not None and version >= (2, 71):
            server["server_groups"] = groups
        if version >= (2, 96):
            server["pinned_availability_zone"] = row.asked_zone
        if version >= (2, 100):
            server["scheduler_hints"] = orjson.Fragment(row.scheduler_hints)
        return server

    def _image(self, row: Any) -> Document | str:
        if row.image_id is None:
            return ""
        image: Document = {"id": row.image_id, "links": [
            {"rel": "bookmark", "href": f"{self.root}/images/{row.image_id}"}]}
        if self.version >= (2, 98):
            image["properties"] = {key: str(value) for key, value in self._properties(row).items()
                                   if len(str(value)) <= 255}
        return image

    def _properties(self, row: Any) -> dict[str, Any]:
        return _properties(row.image) if row.image else {}

    def _fault(self, fault: dict[str, Any]) -> Document:
        shown = {"code": fault["code"], "created": fault["created"], "message": fault["message"]}
        if self.extended or fault["code"] != 500:
            shown["details"] = fault["details"]
        return shown

    def _volumes(self, row: Any) -> list[Document]:
        volumes: list[Document] = []
        for volume_id, goes_with_it in read_shown(row.volumes):
            shown: Document = {"id": volume_id}
            if self.version >= (2, 3):
                shown["delete_on_termination"] = goes_with_it
            volumes.append(shown)
        return volumes


def _second(text: str) -> str:
    """The API's time of the database's."""
    return f"{text[:10]}T{text[11:19]}Z"


def _precise(text: str | None) -> str | None:
    if text is None:
        return None
    return f"{text[:10]}T{text[11:]}" if len(text) > 19 else f"{text[:10]}T{text[11:]}.000000"
