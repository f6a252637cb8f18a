"""Every process of the cloud is killed, again and again, while servers and volumes come, are used,
copied and go.

    ./cairn test acceptance crashes
    ./cairn test acceptance crashes --name cairn --kills 3 --seed 7 --victims 'exports|agent main'

When it is over, whatever is left is what it was asked to be, or says why not; what is counted,
promised, plugged in, exported and stored is what is left needs; and guests read what they wrote.
"""

import functools
import random
import re
import time
from collections import Counter
from dataclasses import dataclass, field

import pytest
from acceptance import churn
from acceptance.volume_churn import KeeperLane, VolumeLane
from system import attacks
from system.clouds import Failed, wait
from system.volume_count import VolumeCount

pytestmark = [pytest.mark.lab, attacks.QUIET]

# Who takes part in a server's life. Not who runs it: that one dies with its server.
UNITS = re.compile(r"^(cairn-.*|mariadb|rabbitmq-server|nginx|libvirtd|virt\w+d)\.service$")
PATIENCE = 180
# What the cloud has on its way when somebody dies.
OPEN = " union all ".join(
    f"select concat('{schema} ', w.kind, ' ', s.name) as step from {schema}.work_steps s join "
    f"{schema}.work w on w.id = s.work_id where s.state = 'running'"
    for schema in ("nova", "cinder"))
# The QEMU of a guest that volumes are attached to.
GUEST = ("guest", "qemu")


@dataclass
class Scene:
    """A cloud with somebody who lives on it, and those who die there."""

    here: attacks.Ground
    place: churn.Place
    volumes: VolumeCount
    # Bob's: of which volumes are made, and to which they are attached.
    image: str
    server: str
    chance: random.Random
    # Steps of works that were on their way at a death, by how often.
    hit: Counter[str] = field(default_factory=Counter)
    deaths: int = 0

    @property
    def parts(self):
        return self.place, self.volumes

    def lanes(self):
        """Several of each kind."""
        bob = self.here.bob.person
        servers = functools.partial(churn.ServerLane, self.here.alice.person, place=self.place)
        volumes = functools.partial(VolumeLane, bob, image=self.image,
                                    server=self.server)
        keeper = functools.partial(KeeperLane, bob, image=self.image,
                                   server=self.server, guest=self.here.guest(self.here.bob))
        return [servers, servers, volumes, volumes, keeper]

    def processes(self):
        """(unit, what it is there) to the process ids."""
        found, mains = {}, {}
        told = self.here.cloud.within("aio", "ps -e -ww -o pid=,unit=,comm=,args=")
        for line in told.splitlines():
            pid, unit, name, command = line.split(maxsplit=3)
            if name.startswith("qemu-system") and f"-uuid {self.server} " in command:
                found.setdefault(GUEST, []).append(int(pid))
            if UNITS.match(unit):
                if unit not in mains:
                    mains[unit] = self.here.cloud.within(
                        "aio", f"systemctl show -p MainPID --value {unit}").strip()
                role = "main" if pid == mains[unit] else name
                found.setdefault((unit.removesuffix(".service"), role), []).append(int(pid))
        return found

    def kill(self, victim):
        """Kill one of them, which has to be there. Two of three times it is aimed: it waits a
        little for a step to be under way at which nobody has died yet."""
        pids = wait(f"{victim} is there", lambda: self.processes().get(victim), 120, 1)
        looks = self.chance.choice((1, 40, 40))
        known = ", ".join(f"'{step}'" for step in self.hit) or "''"
        died, *steps = self.here.cloud.within("aio", f"""
            for look in $(seq {looks}); do
                steps=$(timeout 1 mysql -N -B -e "{OPEN}") || break
                new=$(timeout 1 mysql -N -B -e "select step from ({OPEN}) o where step not in \
                    ({known})") || break
                [ -z "$new" ] || break
            done
            kill -9 {self.chance.choice(pids)} || exit 0
            echo death
            echo "$steps\n$new" | sort -u """).splitlines()
        # It may have ended by itself since it was looked for, as its parent died.
        if died == "death":
            self.deaths += 1
            self.hit.update(step for step in steps if step)

    def sweep(self, victim, kills):
        """Let it die so many times while others live; what became of them, and what is wrong when
        all has come to rest."""
        with churn.lives(self.lanes(), self.chance.randrange(1 << 32)) as lives:
            for _ in range(kills):
                # By what was done, not by the clock: this machine may have time for little.
                due = lives.counts.total() + self.chance.randint(2, 12)
                wait_until(lambda: lives.counts.total() >= due, 60)  # noqa: B023
                time.sleep(self.chance.uniform(0, 2))
                self.kill(victim)
                if victim == GUEST:
                    self.start()
        lives.wrong += churn.complaints(self.parts, PATIENCE)
        return lives

    def start(self):
        """A server whose QEMU died is off, until somebody wants it to run."""
        compute = self.here.bob.sdk.compute
        wait("the server is off", lambda: compute.get_server(self.server).status == "SHUTOFF",
             120, 1)
        wait("the server starts", lambda: _tried(lambda: compute.start_server(self.server)), 120, 2)
        wait("the server runs", lambda: compute.get_server(self.server).status == "ACTIVE", 120, 1)


