"""Somebody has a hypervisor, or broke out of a guest on it, or was given role service somewhere."""

import json
import re
from typing import Any

from . import Ground, connect

SETTINGS = "/etc/cairn/agent"
PYTHON = "/opt/cairn/current/bin/python"
INSTANCES = "/var/lib/cairn/instances"

LOAN = """
import json, sys
from pathlib import Path
import requests
from cairn.common.context import Context
from cairn.common.errors import Problem
from cairn.common.rpc import Bus
from cairn.common.settings import load
from cairn.nova.settings import ComputeProcess
from cairn.nova.rpc import Conductor
server, other = sys.argv[1:]
settings = load(ComputeProcess, Path("/etc/cairn/agent/nova-compute.conf"))
bus = Bus(settings.messaging)
loan = Conductor(bus).lend_image(Context(), server_id=server, purpose="read")
front, found = loan["url"].partition("/image/")[0], {}
def ask(name, method, path, **words):
    answer = requests.request(method, front + path, verify=settings.compute.ca_file, stream=True,
                              headers={"X-Auth-Token": loan["token"]}, timeout=30, **words)
    found[name] = answer.status_code
    answer.close()
mine = "/image/v2/images/" + loan["image_id"]
ask("its bytes", "GET", mine + "/file")
ask("its record", "GET", mine)
ask("its removal", "DELETE", mine)
ask("another's bytes", "GET", "/image/v2/images/" + other + "/file")
ask("all images", "GET", "/image/v2/images")
ask("servers", "GET", "/compute/v2.1/servers")
ask("ports", "GET", "/networking/v2.0/ports")
ask("users", "GET", "/identity/v3/users")
ask("another token", "POST", "/identity/v3/auth/tokens", json={"auth": {"identity": {
    "methods": ["token"], "token": {"id": loan["token"]}}}})
try:
    Conductor(bus).lend_image(Context(), server_id=server, purpose="fill")
    found["filling"] = 200
except Problem as refused:
    found["filling"] = refused.code
bus.close()
print(json.dumps(found))
"""


def _alices(ground: Ground) -> tuple[Any, str]:
    """A server of alice's, and the host it is on."""
    ground.guest(ground.alice)
    server = next(iter(ground.admin.sdk.compute.servers(
        all_projects=True, project_id=ground.alice.project)))
    return server, server.hypervisor_hostname


def _private_image(ground: Ground) -> Any:
    """Of bob's."""
    return ground.bob.sdk.image.create_image(
        f"private-{ground.run}", data=b"bob's own" * 100, disk_format="raw",
        container_format="bare", visibility="private", wait=True)


def attack_images_with_what_lies_on_a_hypervisor(ground: Ground) -> None:
    """No password that a host's agents have opens Keystone."""
    for node in ground.cloud.computes():
        text = ground.node(node, f"cat {SETTINGS}/nova-compute.conf")
        assert "[identity]" not in text
        passwords = set(re.findall(r"://[^:]*:([^@]+)@", text))
        passwords |= set(re.findall(r"^(?:password|secret) *= *(\S+)", text, re.M))
        assert passwords, "the broker's is there, or this looks for the wrong thing"
        for name in ("nova-compute", "nova", "glance", "neutron", "placement", "admin"):
            for password in passwords:
                answer = ground.alice.session.post(
                    f"{ground.alice.front}/identity/v3/auth/tokens", timeout=60,
                    json={"auth": {"identity": {"methods": ["password"], "password": {"user": {
                        "name": name, "domain": {"id": "default"}, "password": password}}}}})
                assert answer.status_code == 401, f"{name} from {node}"


def attack_the_cloud_with_what_a_hypervisor_is_lent(ground: Ground) -> None:
    """A token lent for the bytes of one server's image is good for these and nothing else."""
    image = _private_image(ground)
    server, node = _alices(ground)
    place = f"/tmp/loan-{ground.run}.py"
    ground.node(node, f"cat > {place} <<'LOAN'\n{LOAN}\nLOAN")
    try:
        found = json.loads(ground.node(node, f"{PYTHON} {place} {server.id} {image.id}"))
    finally:
        ground.node(node, f"rm {place}")
    assert found.pop("its bytes") == 200
    assert found.pop("filling") == 404
    assert found.pop("another token") == 403
    assert set(found.values()) == {401}, found


def attack_other_guests_images_from_a_broken_guest(ground: Ground) -> None:
    """What QEMU's user may do to the images that all guests of the host read."""
    _server, node = _alices(ground)
    files = ground.node(node, f"find {INSTANCES}/_base -type f").split()
    assert files
    for path in files:
        assert ground.node(node, f"stat --format=%U:%a {path}").strip() == "root:444"
    as_qemu = f"runuser -u {ground.node(node, _QEMU).strip()} --"
    for tried in (f"test -w {files[0]}", f"chmod 666 {files[0]}", f"touch {INSTANCES}/_base/x",
                  f"ls {INSTANCES}/_base", f"rm -f {files[0]}", f"touch {INSTANCES}/x"):
        ground.node(node, f"{as_qemu} {tried}", good=False)
    ground.node(node, f"{as_qemu} test -r {files[0]}")


