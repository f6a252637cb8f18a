"""As much of Cinder as nova asks: the states of volumes and of their attachments, and who may go
from which to which."""

import ast
import uuid
from typing import Any

from fakes.nova.answers import Answer, Document, refuse


class Cinder:
    def __init__(self, images: dict[str, Document]) -> None:
        """`images` are Glance's, by their ids."""
        self.images = images
        self.volumes: dict[str, Document] = {}
        self.snapshots: dict[str, Document] = {}
        self.attachments: dict[str, Document] = {}
        # What backends put into each connection_info beside volume_id; of one volume by its id.
        self.connections: dict[str, Document] = {}
        # How volumes that are made end, and snapshots.
        self.ends = "available"
        # What reimaging leaves of a volume that is reserved.
        self.reimages = "reserved"

    def volume(self, project_id: str = "red", **properties: Any) -> str:
        """A new one's id."""
        volume_id = str(uuid.uuid4())
        self.volumes[volume_id] = {
            "id": volume_id, "name": "", "size": 1, "status": "available", "bootable": "false",
            "multiattach": False, "encrypted": False, "attachments": [], "metadata": {},
            "availability_zone": "nova", "volume_type": "__DEFAULT__", "migration_status": None,
            "os-vol-tenant-attr:tenant_id": project_id, **properties,
        }
        return volume_id

    def snapshot(self, volume_id: str, **properties: Any) -> str:
        snapshot_id = str(uuid.uuid4())
        self.snapshots[snapshot_id] = {
            "id": snapshot_id, "volume_id": volume_id, "status": "available", "name": "",
            "metadata": {}, "size": self.volumes[volume_id]["size"], **properties}
        return snapshot_id

    def answer(self, method: str, path: list[str], query: Any, body: Any) -> Any:
        project = None
        if path[0] not in ("volumes", "snapshots", "attachments", "types"):
            project, *path = path
        kind, *rest = path
        if kind == "types":
            return {"volume_types": [{"id": "t1", "name": "__DEFAULT__"},
                                     {"id": "t2", "name": "fast"}]}
        return getattr(self, f"_{kind}")(method, rest, query, body, project)

    # --- Volumes and snapshots ---

    def _find(self, kind: str, thing_id: str) -> Document:
        things: dict[str, Document] = getattr(self, f"{kind}s")
        if thing_id not in things:
            raise refuse("block-storage", 404, f"{kind.title()} {thing_id} could not be found.")
        return things[thing_id]

    def _volumes(
        self, method: str, path: list[str], query: Any, body: Any, project: str | None
    ) -> Any:
        if method == "POST" and not path:
            return Answer({"volume": self._made(body["volume"], project or "service")}, 202)
        if path == ["detail"]:
            asked = ast.literal_eval(query["metadata"][0])
            return {"volumes": [
                v for v in self.volumes.values()
                if v["os-vol-tenant-attr:tenant_id"] == project
                and asked.items() <= v["metadata"].items()]}
        volume = self._find("volume", path[0])
        if method == "DELETE":
            busy = any(s["volume_id"] == path[0] for s in self.snapshots.values())
            if busy or volume["status"] not in ("available", "error"):
                raise refuse("block-storage", 400, f"Volume {path[0]} is {volume['status']}")
            del self.volumes[path[0]]
            return Answer(None, 202)
        if path[1:] == ["action"]:
            return self._act(volume, body)
        if path[1:2] == ["encryption"]:
            if path[2:] == ["passphrase"]:
                return {"passphrase": f"opens {path[0]}"}
            if not volume["encrypted"]:
                return {}
            return {"provider": "luks", "cipher": "aes-xts-plain64", "key_size": 256,
                    "control_location": "front-end", "encryption_key_id": str(uuid.uuid4())}
        return {"volume": volume}

    def _made(self, asked: Document, project: str) -> Document:
        if asked.get("snapshot_id"):
            self._find("snapshot", asked["snapshot_id"])
        meta = asked.get("metadata") or {}
        volume_id = self.volume(project, **{k: v for k, v in asked.items() if v is not None},
                                status=self.ends)
        volume = self.volumes[volume_id]
        volume["metadata"] = meta
        if asked.get("imageRef"):
            image: Document = self.images[asked["imageRef"]]
            volume |= {"bootable": "true", "volume_image_metadata": {
                "image_id": image["id"], "disk_format": image["disk_format"]}}
        return volume

    def _act(self, volume: Document, body: Document) -> Any:
        [(name, args)] = body.items()
        if name == "os-reimage":
            volume["status"] = self.reimages
            volume["volume_image_metadata"] = {"image_id": args["image_id"]}
            return Answer(None, 202)
        if name == "os-migrate_volume_completion":
            new = args["new_volume"]
            if args["error"] or new not in self.volumes:  # Said again after it was done.
                return {"save_volume_id": volume["id"]}
            self.attachments = {key: each for key, each in self.attachments.items()
                                if each["volume_id"] != volume["id"]}
            self.volumes[volume["id"]] = self.volumes.pop(new) | {
                "id": volume["id"], "migration_status": "success"}
            for attachment in self.attachments.values():
                if attachment["volume_id"] == new:
                    attachment["volume_id"] = volume["id"]
            return {"save_volume_id": volume["id"]}
        return Answer(None, 202)

    def _snapshots(
        self, method: str, path: list[str], query: Any, body: Any, project: str | None
    ) -> Any:
        if method == "POST":
            asked = body["snapshot"]
            volume = self._find("volume", asked["volume_id"])
            if volume["status"] != "available" and not asked.get("force"):
                raise refuse("block-storage", 400, f"Volume {volume['id']} is in use")
            return Answer({"snapshot": self._taken(volume, asked)}, 202)
        if path == ["detail"]:
            meta = ast.literal_eval(query["metadata"][0])
            return {"snapshots": [
                s for s in self.snapshots.values()
                if s["volume_id"] in query["volume_id"] and meta.items() <= s["metadata"].items()]}
        snapshot = self._find("snapshot", path[0])
        if method == "DELETE":
            if snapshot["status"] not in ("available", "error"):
                raise refuse("block-storage", 400, f"Snapshot {path[0]} is {snapshot['status']}")
            del self.snapshots[path[0]]
            return Answer(None, 202)
        return {"snapshot": snapshot}

    def _taken(self, volume: Document, asked: Document) -> Document:
        snapshot_id = self.snapshot(volume["id"], name=asked.get("name") or "", status=self.ends,
                                    metadata=asked.get("metadata") or {})
        snapshot: Document = self.snapshots[snapshot_id]
        return snapshot

    # --- Attachments ---

    def _attachments(
        self, method: str, path: list[str], query: Any, body: Any, project: str | None
    ) -> Any:
        if method == "POST" and not path:
            return self._reserve(body["attachment"])
        if not path:
            return {"attachments": [
                self._shown(a) for a in self.attachments.values()
                if a["instance"] in query["instance_id"]
                and a["volume_id"] in query.get("volume_id", [a["volume_id"]])]}
        attachment = self._find("attachment", path[0])
        volume = self.volumes[attachment["volume_id"]]
        if method == "DELETE":
            del self.attachments[path[0]]
            if not any(a["volume_id"] == volume["id"] for a in self.attachments.values()):
                volume["status"] = "available"
            return {"attachments": []}
        if method == "PUT":
            attachment["connector"] = body["attachment"]["connector"]
            attachment["attach_status"] = "attaching"
            volume["status"] = "attaching"
        elif path[1:] == ["action"]:
            if attachment["connector"] is None:
                raise refuse("block-storage", 400, "The attachment has no connector.")
            attachment["attach_status"] = "attached"
            volume["status"] = "in-use"
            return Answer(None, 204)
        return {"attachment": self._shown(attachment)}

    def _reserve(self, asked: Document) -> Answer:
        volume = self._find("volume", asked["volume_uuid"])
        own = any(a["volume_id"] == volume["id"] and a["instance"] == asked["instance_uuid"]
                  for a in self.attachments.values())
        again = own or (volume["multiattach"]
                        and volume["status"] in ("in-use", "reserved", "attaching"))
        if volume["status"] not in ("available", "downloading") and not again:
            raise refuse("block-storage", 400, f"Invalid volume: Volume {volume['id']} status must "
                                               f"be available, but current status is: "
                                               f"{volume['status']}.")
        attachment_id = str(uuid.uuid4())
        self.attachments[attachment_id] = {
            "id": attachment_id, "volume_id": volume["id"], "instance": asked["instance_uuid"],
            "attach_mode": asked.get("mode") or "rw", "attach_status": "reserved",
            "connector": None}
        volume["status"] = "reserved"
        return Answer({"attachment": self._shown(self.attachments[attachment_id])}, 200)

    def _shown(self, attachment: Document) -> Document:
        shown = {key: attachment[key] for key in ("id", "volume_id", "instance", "attach_mode")}
        info: Document = {}
        if attachment["connector"] is not None:
            volume = self.volumes[attachment["volume_id"]]
            info = {"driver_volume_type": "fake", "volume_id": volume["id"],
                    "access_mode": attachment["attach_mode"], "qos_specs": None,
                    "encrypted": volume["encrypted"], "discard": False,
                    "multiattach": volume["multiattach"], "auth_password": "a-chap-secret",
                    **self.connections.get(volume["id"], {})}
        return shown | {"status": attachment["attach_status"], "connection_info": info}
