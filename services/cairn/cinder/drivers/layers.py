"""Layers: the files of the file backend, and the small named pointers that say what is whose.

    volumes/ID, snapshots/ID   pointers: {"layer", "size", "volume"}; also below unmanaged-*/
    layers/NAME.qcow2|raw      each over at most one other, which its header names without a path
    exports/VOLUME@ATTACHMENT  what shall be exported
    pins/TOKEN                 what somebody reads now, for as long as the file is locked
    lock, merging, waiting     who changes pointers; who changes layers; who waits for the second

A pointer is replaced at once. A layer is made before a pointer names it; whoever dies between the
two leaves one without a name, which the next to look takes away: everything that makes or names
layers holds `lock`. A volume's layer is the only one that is written to, and nothing lies upon it.
"""

import fcntl
import json
import os
import secrets
import stat
import struct
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

from cairn.cinder.drivers import tools
from cairn.cinder.drivers.base import BackendFailed, Disk
from cairn.cinder.drivers.files import PART, locked, publish, sync, withdraw
from cairn.common.bounds import below, uuid_of

VOLUMES, SNAPSHOTS = "volumes", "snapshots"
LOOSE_VOLUMES, LOOSE_SNAPSHOTS = "unmanaged-volumes", "unmanaged-snapshots"
NAMING = VOLUMES, SNAPSHOTS, LOOSE_VOLUMES, LOOSE_SNAPSHOTS
LAYERS, PINS, EXPORTS = "layers", "pins", "exports"
OWNER = "owner"
OWN_FILES = "lock", "merging", "waiting", OWNER
# Layers under a volume: with more of them, reading goes through too many tables.
DEEPEST = 24
MOST, SETTLED = 100_000, 60.0  # Files that are remembered, and their age in seconds.
T = TypeVar("T")


@dataclass(frozen=True)
class Pointer:
    layer: str
    size: int  # Bytes, as the guest sees them.
    volume: str = ""  # Of a snapshot: whose it is.


@dataclass
class View:
    """All layers, with what each lies upon; who names them; what is being read."""

    tree: dict[str, str | None]
    names: dict[str, list[tuple[str, str]]]
    pins: set[str]

    def chain(self, layer: str) -> list[str]:
        """The layer, what it lies upon, and so on."""
        chain: list[str] = []
        at: str | None = layer
        while at is not None and at not in chain:
            chain.append(at)
            at = self.tree.get(at)
        return chain

    def loose(self) -> list[str]:
        """Layers that nobody names or pins, and that nothing lies upon but such: the uppermost
        first."""
        kept, above = self.names.keys() | self.pins, Counter(self.tree.values())
        waiting = [layer for layer in self.tree if layer not in kept and not above[layer]]
        loose = []
        while waiting:
            loose.append(layer := waiting.pop())
            lower = self.tree[layer]
            above[lower] -= 1
            if lower is not None and not above[lower] and lower in self.tree and lower not in kept:
                waiting.append(lower)
        return loose

    def mergeable(self, busy: set[str]) -> list[tuple[str, str]]:
        """(lower, upper) where nobody names the lower, only the upper lies upon it, and neither
        is among the `busy`."""
        above: dict[str | None, list[str]] = {}
        for layer, lower in self.tree.items():
            above.setdefault(lower, []).append(layer)
        return [(lower, uppers[0]) for lower, uppers in above.items()
                if lower is not None and lower in self.tree and lower not in self.names
                and len(uppers) == 1 and not {lower, uppers[0]} & busy]