# Whoever runs the first guest.
_QEMU = "ps -o user:32= -p $(pgrep -f '^/usr/bin/qemu-system' | head -1)"


def attack_the_host_from_its_agents(ground: Ground) -> None:
    """What the kernel would still let a hole in an agent or a worker do."""
    for node in ground.cloud.computes():
        agent = _held(ground, node, "cairn-agent")
        assert agent["NoNewPrivs"] == "1"
        assert agent["Seccomp"] == "2"
        kept = int(agent["CapBnd"], 16)
        # Modules, raw I/O, chroot, reboot, time, devices, audit, policies, syslog.
        for number in (16, 17, 18, 22, 25, 27, 29, 30, 32, 33, 34):
            assert not kept & 1 << number, f"capability {number} of cairn-agent on {node}"
    worker = _held(ground, ground.cloud.controller(), "cairn-worker")
    assert int(worker["CapBnd"], 16) == 0
    assert (worker["NoNewPrivs"], worker["Seccomp"]) == ("1", "2")


def _held(ground: Ground, node: str, unit: str) -> dict[str, str]:
    """What the kernel says of a unit's first process."""
    pid = ground.node(node, f"systemctl show --property=MainPID --value {unit}").strip()
    return dict(re.findall(r"^(\w+):\s*(\S+)$", ground.node(node, f"cat /proc/{pid}/status"), re.M))


def attack_images_and_ports_with_role_service_elsewhere(ground: Ground) -> None:
    """Role service on a project of one's own is worth nothing."""
    image = _private_image(ground)
    identity, alice = ground.admin.sdk.identity, ground.alice
    role = identity.find_role("service", ignore_missing=False)
    identity.assign_project_role_to_user(alice.project, alice.user, role)
    try:
        token = connect(alice.person).auth_token
        headers = {"X-Auth-Token": token}
        for path in (f"/image/v2/images/{image.id}", f"/image/v2/images/{image.id}/file"):
            assert alice.call("GET", path, headers=headers).status_code == 404
        found = alice.call("GET", "/networking/v2.0/ports", headers=headers).json()["ports"]
        assert {port["project_id"] for port in found} <= {alice.project}
    finally:
        identity.unassign_project_role_from_user(alice.project, alice.user, role)


def attack_more_with_a_narrowed_token(ground: Ground) -> None:
    """A token narrowed to one request makes no other, and gets no other token."""
    alice = ground.alice
    rules = [{"service": "image", "method": "GET", "path": "/v2/images"}]
    asked = {"auth": {
        "identity": {"methods": ["token"], "token": {"id": alice.token}},
        "scope": {"project": {"id": alice.project}},
        "CAIRN:narrow": {"access_rules": rules, "seconds": 60},
    }}
    made = alice.session.post(f"{alice.front}/identity/v3/auth/tokens", json=asked, timeout=60)
    assert made.status_code == 201
    narrow = {"X-Auth-Token": made.headers["X-Subject-Token"]}
    assert alice.call("GET", "/image/v2/images", headers=narrow).status_code == 200
    for path in ("/compute/v2.1/servers", "/networking/v2.0/ports", "/image/v2/schemas/image",
                 f"/identity/v3/users/{alice.user}"):
        assert alice.call("GET", path, headers=narrow).status_code == 401, path
    again = {"auth": {"identity": {"methods": ["token"], "token": {
        "id": narrow["X-Auth-Token"]}}, "scope": {"project": {"id": alice.project}}}}
    answer = alice.session.post(f"{alice.front}/identity/v3/auth/tokens", json=again, timeout=60)
    assert answer.status_code == 403


def attack_limits_of_a_group_by_asking_at_once(ground: Ground) -> None:
    """Six servers into a group for two."""
    import threading

    alice, compute = ground.alice, ground.admin.sdk.compute
    ground.guest(alice)
    limit = {"quota_set": {"server_group_members": 2}}
    quota = f"/compute/v2.1/os-quota-sets/{alice.project}"
    assert ground.admin.call("PUT", quota, limit).status_code == 200
    group = alice.sdk.compute.create_server_group(name=ground.run, policy="soft-affinity")
    model = next(iter(compute.servers(all_projects=True, project_id=alice.project)))
    flavor = alice.sdk.compute.find_flavor("m1.tiny", ignore_missing=False)
    body = {"server": {"name": ground.run, "imageRef": model.image.id, "flavorRef": flavor.id,
                       "networks": "none"}, "os:scheduler_hints": {"group": group.id}}
    codes: list[int] = []

    def ask() -> None:
        answer = alice.call("POST", "/compute/v2.1/servers", body,
                            headers={"OpenStack-API-Version": "compute 2.79"})
        codes.append(answer.status_code)

    threads = [threading.Thread(target=ask) for _ in range(6)]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(codes) == [202, 202, 403, 403, 403, 403]
    finally:
        for server in compute.servers(all_projects=True, project_id=alice.project):
            if server.name == ground.run:
                compute.delete_server(server)
                compute.wait_for_delete(server, wait=120)
        alice.sdk.compute.delete_server_group(group.id)
        ground.admin.call("DELETE", quota)
