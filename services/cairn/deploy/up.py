"""`cairn up`: from a bare Debian to a server one can ssh into."""

from dataclasses import dataclass
from pathlib import Path
from secrets import token_urlsafe
from typing import Any

from cairn.deploy import (
    answers,
    credentials,
    guest,
    inventory,
    knobs,
    machine,
    packages,
    playbook,
    sdk,
)
from cairn.deploy.cloud import DEFAULT_NAME, Cloud, Record, every, write
from cairn.deploy.demo import Demo, External
from cairn.deploy.errors import Refused
from cairn.deploy.image import GuestImage
from cairn.deploy.machine import Machine
from cairn.deploy.progress import Display


@dataclass(frozen=True)
class Wish:
    """What was asked for; None where nothing was said."""

    lab: bool = False
    topology: str | None = None
    answer_file: Path | None = None
    demo: bool = True


def decide(cloud: Cloud, wish: Wish, here: Machine) -> Record:
    """Where and in which shape. What was decided once stays, so that a rerun goes on with it."""
    record = cloud.record()
    if record is None:
        place = "lab" if wish.lab or not here.systemd else "host"
        number = _free_number(cloud) if place == "lab" else 0
        return Record(place, wish.topology or "allinone", number)
    asked = (
        "lab" if wish.lab else record.place,
        wish.topology or record.topology,
    )
    if asked != (record.place, record.topology):
        where = "in lab nodes" if record.place == "lab" else "on this machine"
        raise Refused(
            f"the cloud '{cloud.name}' exists already: {record.topology}, {where}",
            f"Take it away with ./cairn down --name {cloud.name}, or build another with --name.",
        )
    return record


def _free_number(cloud: Cloud) -> int:
    """Labs of one machine must not share addresses."""
    taken = {other.existing().number for other in every() if other.name != cloud.name}
    free = [number for number in range(200) if number not in taken and not _in_use(number)]
    if not free:
        raise Refused("no free subnet 172.30.0.0/24 ... 172.30.199.0/24 is left on this machine")
    return free[0]


def _in_use(number: int) -> bool:
    routes = Path("/proc/net/route").read_text().split()
    # As the kernel writes 172.30.NUMBER.0: hexadecimal, the last byte first.
    return any(f"{0:02X}{number:02X}{second:02X}AC" in routes for second in (30, 31))


def run(cloud: Cloud, wish: Wish, display: Display) -> None:
    here = machine.look()
    record = decide(cloud, wish, here)
    if cloud.record() is None:
        machine.require(here, record.place, record.topology)
    machine.require_root()
    declared = knobs.every()
    given = _given(cloud, wish, declared)
    with cloud.lock():
        cloud.remember(record)
        if wish.answer_file:
            write(cloud.answers, wish.answer_file.read_text())
        where = "on this machine" if record.place == "host" else "in lab nodes"
        display.say(f"Cairn {record.topology}, {where}, as '{cloud.name}'")
        _build(cloud, record, given, wish, display)


def _given(cloud: Cloud, wish: Wish, declared: list[knobs.Knob]) -> dict[str, Any]:
    """The answers of this time, or else those of the last."""
    path = wish.answer_file or (cloud.answers if cloud.answers.exists() else None)
    return answers.changes(answers.read(path, declared), declared) if path else {}


def _build(
    cloud: Cloud, record: Record, given: dict[str, Any], wish: Wish, display: Display
) -> None:
    with display.phase("This machine's packages") as phase:
        needed = (*packages.MACHINE, *packages.DEMO)
        added = packages.install(needed)
        phase.result = f"{len(added)} installed" if added else "all there"
    inventory.store(cloud, record, given)
    password = _demo_password(cloud) if wish.demo else ""
    image = GuestImage(cloud.directory) if wish.demo else None
    stages = ["lab"] if record.place == "lab" else []
    playbook.run(cloud, [*stages, "precheck", "site", "credentials"], display)
    demo = None
    if image:
        facts = credentials.facts(cloud)
        demo = Demo(
            display=display,
            admin=sdk.connect(cloud, cloud.admin),
            connect_member=lambda: sdk.connect(cloud, cloud.demo),
            client=f"./cairn --name {cloud.name} openstack --os-cloud {cloud.demo}",
            directory=cloud.directory,
            external=External(facts["physical_network"], facts["external_subnet"], guest.USER),
            password=password,
            image_file=image.file,
        )
        demo.run()
        _show_demo(display, demo)
    record.complete = True
    cloud.remember(record)
    _farewell(cloud, display, f"ssh -i {demo.key_file} {demo.login}" if demo else "")


def _demo_password(cloud: Cloud) -> str:
    """The demo user's password; the one of an earlier run, if there was one."""
    path = cloud.directory / "demo-password"
    if not path.exists():
        write(path, token_urlsafe(24))
    return path.read_text()


def _show_demo(display: Display, demo: Demo) -> None:
    for name, seconds in demo.seconds.items():
        display.say(f"         {name:<44} {seconds:6.1f} s")


def _farewell(cloud: Cloud, display: Display, first_server: str) -> None:
    endpoint = credentials.facts(cloud)["endpoint"]
    name = f" --name {cloud.name}" if cloud.name != DEFAULT_NAME else ""
    server = f"\n  first server {first_server}" if first_server else ""
    display.say(
        f"""
The cloud is up after {display.elapsed:.0f} s.

  endpoints    {endpoint}/ identity, image, placement, compute, networking, volume
  certificate  {cloud.ca}
  clouds.yaml  {cloud.clouds_yaml}  ({cloud.admin}, {cloud.name}-system, {cloud.demo})
  openrc       {cloud.openrc}
  logs         {cloud.logs}{server}

Go on with:
  ./cairn{name} openstack server list --all-projects
  ./cairn{name} status
  ./cairn{name} down"""
    )