class Layers:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        # What small files said, with which file that was: thousands are looked through often.
        self._said: dict[Path, tuple[tuple[int, int], Any]] = {}

    def prepare(self, host: str) -> None:
        """Raises BackendFailed when the folder is another host's: it may be a share, while locks
        and exports are a host's own."""
        for name in (*NAMING, LAYERS, PINS, EXPORTS):
            (self.folder / name).mkdir(mode=0o700, exist_ok=True)
        for name in OWN_FILES:
            os.close(os.open(self.folder / name, os.O_WRONLY | os.O_CREAT, 0o600))
        with self.locked():
            owner = (self.folder / OWNER).read_text()
            if not owner:
                publish(self.folder / OWNER, host)
            elif owner != host:
                raise BackendFailed(reason=f"{self.folder} is host {owner:.80}'s: give each "
                                           "storage host a folder of its own")

    def locked(self, name: str = "lock", *, wait: bool = True, share: bool = False
               ) -> AbstractContextManager[bool]:
        """Nobody else, of whatever process of this host, is inside; False: somebody is."""
        return locked(self.folder / name, wait=wait, share=share)

    # Pointers

    def place(self, kind: str, id_: str) -> Path:
        return below(self.folder, kind, uuid_of(id_, kind.rstrip("s")))

    def pointer(self, kind: str, id_: str) -> Pointer | None:
        return _read(self.place(kind, id_))

    def pointed(self, kind: str, id_: str) -> Pointer:
        """Raises BackendFailed when there is none."""
        pointer = self.pointer(kind, id_)
        if pointer is None:
            raise BackendFailed(reason=f"there is no {id_} among the {kind}")
        return pointer

    def point(self, kind: str, id_: str, pointer: Pointer) -> None:
        publish(self.place(kind, id_), json.dumps(asdict(pointer)))

    def pointers(self, kind: str) -> dict[str, Pointer]:
        told = {path.name: self._remembered(path, _read) for path in self._paths(kind)}
        return {id_: pointer for id_, pointer in told.items() if pointer is not None}

    def named(self) -> dict[str, list[tuple[str, str]]]:
        """By layer: the kinds and ids of the pointers to it."""
        names: dict[str, list[tuple[str, str]]] = {}
        for kind in NAMING:
            for id_, pointer in self.pointers(kind).items():
                names.setdefault(pointer.layer, []).append((kind, id_))
        return names

    def _paths(self, kind: str) -> list[Path]:
        return sorted(p for p in (self.folder / kind).iterdir() if p.suffix != PART)

    # Layers

    def path(self, layer: str) -> Path:
        return below(self.folder, LAYERS, layer)

    def make(self, size: int, over: str | None = None) -> str:
        """A new layer that no pointer names yet; for holders of the lock."""
        layer = f"{secrets.token_hex(8)}.qcow2"
        path = self.path(layer)
        words = ["-b", over, "-F", format_of(over), "-u"] if over else []
        tools.run("qemu-img", "create", "-q", "-f", "qcow2", *words, str(path), str(size))
        path.chmod(0o600)
        sync(path)
        sync(path.parent)
        return layer

    def over(self, layer: str) -> str | None:
        """The layer that it lies upon."""
        return header(self.path(layer)).backing if format_of(layer) == "qcow2" else None

    def chain(self, layer: str) -> list[str]:
        """The layer, what it lies upon, and so on. Raises BackendFailed for a circle."""
        chain: list[str] = []
        at: str | None = layer
        while at is not None:
            if at in chain or len(chain) > 1000:
                raise BackendFailed(reason=f"layer {layer} lies upon itself")
            chain.append(at)
            at = self.over(at)
        return chain

    def tree(self) -> dict[str, str | None]:
        """Every layer, and what it lies upon."""
        tree = {}
        for path in (self.folder / LAYERS).iterdir():
            try:
                tree[path.name] = (self._remembered(path, header).backing
                                   if format_of(path.name) == "qcow2" else None)
            except BackendFailed:
                tree[path.name] = None  # Half of one, which has no name.
        return tree

    def disk(self, layer: str, *, write: bool) -> Disk:
        file = {"driver": "file", "filename": str(self.path(layer)), "discard": "unmap"}
        return Disk({"driver": format_of(layer), "read-only": not write, "file": file,
                     **({"discard": "unmap"} if write else {})})

    # Pins

    @contextmanager
    def pinned(self, layer: str) -> Iterator[None]:
        """The layer and what is below it stay as they are; for holders of the lock to begin, not
        to end. Whoever dies loses it."""
        path = self.folder / PINS / secrets.token_hex(8)
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            os.write(file, layer.encode())
            yield
        finally:
            path.unlink(missing_ok=True)
            os.close(file)

    def pins(self) -> set[str]:
        """Layers that somebody living has pinned; what the dead left is taken away."""
        pinned = set()
        for path in (self.folder / PINS).iterdir():
            try:
                file = os.open(path, os.O_RDWR)
            except FileNotFoundError:
                continue
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink(missing_ok=True)
            except BlockingIOError:
                pinned.add(os.read(file, 200).decode())
            finally:
                os.close(file)
        return pinned

    # What nobody needs

    def look(self) -> View:
        return View(self.tree(), self.named(), self.pins())

    def halves(self) -> list[Path]:
        """Of pointers that were never published; for holders of the lock."""
        return [path for kind in (*NAMING, EXPORTS)
                for path in sorted((self.folder / kind).glob(f"*{PART}"))]

    def sweep(self) -> View:
        """Remove layers that nobody names or pins, and none lies upon; for holders of the lock.
        What there is then."""
        for path in self.halves():
            path.unlink(missing_ok=True)
        view = self.look()
        for layer in view.loose():
            withdraw(self.path(layer))
            del view.tree[layer]
        return view

    def _remembered(self, path: Path, read: Callable[[Path], T]) -> T:
        """What `read(path)` says, or said of the same file before. What changed lately is read
        again: a coarse clock of a share may give the next change the same time."""
        try:
            told = path.stat()
        except FileNotFoundError:
            self._said.pop(path, None)
            return read(path)
        mark = told.st_ino, told.st_mtime_ns
        if path in self._said and self._said[path][0] == mark:
            said: T = self._said[path][1]
            return said
        said = read(path)
        if time.time() - told.st_mtime > SETTLED:
            if len(self._said) > MOST:
                self._said.clear()
            self._said[path] = mark, said
        return said


