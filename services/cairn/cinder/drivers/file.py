"""Volumes as files of a folder, which may be a mounted share: layers of qcow2, exported by NBD.

A snapshot freezes the volume's layer and puts an empty one over it; a clone is a layer over a
frozen one. What that leaves behind - layers that nobody names and one alone lies upon - is merged
when there is time (`tidy`): it stands back whenever anybody wants to do something.

While a volume is in use the daemon has its layers open, and what concerns them is told to it. A new
layer is named by the volume's pointer before the daemon writes to it: whoever opens the volume
after a power cut, or after a death of ours, finds all that guests have written.
"""

import json
import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from oslo_utils.imageutils import format_inspector

from cairn.cinder.drivers import tools
from cairn.cinder.drivers.base import (
    GIB,
    UNMANAGED,
    BackendFailed,
    Connector,
    Disk,
    Host,
    Leftover,
    Manageable,
    NoSuchReference,
    NotSupported,
    Pool,
    Snapshot,
    Volume,
    room,
)
from cairn.cinder.drivers.daemon import Away, Daemon, Served, Talk
from cairn.cinder.drivers.files import age_of, move, publish, sync, translated, withdraw
from cairn.cinder.drivers.layers import (
    DEEPEST,
    EXPORTS,
    LAYERS,
    LOOSE_SNAPSHOTS,
    LOOSE_VOLUMES,
    OWN_FILES,
    SNAPSHOTS,
    VOLUMES,
    Layers,
    Pointer,
    View,
    format_of,
    header,
    is_file,
)
from cairn.cinder.drivers.locks import Locks
from cairn.common.bounds import below, uuid_of
from cairn.common.errors import Invalid, Problem

log = logging.getLogger(__name__)

FOLDER = "/var/lib/cairn/volumes"
HOURS = 12 * 3600.0
# Bytes that are merged while others wait for an answer.
LITTLE = 256 << 20


class Yielded(Exception):
    """A merge stands back."""


