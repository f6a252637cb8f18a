"""Volumes that come, are used, grow, are copied and go, several at a time, while guests read back
what they wrote."""

import contextlib
import hashlib
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from acceptance.churn import Lane
from system.clouds import Failed, Guest
from system.volume_count import Storage

MIB = 1 << 20
# Seconds until what was asked has ended, be it that everybody died meanwhile.
PATIENCE = 300.0
ENDED = {"volumes": ("available", "in-use"), "snapshots": ("available",),
         "backups": ("available",)}


@dataclass
class VolumeLane(Lane):
    """One that makes volumes, and does to each what comes to its mind."""

    image: str
    # Whom volumes are attached to: it lets go of them.
    server: str

    @property
    def storage(self) -> Storage:
        return Storage(self.sdk)

    def life(self) -> None:
        volume = self.make()
        self.note("volumes")
        if self.chance.random() < 0.2:
            self.over.wait(self.chance.uniform(0, 2))
        elif self.ends("volumes", volume):
            for act in self.chance.sample(self.acts(), self.chance.randint(1, 3)):
                if self.over.is_set():
                    break
                act(volume)
        if not self.over.is_set() or self.chance.random() < 0.5:
            self.go("volumes", volume)

    def acts(self) -> list[Callable[[str], None]]:
        return [self.grow, self.snapshot, self.back_up, self.use, self.clone, self.revert,
                self.upload]

    def make(self) -> str:
        more = self.chance.choice([{}, {"imageRef": self.image}])
        return self.create(size=1, **more)

    def create(self, **more: Any) -> str:
        made = self.storage.ask("POST", "/volumes", {"volume": {"name": "churn", **more}})
        return str(made["volume"]["id"])

    def act(self, volume: str, **action: Any) -> None:
        self.storage.ask("POST", f"/volumes/{volume}/action",
                         {name.replace("_", "-"): body for name, body in action.items()})

    # What is done to one

    def grow(self, volume: str) -> None:
        size = self.storage.ask("GET", f"/volumes/{volume}")["volume"]["size"] + 1
        self.act(volume, os_extend={"new_size": size})
        self.note("grown")
        if self.ends("volumes", volume):
            row = self.storage.ask("GET", f"/volumes/{volume}")["volume"]
            if row["size"] != size:
                self.explained(volume, f"is {row['size']} GiB, and was to be {size}")

    def snapshot(self, volume: str) -> None:
        taken = self.take(volume)
        self.note("snapshots")
        if self.ends("snapshots", taken) and self.chance.random() < 0.5:
            clone = self.create(snapshot_id=taken)
            if self.ends("volumes", clone):
                self.go("volumes", clone)
        self.go("snapshots", taken)

    def take(self, volume: str) -> str:
        made = self.storage.ask("POST", "/snapshots", {"snapshot": {"volume_id": volume}})
        return str(made["snapshot"]["id"])

    def revert(self, volume: str) -> None:
        taken = self.take(volume)
        if self.ends("snapshots", taken):
            self.act(volume, revert={"snapshot_id": taken})
            self.note("reverted")
            self.ends("volumes", volume)
        self.go("snapshots", taken)

    def clone(self, volume: str) -> None:
        clone = self.create(source_volid=volume)
        self.note("clones")
        if self.ends("volumes", clone):
            self.go("volumes", clone)

    def back_up(self, volume: str) -> None:
        backup = self.save(volume)
        self.note("backups")
        if self.ends("backups", backup) and self.chance.random() < 0.7:
            restored = self.restore(backup)
            self.note("restored")
            if self.ends("volumes", restored):
                self.go("volumes", restored)
            self.ends("backups", backup)
        self.go("backups", backup)

    def save(self, volume: str) -> str:
        made = self.storage.ask("POST", "/backups", {"backup": {
            "volume_id": volume, "force": True}})
        return str(made["backup"]["id"])

    def restore(self, backup: str) -> str:
        told = self.storage.ask("POST", f"/backups/{backup}/restore", {"restore": {}})
        return str(told["restore"]["volume_id"])

    def upload(self, volume: str) -> None:
        self.act(volume, os_volume_upload_image={
            "image_name": "churn", "disk_format": "raw", "container_format": "bare",
            "force": True})
        self.note("uploaded")
        self.ends("volumes", volume)

    def use(self, volume: str) -> None:
        self.attach(volume)
        if self.is_attached(volume) and self.chance.random() < 0.5:
            self.chance.choice([self.grow, self.snapshot, self.back_up])(volume)
        self.detach(volume)

    def attach(self, volume: str) -> None:
        self.sdk.compute.create_volume_attachment(self.server, volume_id=volume)
        self.note("attached")

    def detach(self, volume: str) -> None:
        self.sdk.compute.delete_volume_attachment(self.server, volume)
        self.note("detached")
        self.ended("volumes", volume, ("available",))

    def is_attached(self, volume: str) -> bool:
        return self.ends("volumes", volume) and volume in [
            each.volume_id for each in self.sdk.compute.volume_attachments(self.server)]

    def go(self, kind: str, id_: str) -> None:
        self.storage.ask("DELETE", f"/{kind}/{id_}")
        self.note(f"{kind} deleted")

    # What became of it

    def ends(self, kind: str, id_: str) -> bool:
        """Whether it comes to rest, and well, before all is over."""
        return self.ended(kind, id_, ENDED[kind])

    def ended(self, kind: str, id_: str, well: tuple[str, ...]) -> bool:
        patience = PATIENCE
        while not self.over.is_set() and patience > 0:
            status = self.storage.ask("GET", f"/{kind}/{id_}")[kind[:-1]]["status"]
            if status in well:
                return True
            if "error" in status:
                self.note(f"{kind} in {status}")
                self.explained(id_, f"is in {status}")
                return False
            self.over.wait(0.3)
            patience -= 0.3
        return False

    def explained(self, id_: str, what: str) -> None:
        messages = self.storage.ask("GET", "/messages")["messages"]
        told = [each["user_message"] for each in messages if each["resource_uuid"] == id_]
        if not told:
            self.lives.wrong.append(f"{id_} {what}, and nobody says why")
        else:
            self.lives.told.append(f"{id_} {what}: {told[0]}")


