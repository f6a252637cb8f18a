"""What of volumes is to be found in a cloud that has come to rest, and whether it fits together: as
the API tells of it, on the storage host, and at the guests."""

import contextlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from openstack.exceptions import (
    BadRequestException,
    ConflictException,
    NotFoundException,
    raise_from_response,
)

from .attacks import Tenant
from .clouds import Cloud

RESTING = {"volumes": ("available", "in-use"), "snapshots": ("available",),
           "backups": ("available",)}
# Of what is going already, or can not go yet.
CHANGING = BadRequestException, ConflictException, NotFoundException
# What a storage host of the file backend has, looked at by nothing of ours.
LOOK = r"""
import json, os, socket, struct, xml.etree.ElementTree as xml
HOME = "/var/lib/cairn"
def names(*parts):
    path = os.path.join(HOME, *parts)
    return sorted(os.listdir(path)) if os.path.isdir(path) else []
# One for each backend.
FOLDERS = [name for name in names() if os.path.isdir(os.path.join(HOME, name, "layers"))]
def lower(folder, name):
    with open(os.path.join(HOME, folder, "layers", name), "rb") as file:
        head = file.read(20)
        if head[:4] != b"QFI\xfb":
            return None
        offset, length = struct.unpack(">QI", head[8:20])
        file.seek(offset)
        return file.read(length).decode() if offset else None
def within(kind):
    return [(folder, name) for folder in FOLDERS for name in names(folder, kind)]
def pointers(kind):
    found = {}
    for folder, name in within(kind):
        with open(os.path.join(HOME, folder, kind, name)) as file:
            found[name] = json.load(file)["layer"]
    return found
def ask(*commands):
    with socket.socket(socket.AF_UNIX) as link:
        link.settimeout(30)
        link.connect("/run/cairn-exports/control/qmp")
        file = link.makefile("rw")
        file.readline()
        answers = []
        for command in ("qmp_capabilities", *commands):
            file.write(json.dumps({"execute": command}) + "\n")
            file.flush()
            while "return" not in (told := json.loads(file.readline())):
                pass
            answers.append(told["return"])
        return answers[1:]
exports, nodes = ask("query-block-exports", "query-named-block-nodes")
print(json.dumps({
    "volumes": pointers("volumes"), "snapshots": pointers("snapshots"),
    "layers": {name: lower(folder, name) for folder, name in within("layers")},
    "pins": [name for _, name in within("pins")],
    "records": [name for _, name in within("exports")],
    "exports": sorted(e["id"].removeprefix("export-") for e in exports),
    "nodes": sorted({n["node-name"].split("-")[0] for n in nodes if n["node-name"][0] == "v"}),
    "backups": [name for name in names("backups") if name != "cairn-target"],
    "transfers": names("volume-transfers"),
}))
"""


@dataclass
class Storage:
    """A project's volumes, through the API."""

    sdk: Any

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """The answer's JSON. Raises HttpException."""
        answer = self.sdk.block_storage.request(
            path, method, json=body, microversion="3.70", raise_exc=False)
        raise_from_response(answer)
        return answer.json() if answer.content else None

    def list(self, kind: str) -> list[dict[str, Any]]:
        listed: list[dict[str, Any]] = self.ask("GET", f"/{kind}/detail")[kind]
        return listed


def look(cloud: Cloud) -> dict[str, Any]:
    """What there is on the storage host."""
    quoted = LOOK.replace("'", "'\\''")
    seen: dict[str, Any] = json.loads(cloud.within("aio", f"python3 -c '{quoted}'"))
    return seen


def disks_of_guests(cloud: Cloud) -> dict[str, list[str]]:
    """By server: the exports that its domain has as disks, running and at its next start."""
    told = cloud.within("aio", """
        for id in $(virsh list --all --uuid); do
            for side in "" --inactive; do
                virsh dumpxml $side $id | grep -o "<source protocol='nbd' name='[^']*" |
                    sed "s/.*'/$id /"
            done
        done""")
    found = defaultdict(list)
    for line in told.splitlines():
        server, export = line.split()
        found[server].append(export)
    return dict(found)