def wait_until(true, seconds):
    """Or until so many seconds are over."""
    end = time.monotonic() + seconds
    while not true() and time.monotonic() < end:
        time.sleep(0.1)


def _tried(call):
    """Whether it was taken: something may be under way that has to end before."""
    try:
        call()
    except churn.ERRORS:
        return False
    return True


def test_no_death_loses_anything_or_leaks(cloud, request, tmp_path):
    option = request.config.getoption
    seed = option("--seed") if option("--seed") is not None else random.randrange(1 << 32)
    chance, begun = random.Random(seed), time.monotonic()
    print(f"\nseed {seed}", flush=True)
    with attacks.ground(cloud, tmp_path) as here:
        # It has what the agents start for a server of somebody's: DHCP and metadata.
        guest = here.guest(here.bob)
        server = next(iter(here.bob.sdk.compute.servers())).id
        place, image = churn.Place.of(here), churn.empty_image(here, here.bob)
        volumes = VolumeCount(cloud, (here.alice, here.bob), (place.image, image))
        scene = Scene(here, place, volumes, image, server, chance)
        baseline = churn.traces(scene.parts)
        there = sorted(scene.processes())
        victims = [each for each in there if re.search(option("--victims"), " ".join(each))]
        wrong = {}
        for victim in victims:
            lives = scene.sweep(victim, option("--kills"))
            rest = time.monotonic()
            wrong[victim] = [*lives.wrong, *churn.clear(scene.parts, baseline)]
            print(f"{' '.join(victim):<34} {lives}  cleared in {time.monotonic() - rest:.0f} s  "
                  f"{wrong[victim] or 'well'}", *lives.told, sep="\n    ", flush=True)
        # The others are their mains' own, who start them when there is something to do.
        mains = {unit for unit, role in there if role == "main"}
        wait("whoever died is there again", lambda: mains <= {
            unit for unit, role in scene.processes() if role == "main"}, 60, 2)
        print(f"steps that were on their way at a death: {', '.join(sorted(scene.hit))}\n"
              f"{scene.deaths} deaths of {len(victims)} processes in "
              f"{time.monotonic() - begun:.0f} s", flush=True)
        assert {victim: lines for victim, lines in wrong.items() if lines} == {}
        cloud.volumes_agree()
        # One that lived through all of it, and one that is new, are reached.
        assert guest.run("hostname").strip() == here.bob.name
        assert here.guest(here.alice).run("hostname").strip() == here.alice.name
    wait("the doctor finds nothing", lambda: well(cloud), 90, 5)


def well(cloud):
    try:
        cloud.cairn("doctor")
    except Failed:
        return False
    return True
