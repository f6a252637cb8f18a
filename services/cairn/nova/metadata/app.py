"""nova-metadata's WSGI application: what guests ask 169.254.169.254.

Neutron's proxy on the guest's host knows which server asks; it says so in X-Instance-ID and signs
that with the secret we share. Nobody else is answered.
"""

import hmac
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

import flask
from sqlalchemy import update

from cairn.common import errors, health
from cairn.common.api import PUBLIC, Api, Document, Reply
from cairn.common.context import Context
from cairn.common.db import Database, changed
from cairn.common.policy import Policy
from cairn.common.wsgi import Mount, serve
from cairn.nova.core import actions, block_devices, guest_documents
from cairn.nova.core.servers import find_any
from cairn.nova.db.models import Server
from cairn.nova.errors import VendordataFailed
from cairn.nova.neighbours.vendordata import Nobody, Vendordata
from cairn.nova.settings import ApiSettings, MetadataSettings

MOST = 1000  # Guests whose documents are kept.
PASSWORD_LENGTH = 1020

api = Api({})


@dataclass(frozen=True)
class Metadata:
    db: Database
    settings: MetadataSettings
    api: ApiSettings
    policy: Policy = field(default_factory=lambda: Policy({}))
    cache: "Cache" = field(default_factory=lambda: Cache())
    vendordata: Vendordata = field(default_factory=Nobody)


@dataclass(frozen=True)
class Guest:
    """Who asks: rows of its server and of the block devices, and the roles of its maker."""

    server: Any
    devices: list[Any]
    roles: list[str]
    # What services say of it, once one of its questions needed that: no guest can have them asked
    # as often as it likes.
    dynamic: list[dict[str, Any] | VendordataFailed] = field(default_factory=list)


class Cache:
    """Rows of servers that asked lately: a guest asks many questions in a row."""

    def __init__(self) -> None:
        self._rows: OrderedDict[str, tuple[float, Guest]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, server_id: str, seconds: float) -> Guest | None:
        with self._lock:
            entry = self._rows.get(server_id)
            if entry is None or time.monotonic() - entry[0] > seconds:
                return None
            return entry[1]

    def put(self, server_id: str, row: Guest) -> None:
        with self._lock:
            self._rows[server_id] = (time.monotonic(), row)
            self._rows.move_to_end(server_id)
            while len(self._rows) > MOST:
                self._rows.popitem(last=False)

    def forget(self, server_id: str) -> None:
        with self._lock:
            self._rows.pop(server_id, None)


def _guest(metadata: Metadata, request: flask.Request) -> Guest:
    """The server that asks. Raises Refused for a signature that is not the proxy's, and Invalid
    where it does not say whose port asked: a port may be given any server's id by its owner."""
    server_id = request.headers.get("X-Instance-ID", "")
    secret = metadata.settings.secret
    expected = hmac.new(secret.encode(), server_id.encode(), "sha256").hexdigest()
    given = request.headers.get("X-Instance-ID-Signature", "")
    # As bytes: of text that is not ASCII, the comparison would raise.
    if not secret or not server_id or not hmac.compare_digest(expected.encode(), given.encode()):
        raise errors.Refused(reason="X-Instance-ID is missing or not signed by the proxy.")
    project = request.headers.get("X-Tenant-ID", "")
    if not project:
        raise errors.Invalid(reason="X-Tenant-ID header is missing from request.")
    entry = metadata.cache.get(server_id, metadata.settings.cache_seconds)
    if entry is None:
        with metadata.db.reading() as session:
            row = find_any(session, server_id)
            devices = block_devices.of(session, server_id)
            roles = actions.maker_roles(session, server_id)
        if row is None or row.deleted:
            raise errors.NotFound("Instance", server_id)
        entry = Guest(row, devices, roles)
        metadata.cache.put(server_id, entry)
    if project != entry.server.project_id:
        raise errors.NotFound("Instance", server_id)
    return entry


@api.get("/", policy=PUBLIC, raw=True)
def root(metadata: Metadata, ctx: Context, request: flask.Request) -> Reply:
    _guest(metadata, request)
    return _text("\n".join([*guest_documents.EC2, "openstack"]))