class FileDriver:
    storage_protocol = "nbd"
    vendor_name = "Cairn"
    driver_version = "1.0"

    def __init__(self, name: str, where: str = "", host: Host | None = None) -> None:
        self.name, self.host = name, host or Host()
        self.layers = Layers(Path(where or FOLDER))
        self.folder = self.layers.folder
        self.daemon = Daemon(Path(self.host.exports),
                             Served(self.host.export_address, self.host.export_tls))
        self._locks = Locks()
        self._prepared = False

    def check(self) -> None:
        with self._changing():
            told = os.statvfs(self.folder)
            if told.f_flag & os.ST_RDONLY:
                raise BackendFailed(reason=f"{self.folder} is mounted read-only")
            self._restore()
        self.tidy(LITTLE)

    def pools(self) -> list[Pool]:
        with self._reading():
            told = os.statvfs(self.folder)
            sizes = [pointer.size for pointer in self.layers.pointers(VOLUMES).values()]
        promised = sum(sizes) / GIB
        return [Pool(
            name=self.name, total_capacity_gb=told.f_blocks * told.f_frsize / GIB,
            free_capacity_gb=told.f_bavail * told.f_frsize / GIB,
            provisioned_capacity_gb=promised, allocated_capacity_gb=promised,
            reserved_percentage=self.host.reserved_percentage,
            max_over_subscription_ratio=self.host.max_over_subscription_ratio,
            total_volumes=len(sizes), location_info=f"file:{self.host.name}:{self.folder}",
            consistent_group_snapshot_enabled=True,
        )]

    # Volumes

    def create(self, volume: Volume) -> dict[str, Any]:
        with self._changing(volume.id):
            if self.layers.pointer(VOLUMES, volume.id) is None:
                self._name(volume, self.layers.make(room(volume)))
        return {}

    def clone(self, volume: Volume, source: Volume) -> dict[str, Any]:
        with self._changing(volume.id, source.id):
            if self.layers.pointer(VOLUMES, volume.id) is None:
                self.layers.pointed(VOLUMES, source.id)
                frozen, = self._freeze([source.id])
                self._name(volume, self.layers.make(room(volume), frozen))
        return {}

    def clone_snapshot(self, volume: Volume, snapshot: Snapshot) -> dict[str, Any]:
        with self._changing(volume.id):
            if self.layers.pointer(VOLUMES, volume.id) is None:
                frozen = self.layers.pointed(SNAPSHOTS, snapshot.id).layer
                self._name(volume, self.layers.make(room(volume), frozen))
        return {}

    def clone_image(self, volume: Volume, locations: list[str]) -> dict[str, Any] | None:
        return None

    def _name(self, volume: Volume, layer: str) -> None:
        self.layers.point(VOLUMES, volume.id, Pointer(layer, room(volume)))

    def delete(self, volume: Volume) -> None:
        with self._changing(volume.id):
            self._refuse_used(volume.id)
            withdraw(self.layers.place(VOLUMES, volume.id))
        self.tidy()

    def extend(self, volume: Volume, size: int) -> dict[str, Any]:
        target = room(volume) + (size - volume.size) * GIB
        with self._changing(volume.id):
            pointer = self.layers.pointed(VOLUMES, volume.id)
            if self._used(volume.id):
                with self.daemon.talk() as talk:
                    self._grow(talk, volume.id, max(target, pointer.size))
            elif pointer.size < target:
                tools.run("qemu-img", "resize", "-q", "-f", format_of(pointer.layer),
                          str(self.layers.path(pointer.layer)), str(target))
            if pointer.size < target:
                self.layers.point(VOLUMES, volume.id, replace(pointer, size=target))
        return {}

    def _grow(self, talk: Talk, volume_id: str, target: int) -> None:
        """The NBD server does not let a node grow that it gives away: guests are thrown out, come
        back by themselves, and find the new size."""
        top = self._open(talk, volume_id)
        if talk.nodes()[top]["image"]["virtual-size"] < target:
            talk.unexport([a for v, a in self._records() if v == volume_id])
            try:
                talk.execute("block_resize", node_name=top, size=target)
            except BackendFailed:
                self._expose(talk, volume_id)  # With the size that it has.
                raise
        self._expose(talk, volume_id)

    # Snapshots

    def create_snapshot(self, snapshot: Snapshot) -> dict[str, Any]:
        return self.create_snapshots([snapshot])[0]

    def create_snapshots(self, snapshots: list[Snapshot]) -> list[dict[str, Any]]:
        with self._changing(*(snapshot.volume.id for snapshot in snapshots)):
            fresh = [s for s in snapshots if self.layers.pointer(SNAPSHOTS, s.id) is None]
            pointers = [self.layers.pointed(VOLUMES, s.volume.id) for s in fresh]
            for s in fresh:
                self.layers.place(SNAPSHOTS, s.id)
            frozen = self._freeze([s.volume.id for s in fresh])
            for s, pointer, layer in zip(fresh, pointers, frozen, strict=True):
                self.layers.point(SNAPSHOTS, s.id, Pointer(layer, pointer.size, s.volume.id))
        return [{} for _ in snapshots]

    def delete_snapshot(self, snapshot: Snapshot) -> None:
        with self._changing(snapshot.volume.id):
            withdraw(self.layers.place(SNAPSHOTS, snapshot.id))
        self.tidy()

    def revert(self, volume: Volume, snapshot: Snapshot) -> dict[str, Any]:
        with self._changing(volume.id):
            self._refuse_used(volume.id)
            pointer = self.layers.pointed(VOLUMES, volume.id)
            frozen = self.layers.pointed(SNAPSHOTS, snapshot.id).layer
            layer = self.layers.make(pointer.size, frozen)
            self.layers.point(VOLUMES, volume.id, replace(pointer, layer=layer))
        self.tidy()
        return {}

    def _freeze(self, volume_ids: list[str]) -> list[str]:
        """The layers of these volumes, all of one moment, which nobody writes to any more."""
        if len(set(volume_ids)) != len(volume_ids):
            raise NotSupported(reason="two snapshots of one volume at one moment")
        used = [id_ for id_ in volume_ids if self._used(id_)]
        with ExitStack() as stack:
            talk = stack.enter_context(self.daemon.talk()) if used else None
            if talk is not None:
                for id_ in used:
                    self._open(talk, id_)
            frozen = []
            for id_ in volume_ids:
                pointer = self.layers.pointed(VOLUMES, id_)
                layer = self.layers.make(pointer.size, pointer.layer)
                self.layers.point(VOLUMES, id_, replace(pointer, layer=layer))
                frozen.append(pointer.layer)
            if talk is not None:
                self._raise(talk, used)
        return frozen

    # Guests

    def export(self, volume: Volume, attachment_id: str, connector: Connector) -> dict[str, Any]:
        if not self.host.export_address and connector.host != self.host.name:
            raise NotSupported(reason=f"{self.host.name} exports to its own guests only, not to "
                                      f"those of {connector.host:.80}")
        with self._changing(volume.id):
            self.layers.pointed(VOLUMES, volume.id)
            record = self._record(volume.id, attachment_id)
            if not record.exists():
                publish(record, json.dumps({"read_only": connector.read_only}))
            with self.daemon.talk() as talk:
                self._expose(talk, volume.id)
        return {"driver_volume_type": "nbd", "data": {
            **self.daemon.address(attachment_id), "discard": True,
            "access_mode": "ro" if connector.read_only else "rw"}}

    def unexport(self, volume: Volume, attachment_id: str) -> None:
        with self._changing(volume.id):
            record = self._record(volume.id, attachment_id)
            try:
                with self.daemon.talk() as talk:
                    talk.unexport([attachment_id])
                    if self._used(volume.id) <= {attachment_id}:
                        talk.remove(self._nodes(talk, volume.id))
            except Away:
                pass  # Then nobody has it.
            withdraw(record)

    def exports(self) -> set[tuple[str, str]]:
        with self._reading():
            return set(self._records())

    def _records(self) -> list[tuple[str, str]]:
        """(volume, attachment) of all exports that there shall be."""
        names = [path.name for path in (self.folder / EXPORTS).iterdir() if not path.suffix]
        return sorted((v, a) for v, _, a in (name.partition("@") for name in names))

    def _record(self, volume_id: str, attachment_id: str) -> Path:
        ids = uuid_of(volume_id, "volume"), uuid_of(attachment_id, "attachment")
        return below(self.folder, EXPORTS, "@".join(ids))

    def _used(self, volume_id: str) -> set[str]:
        """The attachments that it is exported under."""
        return {a for v, a in self._records() if v == volume_id}

    def _refuse_used(self, volume_id: str) -> None:
        if self._used(volume_id):
            raise BackendFailed(reason=f"volume {volume_id} is in use")

    def _restore(self) -> None:
        """What shall be exported is: the daemon may be a new one. A volume that cannot be keeps no
        other from it."""
        records, failures = self._records(), []
        if records:
            with self.daemon.talk() as talk:
                for volume_id in sorted({v for v, _ in records}):
                    try:
                        self._expose(talk, volume_id)
                    except BackendFailed as failed:
                        failures.append(f"volume {volume_id} is not exported: {failed}")
        if failures:
            raise BackendFailed(reason="; ".join(failures))

    def _expose(self, talk: Talk, volume_id: str) -> None:
        talk.serve()
        top = self._open(talk, volume_id)
        exported = talk.exports()
        for attachment in sorted(self._used(volume_id) - exported.keys()):
            told = json.loads(self._record(volume_id, attachment).read_text())
            talk.export(attachment, top, bool(told["read_only"]))

    # What the daemon has open

    def _open(self, talk: Talk, volume_id: str) -> str:
        """The node of the volume's layer, once guests write to that one and no other."""
        pointer = self.layers.pointed(VOLUMES, volume_id)
        top = _node(volume_id, pointer.layer)
        if not self._nodes(talk, volume_id):
            talk.add(self._options(volume_id, self.layers.chain(pointer.layer)))
        else:
            self._raise(talk, [volume_id])
        return top

    def _raise(self, talk: Talk, volume_ids: list[str]) -> None:
        """Guests of these volumes write to the layers that the pointers name, from one moment."""
        pairs = []
        for id_ in volume_ids:
            upper, *chain = self.layers.chain(self.layers.pointed(VOLUMES, id_).layer)
            node, nodes = _node(id_, upper), talk.nodes()
            if node not in nodes:
                talk.add({**self._options(id_, [upper]), "backing": None})
                nodes = talk.nodes()
            if chain and not nodes[node].get("backing_file"):
                pairs.append((_node(id_, chain[0]), node))
        if pairs:
            talk.overlay(pairs)

    def _nodes(self, talk: Talk, volume_id: str) -> list[str]:
        return [node for node in talk.nodes() if node.startswith(_prefix(volume_id))]

    def _options(self, volume_id: str, chain: list[str]) -> dict[str, Any]:
        """The whole chain, with each format said: no header's word is followed."""
        options: dict[str, Any] | None = None
        for layer in reversed(chain):
            own: dict[str, Any] = {
                **self.layers.disk(layer, write=layer == chain[0]).options,
                "node-name": _node(volume_id, layer)}
            if format_of(layer) == "qcow2":
                own["backing"] = options
            options = own
        assert options is not None
        return options

    # Copies

    @contextmanager
    def opened(self, thing: Volume | Snapshot, *, write: bool = False) -> Iterator[Disk]:
        with ExitStack() as stack:
            with self._changing(thing.id):
                layer = self._layer_to_open(thing, write)
                stack.enter_context(self.layers.pinned(layer))
            yield self.layers.disk(layer, write=write)
        if not write and isinstance(thing, Volume):
            self.tidy()

    def _layer_to_open(self, thing: Volume | Snapshot, write: bool) -> str:
        if isinstance(thing, Snapshot):
            if write:
                raise NotSupported(reason="snapshots are not written to")
            return self.layers.pointed(SNAPSHOTS, thing.id).layer
        pointer = self.layers.pointed(VOLUMES, thing.id)
        if not write:
            # It may be attached, and written to, while it is read.
            return self._freeze([thing.id])[0]
        if self._used(thing.id):
            raise NotSupported(reason=f"volume {thing.id} is in use")
        return pointer.layer

    # Names

    def rename(self, volume: Volume, id_: str) -> dict[str, Any] | None:
        with self._changing(volume.id, id_):
            self._refuse_used(volume.id)
            source, target = self.layers.place(VOLUMES, volume.id), self.layers.place(VOLUMES, id_)
            if source.exists():
                move(source, target)
            self.layers.pointed(VOLUMES, id_)
        return {}

    def manageable_volumes(self) -> Iterator[Manageable]:
        with self._reading():
            return iter(list(self._manageable_volumes()))

    def _manageable_volumes(self) -> Iterator[Manageable]:
        for id_, pointer in self.layers.pointers(VOLUMES).items():
            yield Manageable({"source-name": id_}, _gib(pointer.size), False, "already managed",
                             cinder_id=id_)
        for id_, pointer in self.layers.pointers(LOOSE_VOLUMES).items():
            yield Manageable({"source-name": UNMANAGED + id_}, _gib(pointer.size), True)
        for path in sorted(self.folder.iterdir()):
            if is_file(path) and path.name not in OWN_FILES:
                try:
                    yield Manageable({"source-name": path.name}, _gib(_inspected(path)[1]), True)
                except NoSuchReference as reason:
                    yield Manageable({"source-name": path.name}, _gib(path.stat().st_size), False,
                                     str(reason))

    def manageable_snapshots(self) -> Iterator[Manageable]:
        with self._reading():
            return iter(list(self._manageable_snapshots()))

    def _manageable_snapshots(self) -> Iterator[Manageable]:
        for kind, ours in ((SNAPSHOTS, True), (LOOSE_SNAPSHOTS, False)):
            for id_, pointer in self.layers.pointers(kind).items():
                yield Manageable(
                    {"source-name": id_ if ours else UNMANAGED + id_}, _gib(pointer.size), not ours,
                    "already managed" if ours else None, id_ if ours else None,
                    source_reference={"source-name": pointer.volume})

    def manage(self, volume: Volume, reference: Mapping[str, str]) -> dict[str, Any]:
        with self._changing(volume.id):
            pointer = self.layers.pointer(VOLUMES, volume.id)
            loose, file = self._referred(LOOSE_VOLUMES, reference, done=pointer is not None)
            if pointer is not None:
                # Both names of one file: an earlier try did not come to its end.
                if file is not None and file.samefile(self.layers.path(pointer.layer)):
                    withdraw(file)
            elif loose is not None:
                move(loose, self.layers.place(VOLUMES, volume.id))
            elif file is not None:
                kind, size = _inspected(file)
                layer = f"{os.urandom(8).hex()}.{kind}"
                file.chmod(0o600)
                os.link(file, self.layers.path(layer))
                sync(self.folder / LAYERS)
                self.layers.point(VOLUMES, volume.id, Pointer(layer, size))
                withdraw(file)
        return {}

    def manage_size(self, reference: Mapping[str, str]) -> int:
        with self._changing():
            loose, file = self._referred(LOOSE_VOLUMES, reference)
            if loose is not None:
                return _gib(self.layers.pointed(LOOSE_VOLUMES, loose.name).size)
            assert file is not None
            return _gib(_inspected(file)[1])

    def manage_snapshot(
        self, snapshot: Snapshot, reference: Mapping[str, str]
    ) -> dict[str, Any]:
        with self._changing(snapshot.volume.id):
            if self.layers.pointer(SNAPSHOTS, snapshot.id) is None:
                loose, _ = self._referred(LOOSE_SNAPSHOTS, reference, files=False)
                assert loose is not None
                if self.layers.pointed(LOOSE_SNAPSHOTS, loose.name).volume != snapshot.volume.id:
                    raise NoSuchReference(reason="it is a snapshot of another volume")
                move(loose, self.layers.place(SNAPSHOTS, snapshot.id))
        return {}

    def _referred(
        self, kind: str, reference: Mapping[str, str], *, done: bool = False, files: bool = True
    ) -> tuple[Path | None, Path | None]:
        """The loose pointer, or the file in the folder, that is meant; with `done` perhaps neither.
        Raises NoSuchReference."""
        name = reference.get("source-name")
        if not isinstance(name, str):
            raise NoSuchReference(reason="it has no source-name")
        try:
            file = below(self.folder, name)
            if name.startswith(UNMANAGED):
                loose = below(self.folder, kind, name.removeprefix(UNMANAGED))
                if loose.exists():
                    return loose, None
            if files and is_file(file) and name not in OWN_FILES:
                return None, file
        except (Invalid, OSError) as error:
            raise NoSuchReference(reason=str(error)) from error
        if done:
            return None, None
        raise NoSuchReference(reason=f"there is no {name[:80]!r}")

    def unmanage(self, volume: Volume) -> None:
        with self._changing(volume.id):
            self._refuse_used(volume.id)
            self._loosen(VOLUMES, LOOSE_VOLUMES, volume.id)

    def unmanage_snapshot(self, snapshot: Snapshot) -> None:
        with self._changing(snapshot.volume.id):
            self._loosen(SNAPSHOTS, LOOSE_SNAPSHOTS, snapshot.id)

    def _loosen(self, kind: str, loose: str, id_: str) -> None:
        place = self.layers.place(kind, id_)
        if place.exists():
            move(place, self.layers.place(loose, id_))

    def stray(self, volumes: set[str], snapshots: set[str]) -> Iterator[tuple[str, str]]:
        with self._reading():
            strays = [("volume", id_) for id_ in self.layers.pointers(VOLUMES).keys() - volumes]
            strays += [("snapshot", id_)
                       for id_ in self.layers.pointers(SNAPSHOTS).keys() - snapshots]
        return iter(strays)

    def leftovers(self) -> Iterator[Leftover]:
        """Layers that nobody names, and half pointers: whoever makes one holds the lock until it
        has a name."""
        with self._changing():
            paths = [self.layers.path(layer) for layer in self.layers.look().loose()]
            return iter([Leftover(f"{path.parent.name}/{path.name}", age=age_of(path))
                         for path in (*paths, *self.layers.halves())])

    def remove_leftover(self, name: str) -> None:
        """All of them: which are some is looked at anew."""
        with self._changing():
            self.layers.sweep()

    # At once

    @contextmanager
    def _changing(self, *ids: str) -> Iterator[None]:
        """Nobody else changes what belongs to these, nor anything else of the folder."""
        for id_ in ids:
            uuid_of(id_, "id")
        with self._locks.held(*ids), self._reading():
            with ExitStack() as stack:
                with self.layers.locked("waiting", share=True):
                    stack.enter_context(self.layers.locked("merging", share=True))
                stack.enter_context(self.layers.locked())
                try:
                    yield
                except BaseException:
                    self.layers.sweep()
                    raise

    @contextmanager
    def _reading(self) -> Iterator[None]:
        with translated():
            self._prepare()
            yield

    def _prepare(self) -> None:
        if not self._prepared:
            if not self.folder.is_dir():
                raise BackendFailed(reason=f"there is no folder {self.folder}")
            self.layers.prepare(self.host.name)
            with self.layers.locked("merging", share=True), self.layers.locked():
                self.layers.sweep()
            self._prepared = True

    # What is left behind

    def tidy(self, most: int | None = None) -> None:
        """Remove layers that nobody needs, and merge what nobody needs apart: so many bytes at
        most, and only while nobody else wants to do anything. What fails here fails nobody: it is
        left to the next time."""
        try:
            with self._reading():
                with self.layers.locked("merging", wait=False) as alone:
                    if not alone:
                        return
                    view = self.layers.sweep()
                    while self._merge_one(view, most):
                        view = self.layers.sweep()
        except Yielded:
            pass
        except Problem as problem:
            log.warning("%s: layers are left as they are: %s", self.name, problem)

    def _stand_back(self) -> None:
        """Raises Yielded when anybody waits, of whatever process of this host."""
        with self.layers.locked("waiting", wait=False) as nobody:
            if not nobody:
                raise Yielded

    def _stand_back_from_all(self) -> None:
        """Also when another backend has something to say to the daemon."""
        self._stand_back()
        if self.daemon.awaited():
            raise Yielded

    def _merge_one(self, view: View, most: int | None) -> bool:
        """Whether there was something to do, which is done."""
        used = {v: self.layers.pointed(VOLUMES, v).layer for v, _ in self._records()}
        read = {layer for top in view.pins for layer in view.chain(top)}
        chains = {v: view.chain(top) for v, top in used.items()}
        for lower, upper in view.mergeable(read.union(*chains.values())):
            if self._fits(most, lower, upper):
                self._merge(lower, upper)
                return True
        for id_, (_, *chain) in chains.items():
            others = (c for other, c in chains.items() if other != id_)
            for lower, upper in view.mergeable(read.union(*others)):
                if lower in chain and upper in chain and self._fits(most, upper):
                    self._commit(view, id_, lower, upper)
                    return True
        return most is None and self._flatten_one(view, chains, read)

    def _flatten_one(self, view: View, chains: dict[str, list[str]], read: set[str]) -> bool:
        """A volume under which too many layers lie gets one that lies upon nothing."""
        for layer, names in view.names.items():
            kind, id_ = names[0]
            if kind == VOLUMES and len(view.chain(layer)) > DEEPEST and layer not in read:
                self._stand_back()
                if id_ in chains:
                    self._stream(id_)
                else:
                    self._tool("rebase", "-q", "-f", "qcow2", "-b", "",
                               str(self.layers.path(layer)))
                return True
        return False

    def _fits(self, most: int | None, *layers: str) -> bool:
        sizes = [self.layers.path(layer).stat().st_blocks * 512 for layer in layers]
        return most is None or min(sizes) <= most

    def _merge(self, lower: str, upper: str) -> None:
        """At any moment of this the upper one reads as it did."""
        self._stand_back()
        path, over = self.layers.path(upper), self.layers.over(lower)
        blocks = [self.layers.path(layer).stat().st_blocks for layer in (lower, upper)]
        if format_of(lower) == "raw" or blocks[0] < blocks[1]:
            words = ["-b", over, "-F", format_of(over)] if over else ["-b", ""]
            self._tool("rebase", "-q", "-f", "qcow2", *words, str(path))
            withdraw(self.layers.path(lower))
        else:
            # What lies upon the upper one finds the lower one under its name.
            self._tool("commit", "-q", "-d", "-f", "qcow2", str(path))
            sync(self.layers.path(lower))
            move(self.layers.path(lower), path)

    def _tool(self, *words: str) -> None:
        tools.run("qemu-img", *words, timeout=HOURS, alive=self._stand_back)

    def _commit(self, view: View, volume_id: str, lower: str, upper: str) -> None:
        """The same for what the daemon has open, below the layer that guests write to: that one
        lies upon the lower one then."""
        self._stand_back()
        with self.daemon.talk() as talk:
            node = self._open(talk, volume_id)
            talk.execute(
                "block-commit", job_id=node, device=node, top_node=_node(volume_id, upper),
                base_node=_node(volume_id, lower), backing_file=lower, auto_dismiss=False)
            talk.finish(node, self._stand_back_from_all)
            for kind, id_ in view.names.get(upper, []):
                pointer = self.layers.pointed(kind, id_)
                self.layers.point(kind, id_, replace(pointer, layer=lower))
            if _node(volume_id, upper) in talk.nodes():
                talk.remove([_node(volume_id, upper)])

    def _stream(self, volume_id: str) -> None:
        with self.daemon.talk() as talk:
            node = self._open(talk, volume_id)
            talk.execute("block-stream", job_id=node, device=node, auto_dismiss=False)
            talk.finish(node, self._stand_back_from_all)