@dataclass(frozen=True)
class Header:
    """Of a qcow2 file (QEMU's docs/interop/qcow2)."""

    size: int
    backing: str | None
    # Whether its data are in another file, or encrypted.
    elsewhere: bool
    encrypted: bool


def header(path: Path) -> Header:
    """Raises BackendFailed for what is no qcow2 file, or lies upon what is no layer's name."""
    try:
        with path.open("rb") as file:
            head = file.read(104)
            magic, version, offset, length, _, size, crypt = struct.unpack(">4sIQIIQI", head[:36])
            if magic != b"QFI\xfb" or length > 1023:
                raise BackendFailed(reason=f"{path.name} is no qcow2 file")
            features, = struct.unpack(">Q", head[72:80]) if version >= 3 else (0,)
            file.seek(offset)
            backing = file.read(length).decode() if offset else None
    except (OSError, struct.error, UnicodeDecodeError) as error:
        raise BackendFailed(reason=f"{path.name} is not readable: {error}") from error
    if backing is not None and ("/" in backing or ":" in backing or not backing):
        raise BackendFailed(reason=f"{path.name} lies upon what is no layer")
    return Header(size, backing, bool(features & 4), bool(crypt))


def format_of(layer: str) -> str:
    return "raw" if layer.endswith(".raw") else "qcow2"


def is_file(path: Path) -> bool:
    """A file, and no link to one."""
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except OSError:
        return False


def _read(path: Path) -> Pointer | None:
    try:
        told: dict[str, Any] = json.loads(path.read_text())
        return Pointer(str(told["layer"]), int(told["size"]), str(told["volume"]))
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        raise BackendFailed(reason=f"{path} says nothing: {error}") from error
