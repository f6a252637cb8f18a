"""Somebody has a compute host, with all that is on it, and wants the rest of the cloud."""

import time
from pathlib import Path
from uuid import uuid4

from . import Ground, on

SCRIPT = Path(__file__).parents[1] / "broker_thief.py"
PYTHON = "/opt/cairn/current/bin/python"
SETTINGS = "/etc/cairn/agent/nova-compute.conf"


def _thief(ground: Ground, node: str, *words: str) -> str:
    """What went through that should not."""
    place = f"/tmp/thief-{uuid4().hex[:8]}.py"
    ground.node(node, f"cat > {place} <<'THIEF'\n{SCRIPT.read_text()}\nTHIEF")
    try:
        return ground.node(node, f"{PYTHON} {place} {SETTINGS} {' '.join(words)}")
    finally:
        ground.node(node, f"rm {place}")


@on("multinode")
def attack_other_hosts_through_the_broker(ground: Ground) -> None:
    """With the host's account: others' queues, letters, servers, works; the controllers' name."""
    sdk = ground.admin.sdk
    ground.guest(ground.alice)
    server = next(iter(sdk.compute.servers(all_projects=True, project_id=ground.alice.project)))
    there = server.hypervisor_hostname
    here = next(each for each in ground.cloud.computes() if each != there)
    assert _thief(ground, here, there, server.id) == ""
    after = sdk.compute.get_server(server.id)
    assert (after.status, after.task_state) == ("ACTIVE", None)


@on("multinode")
def attack_tokens_with_forged_revocations(ground: Ground) -> None:
    """Even the controllers' own account ends nobody's tokens without Keystone's key."""
    forge = f"""
import time
from cairn.common.context import Context
from cairn.common.rpc import Bus
from cairn.common.auth import Revocations
from cairn.common.settings import load
from cairn.neutron.settings import RpcServerSettings
from pathlib import Path
bus = Bus(load(RpcServerSettings, Path("/etc/cairn/worker/neutron-rpc-server.conf")).messaging)
for signed in ("", "AwEK" + "A" * 100):
    Revocations(bus).revoked(Context(), signed=signed)
    bus.send(Context(), bus.exchange("identity.revocations.all", "fanout"), "", "revoked",
             {{"events": [{{"issued_before": time.time(), "user_id": "{ground.alice.user}"}}]}})
bus.close()
"""
    ground.node("controller", f"{PYTHON} - <<'FORGE'\n{forge}\nFORGE")
    time.sleep(1)
    assert ground.alice.call("GET", "/compute/v2.1/servers").status_code == 200


@on("multinode")
def attack_writes_while_the_broker_hangs(ground: Ground) -> None:
    """A broker that takes connections and says nothing: no write waits for it."""
    def write() -> float:
        begun = time.monotonic()
        made = ground.alice.call("POST", "/networking/v2.0/networks", {"network": {"name": "bell"}})
        assert made.status_code == 201
        ground.alice.call("DELETE", f"/networking/v2.0/networks/{made.json()['network']['id']}")
        return time.monotonic() - begun

    write()
    before = min(write() for _ in range(5))
    ground.node("controller", "systemctl kill --signal=STOP rabbitmq-server")
    try:
        hung = [write() for _ in range(20)]
    finally:
        ground.node("controller", "systemctl kill --signal=CONT rabbitmq-server")
    assert max(hung) < max(10 * before, 2.0), hung