@dataclass
class KeeperLane(VolumeLane):
    """One that has a volume to which a guest writes more and more, and reads all of it back after
    whatever was done to it; and from copies of it."""

    guest: Guest
    kept: str = ""
    # MiB that the guest was told are written.
    written: int = 0

    def life(self) -> None:
        if not self.kept:
            self.kept = self.create(size=1)
            self.note("kept")
        if not self.ends("volumes", self.kept):
            return
        if not self.is_attached(self.kept):
            self.attach(self.kept)
            if not self.is_attached(self.kept):
                return
        self.compare(self.kept, self.written, "kept")
        self.write()
        self.chance.choice([self.copy_by_snapshot, self.copy_by_backup, self.grow_kept])()
        self.write()
        self.detach(self.kept)

    def grow_kept(self) -> None:
        self.grow(self.kept)
        self.ends("volumes", self.kept)

    def copy_by_snapshot(self) -> None:
        written, taken = self.written, self.take(self.kept)
        self.write()
        if self.ends("snapshots", taken):
            self.copied(self.create(snapshot_id=taken), written)
        self.go("snapshots", taken)

    def copy_by_backup(self) -> None:
        written, backup = self.written, self.save(self.kept)
        self.write()
        if self.ends("backups", backup):
            self.copied(self.restore(backup), written)
            self.ends("backups", backup)
        self.go("backups", backup)

    def copied(self, copy: str, written: int) -> None:
        """It holds what was there, as another guest's disk would."""
        if self.ends("volumes", copy):
            self.attach(copy)
            if self.is_attached(copy):
                self.compare(copy, written, "copied")
            self.detach(copy)
            self.go("volumes", copy)

    def write(self) -> None:
        """One more MiB, which nobody writes to ever again: so a command that was thought dead and
        comes to its end later does no harm."""
        line = f"{self.kept} {self.written}"
        told = self.shell(self.kept, f"yes {line} | head -c {MIB} > /tmp/{self.kept} && dd "
                                     f"if=/tmp/{self.kept} of=$disk bs=1M seek={self.written} "
                                     "conv=notrunc 2>/dev/null && sync && echo done")
        if told.strip() == "done":
            self.written += 1
            self.note("MiB written")

    def compare(self, volume: str, written: int, what: str) -> None:
        read = self.shell(volume, f"dd if=$disk bs=1M count={written} 2>/dev/null | sha256sum")
        due = hashlib.sha256(b"".join(pattern(self.kept, n) for n in range(written))).hexdigest()
        # A detach whose answer was lost takes it away while it is looked for.
        if read and (read.startswith(due) or self.is_attached(volume)):
            self.note("read back")
            if read.split()[0] != due:
                self.lives.wrong.append(f"volume {volume}, {what}: {written} MiB read as {read}")

    def shell(self, volume: str, command: str) -> str:
        """What the guest says to a command about that disk; empty where it can not be asked before
        all is over."""
        while not self.over.is_set():
            with contextlib.suppress(Failed, subprocess.TimeoutExpired):
                return self.guest.run(f"""sudo sh -c '
                    for look in $(seq 100); do
                        disk=$(grep -l {volume[:20]} /sys/block/*/serial) && break
                        sleep 0.3
                    done
                    [ -n "$disk" ] || {{
                        echo no such disk; grep . /sys/block/*/serial; dmesg | tail -n 5; exit; }}
                    disk=/dev/$(basename $(dirname $disk))
                    echo 3 > /proc/sys/vm/drop_caches
                    {command}'""")
            self.over.wait(1)
        return ""


def pattern(volume: str, number: int) -> bytes:
    """The MiB of that number."""
    line = f"{volume} {number}\n".encode()
    return (line * (MIB // len(line) + 1))[:MIB]