@api.get("/<path:path>", policy=PUBLIC, raw=True)
def lookup(metadata: Metadata, ctx: Context, path: str, request: flask.Request) -> Reply:
    guest = _guest(metadata, request)
    first, *rest = [part for part in path.split("/") if part] or [""]
    if first == "openstack":
        return _openstack(metadata, guest, rest)
    if first in guest_documents.EC2:
        return _ec2(metadata, guest, first, rest)
    raise errors.NoSuchPath


@api.post("/openstack/<version>/password", policy=PUBLIC, raw=True)
def tell_password(
    metadata: Metadata, ctx: Context, version: str, request: flask.Request
) -> Reply:
    """Keep the password that a guest made up, once: whoever gets into it later cannot change it."""
    server = _guest(metadata, request).server
    if (version not in guest_documents.OPENSTACK
            or "password" not in guest_documents.openstack_names(server, version)):
        raise errors.NoSuchPath
    told = request.get_data().decode("ascii", "replace")
    if not told or len(told) > PASSWORD_LENGTH:
        raise errors.Invalid(reason=f"A password has 1 to {PASSWORD_LENGTH} characters.")
    with metadata.db.writing() as session:
        kept = session.execute(
            update(Server).where(Server.id == server.id, Server.guest_password.is_(None))
            .values(guest_password=told))
        if not changed(kept):
            raise errors.Conflict(reason="The server has told its password before.")
    metadata.cache.forget(server.id)
    return Reply(None, 200)


def _openstack(metadata: Metadata, guest: Guest, rest: list[str]) -> Reply:
    if not rest:
        return _text("\n".join(guest_documents.OPENSTACK))
    version, *names = rest
    if version not in guest_documents.OPENSTACK or len(names) > 1:
        raise errors.NoSuchPath
    if names == ["password"] and "password" in guest_documents.openstack_names(
            guest.server, version):
        return _text(guest.server.guest_password or "")
    if not names:
        return _text("\n".join(sorted(guest_documents.openstack_names(guest.server, version))))
    dynamic = _dynamic(metadata, guest) if names == ["vendor_data2.json"] else {}
    files = guest_documents.openstack_files(
        guest.server, metadata.api, guest.devices, dynamic=dynamic, version=version)
    content = files.get(names[0])
    if content is None:
        raise errors.NoSuchPath
    kind = "application/json" if names[0].endswith(".json") else "application/octet-stream"
    return Reply(content, headers={"Content-Type": kind})


def _dynamic(metadata: Metadata, guest: Guest) -> dict[str, Any]:
    """Raises VendordataFailed."""
    if not guest.dynamic:
        try:
            guest.dynamic.append(metadata.vendordata.ask(guest.server, guest.roles))
        except VendordataFailed as failed:
            guest.dynamic.append(failed)
    told = guest.dynamic[0]
    if isinstance(told, VendordataFailed):
        raise told
    return told


def _ec2(metadata: Metadata, guest: Guest, version: str, rest: list[str]) -> Reply:
    server = guest.server
    if not rest:
        return _text("meta-data/\nuser-data" if server.user_data else "meta-data/")
    if rest == ["user-data"]:
        if not server.user_data:
            raise errors.NoSuchPath
        return Reply(guest_documents.user_data(server),
                     headers={"Content-Type": "application/octet-stream"})
    if rest[0] != "meta-data":
        raise errors.NoSuchPath
    node: Any = guest_documents.ec2_metadata(server, metadata.api, guest.devices, version)
    for part in rest[1:]:
        if not isinstance(node, dict) or part not in node:
            raise errors.NoSuchPath
        node = node[part]
    if not isinstance(node, dict):
        return _text(str(node))
    lines = []
    for name, value in sorted(node.items()):
        if name == "_name":
            continue
        if isinstance(value, dict):
            lines.append(value.get("_name") or f"{name}/")
        else:
            lines.append(name)
    return _text("\n".join(lines))


def _text(text: str) -> Reply:
    return Reply(text, headers={"Content-Type": "text/plain; charset=utf-8"})


def envelope(problem: errors.Problem, request_id: str) -> Document:
    return {"error": {"code": problem.code, "message": str(problem)}}


def create_app(metadata: Metadata) -> flask.Flask:
    """The application, to be mounted at /metadata."""
    checks = {"database": health.database(metadata.db)}
    return serve(
        "cairn.nova.metadata", metadata, [Mount("", [health.endpoint(checks), api])],
        authenticate=lambda headers: None, envelope=envelope,
    )