def _prefix(volume_id: str) -> str:
    return f"v{volume_id.replace('-', '')[:12]}-"


def _node(volume_id: str, layer: str) -> str:
    """A name of at most 31 letters."""
    return f"{_prefix(volume_id)}{layer.partition('.')[0]}"


def _gib(size: int) -> int:
    return -(-size // GIB)


def _inspected(path: Path) -> tuple[str, int]:
    """The format of a file that an administrator put there, and the size of its disk. Raises
    NoSuchReference for what is none, or leads elsewhere."""
    try:
        content = format_inspector.detect_file_format(str(path))
        kind = str(content) if content is not None else "raw"
        if content is None or kind in ("raw", "gpt"):
            size = path.stat().st_size
            if not size or size % 512:
                raise NoSuchReference(reason=f"{path.name} is no disk of whole sectors")
            return "raw", size
        if kind != "qcow2":
            raise NoSuchReference(reason=f"{path.name} is {kind}; convert it to raw or qcow2")
        content.safety_check()
        told = header(path)
    except (format_inspector.ImageFormatError, format_inspector.SafetyCheckFailed,
            BackendFailed, OSError) as error:
        raise NoSuchReference(reason=str(error)) from error
    if told.backing is not None or told.elsewhere or told.encrypted:
        raise NoSuchReference(reason=f"{path.name} depends on something else")
    return "qcow2", told.size