@dataclass
class VolumeCount:
    """All of them are these tenants'."""

    cloud: Cloud
    tenants: Sequence[Tenant]
    # Of which volumes are made: no volume became these.
    images: Sequence[str]

    def count(self) -> Iterator[str]:
        """What does not fit together."""
        cloud = self.cloud
        volumes, snapshots, backups, attachments = [], [], [], []
        for tenant in self.tenants:
            storage = Storage(tenant.sdk)
            things = {kind: storage.list(kind) for kind in RESTING}
            yield from self._at_rest(storage, things)
            yield from self._counted(storage, things)
            volumes += things["volumes"]
            snapshots += things["snapshots"]
            backups += things["backups"]
            attachments += storage.list("attachments")
        yield from self._attached(volumes, attachments)
        yield from self._on_guests(attachments)
        yield from self._on_host(look(cloud), volumes, snapshots, backups, attachments)
        for _, image in self._images():
            if image.status != "active":
                yield f"image {image.id} is {image.status}"
        for work in cloud.sql("cinder", "select concat(kind, ' ', subject) from work where state "
                                        "in ('queued', 'undoing')"):
            yield f"open: {work}"

    def _images(self) -> Iterator[tuple[Tenant, Any]]:
        """That volumes and servers became, and whose they are."""
        for tenant in self.tenants:
            for image in tenant.sdk.image.images(owner=tenant.project):
                if image.id not in self.images:
                    yield tenant, image

    def _at_rest(
        self, storage: Storage, things: dict[str, list[dict[str, Any]]]
    ) -> Iterator[str]:
        """Whatever is in error has somebody who says why."""
        explained = {message["resource_uuid"] for message in
                     storage.ask("GET", "/messages")["messages"]}
        for kind, rows in things.items():
            for row in rows:
                what = f"{kind[:-1]} {row['id']} is {row['status']}"
                if "error" in row["status"]:
                    if row["id"] not in explained:
                        yield f"{what}, and nobody says why"
                elif row["status"] not in RESTING[kind]:
                    yield what

    def _counted(
        self, storage: Storage, things: dict[str, list[dict[str, Any]]]
    ) -> Iterator[str]:
        told = storage.ask("GET", "/limits")["limits"]["absolute"]
        sizes = {kind: sum(row["size"] for row in rows) for kind, rows in things.items()}
        due = {"Volumes": len(things["volumes"]), "Snapshots": len(things["snapshots"]),
               "Backups": len(things["backups"]), "BackupGigabytes": sizes["backups"],
               "Gigabytes": sizes["volumes"] + sizes["snapshots"]}
        for name, number in due.items():
            if (used := told[f"total{name}Used"]) != number:
                yield f"{used} {name} are counted, there are {number}"

    def _attached(
        self, volumes: list[dict[str, Any]], attachments: list[dict[str, Any]]
    ) -> Iterator[str]:
        """As often as they say, and to servers that say so, too."""
        users = Counter(each["volume_id"] for each in attachments)
        for row in volumes:
            if users[row["id"]] != (row["status"] == "in-use"):
                yield f"volume {row['id']} is {row['status']} with {users[row['id']]} attachments"
        theirs = sorted((each["instance"], each["volume_id"], each["id"]) for each in attachments)
        novas = sorted(tuple(line.split("\t")) for line in self.cloud.sql(
            "nova", "select server_id, volume_id, attachment_id from block_device_mapping where "
                    "volume_id is not null and server_id in (select id from servers where "
                    "deleted = 0)"))
        for server, volume, attachment in set(theirs) ^ set(novas):
            of = "cinder" if (server, volume, attachment) in theirs else "nova"
            yield f"attachment {attachment} of volume {volume} to {server} is {of}'s alone"
        for each in attachments:
            if each["status"] != "attached":
                yield f"attachment {each['id']} is {each['status']}"

    def _on_guests(self, attachments: list[dict[str, Any]]) -> Iterator[str]:
        seen = disks_of_guests(self.cloud)
        due = defaultdict(set)
        for each in attachments:
            due[each["instance"]].add(each["id"])
        for server in seen.keys() | due.keys():
            for export in set(seen.get(server, [])) ^ due[server]:
                where = "a disk of" if export in seen.get(server, []) else "no disk of"
                yield f"attachment {export} is {where} server {server}"
            # Once as it runs, once at its next start.
            for export, times in Counter(seen.get(server, [])).items():
                if times != 2:
                    yield f"attachment {export} is a disk of server {server} {times} times"

    def _on_host(
        self, seen: dict[str, Any], volumes: list[dict[str, Any]],
        snapshots: list[dict[str, Any]], backups: list[dict[str, Any]],
        attachments: list[dict[str, Any]],
    ) -> Iterator[str]:
        exported = {each["id"] for each in attachments}
        due = {
            # One in error may be there or not.
            "volumes": ids(volumes, seen["volumes"]),
            "snapshots": ids(snapshots, seen["snapshots"]),
            "backups": ids(backups, seen["backups"]),
            "records": {f"{e['volume_id']}@{e['id']}" for e in attachments}, "exports": exported,
            "nodes": {f"v{e['volume_id'].replace('-', '')[:12]}" for e in attachments},
            "transfers": set(), "pins": set(),
        }
        for what, names in due.items():
            for name in sorted(names ^ set(seen[what])):
                yield f"{what}: {name} is {'there' if name in seen[what] else 'not there'}"
        used = set()
        for layer in [*seen["volumes"].values(), *seen["snapshots"].values()]:
            while layer is not None and layer not in used:
                used.add(layer)
                layer = seen["layers"].get(layer)
        for layer in sorted(seen["layers"].keys() ^ used):
            yield f"layer {layer} is {'loose' if layer in seen['layers'] else 'not there'}"

    def traces(self) -> dict[str, list[str]]:
        """Everything of volumes that there is anywhere."""
        seen = look(self.cloud)
        return {f"storage: {what}": sorted(names) for what, names in seen.items()} | {
            table: self.cloud.sql("cinder", f"select id from {table}")
            for table in ("volumes", "snapshots", "backups", "volume_attachments",
                          "encryption_keys")}

    def clear(self) -> None:
        """Ask for all to go that can."""
        for tenant, image in self._images():
            tenant.sdk.image.delete_image(image)
        for tenant in self.tenants:
            storage = Storage(tenant.sdk)
            self._detach(tenant, storage)
            for kind in ("backups", "snapshots", "volumes"):
                for row in storage.list(kind):
                    if "error" in row["status"] or row["status"] == "available":
                        # What another lies upon goes later.
                        with contextlib.suppress(*CHANGING):
                            storage.ask("DELETE", f"/{kind}/{row['id']}")

    def _detach(self, tenant: Tenant, storage: Storage) -> None:
        for each in storage.list("attachments"):
            with contextlib.suppress(*CHANGING):
                tenant.sdk.compute.delete_volume_attachment(each["instance"], each["volume_id"])


def ids(rows: list[dict[str, Any]], seen: Iterable[str]) -> set[str]:
    return {row["id"] for row in rows if "error" not in row["status"] or row["id"] in seen}
