"""Every process of the cloud is killed, again and again, while servers come, are copied and go.

    ./cairn test acceptance crashes
    ./cairn test acceptance crashes --name cairn --kills 3 --seed 7

When it is over, every server is ACTIVE or in ERROR with a reason, and what is counted, promised,
plugged in and stored is what the servers that are left have.
"""

import random
import re
import time

import pytest
from acceptance import churn
from system import attacks
from system.clouds import Failed, wait

pytestmark = [pytest.mark.lab, attacks.QUIET]

# Who takes part in a server's life. Not who runs it: that one dies with its server.
UNITS = re.compile(r"^(cairn-.*|mariadb|rabbitmq-server|nginx|libvirtd|virt\w+d)\.service$")
PATIENCE = 180
# What the cloud has on its way when somebody dies.
OPEN = ("select concat(w.kind, ' ', s.name) from work_steps s join work w on w.id = s.work_id "
        "where s.state = 'running'")


def processes(cloud):
    """(unit, what it is there) to the process ids."""
    found = {}
    mains = {}
    for line in cloud.within("aio", "ps -e -o pid=,unit=,comm=").splitlines():
        pid, unit, name = line.split(maxsplit=2)
        if UNITS.match(unit):
            if unit not in mains:
                mains[unit] = cloud.within(
                    "aio", f"systemctl show -p MainPID --value {unit}").strip()
            role = "main" if pid == mains[unit] else name
            found.setdefault((unit.removesuffix(".service"), role), []).append(int(pid))
    return found


def kill(cloud, victim, chance):
    """Kill one of them, which has to be there; the steps of works that were on their way then.
    Every second time it is aimed: it waits a little for there to be one."""
    pids = wait(f"{victim} is there", lambda: processes(cloud).get(victim), 60, 1)
    looks = chance.choice((1, 20))
    return cloud.within("aio", f"""
        for look in $(seq {looks}); do
            steps=$(timeout 1 mysql -N -B nova -e "{OPEN}") || break
            [ -z "$steps" ] || break
        done
        kill -9 {chance.choice(pids)} || exit 0
        echo death
        echo "$steps" """).split("\n", 1)


def test_no_death_loses_a_server_or_leaks(cloud, request, tmp_path):
    option = request.config.getoption
    seed = option("--seed") if option("--seed") is not None else random.randrange(1 << 32)
    chance, begun = random.Random(seed), time.monotonic()
    print(f"\nseed {seed}", flush=True)
    with attacks.ground(cloud, tmp_path) as here:
        # It has what the agents start for a server of somebody's: DHCP and metadata.
        guest = here.guest(here.bob)
        place = churn.Place.of(here)
        baseline = place.traces()
        victims, wrong, hit = sorted(processes(cloud)), {}, set()
        for victim in victims:
            steps, lives = sweep(here, place, victim, option("--kills"), chance)
            hit.update(steps)
            wrong[victim] = [*lives.wrong, *place.clear(baseline)]
            print(f"{victim[0] + ' ' + victim[1]:<34} {lives}  {len(steps)} steps hit  "
                  f"{wrong[victim] or 'well'}", flush=True)
        wait("whoever died is there again", lambda: victims == sorted(processes(cloud)), 60, 2)
        print(f"steps that were on their way at a death: {', '.join(sorted(hit))}\n"
              f"{option('--kills') * len(victims)} deaths of {len(victims)} processes in "
              f"{time.monotonic() - begun:.0f} s", flush=True)
        assert {victim: lines for victim, lines in wrong.items() if lines} == {}
        # One that lived through all of it, and one that is new, are reached.
        assert guest.run("hostname").strip() == here.bob.name
        assert here.guest(here.alice).run("hostname").strip() == here.alice.name
    wait("the doctor finds nothing", lambda: well(cloud), 90, 5)


def sweep(here, place, victim, kills, chance):
    """Let it die so many times while servers live; the steps that were hit each time, and what is
    wrong when all has come to rest."""
    deaths = []
    with churn.lives(place, chance.randrange(1 << 32)) as lives:
        while len(deaths) < kills:
            time.sleep(chance.uniform(0.5, 4))
            died, *steps = kill(here.cloud, victim, chance)
            # It may have ended by itself since it was looked for, as its parent died.
            if died:
                deaths.append(steps[0].splitlines())
    lives.wrong += place.complaints(PATIENCE)
    return [step for steps in deaths for step in steps if step], lives


def well(cloud):
    try:
        cloud.cairn("doctor")
    except Failed:
        return False
    return True
