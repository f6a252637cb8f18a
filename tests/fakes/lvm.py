"""LVM's tools on a volume group that is a folder, for machines without device-mapper: words go in,
and bytes, failures and sparse files come out as LVM's would.

A call changes the group at one moment (its last rename), as LVM's metadata do. A process that is
told to die (`deaths`) does so before that moment.
"""

import argparse
import fcntl
import json
import os
import re
from contextlib import contextmanager

from cairn.cinder.drivers.base import GIB, BackendFailed, NoRoom
from cairn.cinder.drivers.files import copy_sparse
from fakes import deaths

EXTENT = 4 << 20
RESERVED = ("snapshot", "pvmove")


class FakeLvm:
    def __init__(self, folder, group="cairn", pool="volumes", size=64 * GIB):
        self.folder, self.group, self.pool = folder, group, pool
        self.calls = []
        for name in ("devices", "content"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        if not self._file.exists():
            self._file.write_text(json.dumps({"next": 1, "lvs": {
                pool: {"size": size, "kind": "twi-aotz--", "percent": "10.00"}}}))

    @property
    def _file(self):
        return self.folder / "metadata"

    def __call__(self, *words):
        """As volume_group.run."""
        self.calls.append(words)
        tool, *rest = words
        with self._changing() as lvs:
            return getattr(self, f"_{tool}")(lvs, rest) or b""

    @contextmanager
    def _changing(self):
        descriptor = os.open(self.folder / "lock", os.O_RDONLY | os.O_CREAT)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            before = self._file.read_text()
            self._state = json.loads(before)
            yield self._state["lvs"]
            after = json.dumps(self._state)
            if after != before:
                deaths.effect()
                self._commit(after)
        finally:
            os.close(descriptor)

    def _commit(self, text):
        """What a death in here would do to the fake is none of the driver's business."""
        with deaths.spared():
            part = self.folder / "metadata.part"
            part.write_text(text)
            part.rename(self._file)
            lvs = self._state["lvs"]
            devices = {name: lv["content"] for name, lv in lvs.items() if lv.get("active")}
            for link in (self.folder / "devices").iterdir():
                link.unlink()
            for name, content in devices.items():
                (self.folder / "devices" / name).symlink_to(self.folder / "content" / content)
            kept = {lv.get("content") for lv in lvs.values()}
            for file in (self.folder / "content").iterdir():
                if file.name not in kept:
                    file.unlink()

    # The tools

    def _lvs(self, lvs, words):
        options = _parse(words, "--reportformat", "--units", "--options", flags=["--nosuffix"])
        self._in_group(options.names[0])
        assert options.reportformat == "json" and options.units == "b" and options.nosuffix
        rows = [{field: self._field(name, lv, field) for field in options.options.split(",")}
                for name, lv in lvs.items()]
        return json.dumps({"report": [{"lv": rows}]}).encode()

    def _field(self, name, lv, field):
        thin = "content" in lv
        letter = "V" if thin else "t"
        permission = "r" if lv.get("read_only") else "w"
        state = "a" if lv.get("active") else "-"
        skip = "k" if lv.get("skip") else "-"
        return {
            "lv_name": name, "lv_size": str(lv["size"]),
            "lv_attr": f"{letter}{permission}i-{state}-tz-{skip}" if thin else lv["kind"],
            "lv_tags": ",".join(lv.get("tags", [])), "origin": lv.get("origin", ""),
            "pool_lv": self.pool if thin else "", "lv_path": str(self.folder / "devices" / name),
            "lv_suspended": "suspended" if lv.get("suspended") else "",
            "data_percent": lv.get("percent", "0.00" if thin else ""),
            "metadata_percent": "" if thin else lv.get("metadata", "5.00"),
        }[field]

    def _lvcreate(self, lvs, words):
        options = _parse(
            words, "--virtualsize", "--thinpool", "--name", "--permission", "--setactivationskip",
            "--activate", flags=["--yes", "--quiet", "--snapshot"], many=["--addtag"])
        name, place = options.name, options.names[0]
        self._free_name(lvs, name)
        lv = {"content": self._content(), "tags": options.addtag or [],
              "read_only": options.permission == "r", "skip": options.setactivationskip == "y",
              "active": options.activate != "n"}
        content = self.folder / "content" / lv["content"]
        if options.snapshot:
            source = self._lv(lvs, place)
            lv |= {"size": source["size"], "origin": place.partition("/")[2]}
            with deaths.spared():
                copy_sparse(
                    self.folder / "content" / source["content"], content, source["size"])
        else:
            self._in_group(place)
            self._lv(lvs, f"{place}/{options.thinpool}", thin=False)
            lv["size"] = _extents(options.virtualsize)
            with deaths.spared():
                content.touch()
        if lvs[self.pool].get("full"):
            raise NoRoom(reason=f"{self.pool}: insufficient free space")
        with deaths.spared():
            os.truncate(content, lv["size"])
        lvs[name] = lv

    def _lvextend(self, lvs, words):
        options = _parse(words, "--size", flags=["--quiet"])
        lv, size = self._lv(lvs, options.names[0]), _extents(options.size)
        if size <= lv["size"]:
            raise BackendFailed(reason="New size given is not larger than existing size.")
        lv["size"] = size
        # A longer file with nothing in it is what it was, to whoever looks by the metadata.
        with deaths.spared():
            os.truncate(self.folder / "content" / lv["content"], size)

    def _lvremove(self, lvs, words):
        options = _parse(words, flags=["--yes", "--quiet"])
        self._lv(lvs, options.names[0])
        name = options.names[0].partition("/")[2]
        del lvs[name]
        for lv in lvs.values():
            if lv.get("origin") == name:
                lv["origin"] = ""

    def _lvrename(self, lvs, words):
        group, name, other = _parse(words, flags=["--quiet"]).names
        lv = self._lv(lvs, f"{group}/{name}")
        self._free_name(lvs, other)
        lvs[other] = lv
        del lvs[name]
        for each in lvs.values():
            if each.get("origin") == name:
                each["origin"] = other

    def _lvchange(self, lvs, words):
        options = _parse(words, "--activate", "--addtag",
                         flags=["--quiet", "--ignoreactivationskip", "--refresh"])
        lv = self._lv(lvs, options.names[0])
        if options.activate == "n":
            lv["active"] = False
        elif options.activate == "y" and (options.ignoreactivationskip or not lv["skip"]):
            lv["active"] = True
        if options.addtag:
            lv["tags"] = [*lv["tags"], options.addtag]
        if options.refresh:
            lv["suspended"] = False

    # For tests

    def change(self, name, **facts):
        """As if somebody else had."""
        with self._changing() as lvs:
            lvs[name] |= facts

    def boot(self):
        """What LVM activates at a boot, and nothing else, is active."""
        with self._changing() as lvs:
            for lv in lvs.values():
                lv["active"] = "content" in lv and not lv["skip"]

    def names(self):
        return sorted(set(json.loads(self._file.read_text())["lvs"]) - {self.pool})

    def _content(self):
        """Not one that a death left behind either."""
        return f"{os.getpid()}.{len(self.calls)}.{os.urandom(4).hex()}"

    def _in_group(self, name):
        if name != self.group:
            raise BackendFailed(reason=f'Volume group "{name}" not found')

    def _lv(self, lvs, path, thin=True):
        group, _, name = path.partition("/")
        self._in_group(group)
        if name not in lvs or thin != ("content" in lvs[name]):
            raise BackendFailed(reason=f"Failed to find logical volume {path}")
        return lvs[name]

    def _free_name(self, lvs, name):
        if name.startswith(RESERVED) or not re.fullmatch(r"[A-Za-z0-9+_.][A-Za-z0-9+_.-]*", name):
            raise BackendFailed(reason=f"Names like {name} are reserved")
        if name in lvs:
            raise BackendFailed(reason=f"Logical Volume {name} already exists in volume group")


def _parse(words, *values, flags=(), many=()):
    parser = argparse.ArgumentParser(allow_abbrev=False, exit_on_error=False)
    for each in values:
        parser.add_argument(each)
    for each in flags:
        parser.add_argument(each, action="store_true")
    for each in many:
        parser.add_argument(each, action="append")
    parser.add_argument("names", nargs="*")
    return parser.parse_args(list(words))


def _extents(size):
    number = int(size.removesuffix("b"))
    assert size.endswith("b") and number % 512 == 0, size
    return -(-number // EXTENT) * EXTENT


class FakeTargets:
    """Serves devices to who knows their secrets, until a boot."""

    lun = 1
    discards = True

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir(exist_ok=True)
        self.broken = ""

    def check(self):
        if self.broken:
            raise BackendFailed(reason=self.broken)

    def serve(self, export):
        deaths.effect()
        with deaths.spared():
            size = os.stat(export.device).st_size
            (self.folder / export.iqn).write_text(json.dumps({
                "device": os.path.realpath(export.device), "size": size, "user": export.user,
                "secret": export.secret, "read_only": export.read_only}))

    def end(self, iqn):
        deaths.effect()
        with deaths.spared():
            (self.folder / iqn).unlink(missing_ok=True)

    def served(self):
        return {path.name for path in self.folder.iterdir()}

    def grown(self, export):
        deaths.effect()
        told = self.told(export.iqn)
        with deaths.spared():
            told["size"] = os.stat(told["device"]).st_size
            (self.folder / export.iqn).write_text(json.dumps(told))

    def told(self, iqn):
        return json.loads((self.folder / iqn).read_text())

    def boot(self):
        for path in self.folder.iterdir():
            path.unlink()
