"""OpenStack's own test suite, Tempest, unmodified: how it is told of a deployed cloud, how it is
run and how it is read."""

import configparser
import contextlib
import functools
import importlib.util
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from . import outside
from .clouds import BIN, HOUSE, Person

# In the order of Glance's schema: its first pairs are those that may hold any bytes.
DISKS = "raw,qcow2,vmdk,vhd,vhdx,vdi,iso,gpt,ploop,ami,ari,aki"
CONTAINERS = "ami,ari,aki,bare,ovf,ova,docker,compressed"
PAGE = HOUSE / "docs/operate/conformance.md"
# "{1} a.module.Class.test [0.1s] ... ok", and of a class "{1} setUpClass (a.module.Class) ..."
LINE = re.compile(
    r"^\{\d+\} (?:setUpClass \()?([\w.]+)\)?(?: \[[\d.]+s\])? "
    r"\.\.\. (ok|FAILED|SKIPPED)(?:: )?(.*)$")
# What every backend calls a volume or snapshot that was taken out of the cloud's hands.
REFERENCE = "source-name,unmanaged-%s"
# What a cloud of this release cannot do yet. Tempest skips the tests of it.
LACKING = ("live_migration", "change_password", "serial_console")
# What needs a second compute host.
OF_TWO_HOSTS = ("cold_migration",)


def excepted(protocol: str) -> set[str]:
    """The tests, or classes or packages of tests, that are named with the reason why they do not
    pass, everywhere or where volumes are reached by this protocol."""
    rows = re.findall(r"^\| `(tempest\.[\w.]+)`(?: with `(\w+)`)? \|", PAGE.read_text(), re.M)
    return {name for name, only in rows if only in ("", protocol)}


def configuration(
    admin: Person, web: str, guest: Path, other_image: str, shared_type: str,
) -> configparser.RawConfigParser:
    """A tempest.conf for this cloud. `web` is the URL of image.raw and image.qcow2, `guest` the
    file of the cloud's own image, `other_image` the id of another that boots, `shared_type` a
    type of volumes that several servers may use."""
    os_ = {k.removeprefix("OS_").lower(): v for k, v in admin.environment.items()
           if k.startswith("OS_")}
    flavors = admin.ask("flavor", "list", "--all")
    smallest = sorted((f for f in flavors if f["Disk"]), key=lambda f: (f["RAM"], f["Disk"]))
    image = admin.ask("image", "list", "--name", "cairn-guest")[0]["ID"]
    outside = admin.ask("network", "show", "public")
    extensions = [e["Alias"] for e in admin.ask("extension", "list", "--network")]
    pools = [pool["Capabilities"] for pool in
             admin.ask("volume", "backend", "pool", "list", "--long")]
    backends = {pool["volume_backend_name"] for pool in pools}
    # The cloud's own: the tests' answers may give it a spare one, which is of files.
    own = next(pool for pool in pools if pool["volume_backend_name"] != "spare")
    conf = configparser.RawConfigParser()
    conf.read_dict({
        "DEFAULT": {"log_file": "tempest.log", "use_stderr": "false"},
        "oslo_concurrency": {"lock_path": "lock"},
        "auth": {
            "use_dynamic_credentials": "true", "admin_username": os_["username"],
            "admin_password": os_["password"], "admin_project_name": os_["project_name"],
            "admin_domain_name": "Default", "default_credentials_domain_name": "Default",
        },
        "identity": {
            "auth_version": "v3", "uri_v3": os_["auth_url"], "region": os_["region_name"],
            "v3_endpoint_type": "public", "ca_certificates_file": os_["cacert"],
        },
        "identity-feature-enabled": {"trust": "true", "api_extensions": "all",
                                     "security_compliance": "true"},
        "service_available": {"cinder": "true", "swift": "false", "horizon": "false"},
        "compute": {"image_ref": image, "image_ref_alt": other_image,
                    "flavor_ref": smallest[0]["ID"], "flavor_ref_alt": smallest[1]["ID"],
                    "max_microversion": "latest", "build_interval": "1"},
        "compute-feature-enabled": {
            "snapshot": "true", "volume_multiattach": "true", "swap_volume": "true",
            # A name that has a domain gets no other.
            "dhcp_domain": "",
            "vnc_console": "true", "resize": "true", "shelve": "true", "suspend": "true",
            "pause": "true", "rescue": "true", "stable_rescue": "true",
                    } | dict.fromkeys((*LACKING, *OF_TWO_HOSTS), "false"),
        # Guests are reached by their floating IPs.
        "validation": {"run_validation": "true", "image_ssh_user": "guest",
                       "image_alt_ssh_user": "guest", "network_for_ssh": "public",
                       "ssh_timeout": "300", "ping_timeout": "300"},
        "network": {"public_network_id": outside["id"], "floating_network_name": "public"},
        "network-feature-enabled": {"api_extensions": ",".join(extensions),
                                    "ipv6_subnet_attributes": "true"},
        "image": {"http_image": f"{web}/image.raw", "http_qcow2_image": f"{web}/image.qcow2",
                  "image_caching_enabled": "true",
                  "disk_formats": DISKS, "container_formats": CONTAINERS},
        "image-feature-enabled": {
            "import_image": "true", "manage_locations": "true", "http_store_enabled": "true",
            "image_format_enforcement": "false", "do_secure_hash": "true",
            "store_weight_enabled": "true",
        },
        "scenario": {"img_file": guest, "img_disk_format": "qcow2"},
        "volume": {"vendor_name": own["vendor_name"],
                   "storage_protocol": own["storage_protocol"],
                   "manage_volume_ref": REFERENCE, "manage_snapshot_ref": REFERENCE,
                   "disk_format": "raw", "backup_driver": "posix",
                   "backend_names": ",".join(sorted(backends)),
                   "volume_type_multiattach": shared_type,
                   "build_interval": "1", "max_microversion": "latest"},
        "volume-feature-enabled": {
            "enable_volume_image_dep_tests": "true", "backup": "true", "snapshot": "true",
            "manage_snapshot": "true", "manage_volume": "true",
            "extend_attached_volume": "true", "extend_attached_encrypted_volume": "true",
            "multi_backend": str(len(backends) > 1).lower(),
        },
    })
    return conf


@contextlib.contextmanager
def workspace(admin: Person, folder: Path) -> Iterator[Path]:
    """A folder that tests can be run in, with a web server, and an image and a type of volumes
    that they need."""
    (folder / "web").mkdir()
    guest = folder / "web" / "image.qcow2"
    admin.openstack("image", "save", "--file", str(guest), "cairn-guest")
    guest.with_name("image.raw").write_bytes(b"\0" * 65536)
    other = admin.ask("image", "create", "--disk-format", "qcow2", "--public", "--file",
                      str(guest), "cairn-guest-other")["id"]
    shared = admin.ask("volume", "type", "create", "--property", "multiattach=<is> True",
                       "shared")["id"]
    with outside.web(functools.partial(outside.Quiet, directory=str(guest.parent))) as url:
        _prepare(folder, configuration(admin, url, guest, other, shared))
        yield folder
    admin.openstack("volume", "type", "delete", shared)
    admin.openstack("image", "delete", other)


def _prepare(folder: Path, conf: configparser.RawConfigParser) -> None:
    with (folder / "tempest.conf").open("w") as file:
        conf.write(file)
    found = importlib.util.find_spec("tempest")
    assert found and found.origin
    package = Path(found.origin).parent
    (folder / ".stestr.conf").write_text(
        f"[DEFAULT]\ntest_path={package}/test_discover\ntop_dir={package.parent}\n"
        "group_regex=([^\\.]*\\.)*\n")


@dataclass
class Outcome:
    """How a run of tests went, by name of a test or, where that was skipped or failed whole, of a
    class."""

    passed: set[str] = field(default_factory=set)
    failed: set[str] = field(default_factory=set)
    # Why, by name.
    skipped: dict[str, str] = field(default_factory=dict)
    # How volumes are reached in the cloud that they were run against.
    protocol: str = ""
    code: int = 0
    output: str = ""

    def covers(self, name: str) -> bool:
        """Whether something of what is named was seen not to pass."""
        return any(within(one, {name}) for one in (*self.skipped, *self.failed))


def within(name: str, rows: Iterable[str]) -> bool:
    """Whether a test, or a class of tests, is one of these or in one of them."""
    return any(name == row or name.startswith(f"{row}.") for row in rows)


def run(workspace: Path, admin: Person, tests: Iterable[str], timeout: float = 3600) -> Outcome:
    """Run the tests whose id matches one of these expressions, on two cores."""
    (workspace / "tests.txt").write_text("\n".join(tests) + "\n")
    done = subprocess.run(
        [str(BIN / "tempest"), "run", "--config-file", "tempest.conf", "--concurrency", "2",
         "--include-list", "tests.txt"],
        cwd=workspace, text=True,
        # The page of a console is fetched without asking tempest.conf for the authority.
        env=admin.environment | {"PYTHON": sys.executable,
                                 "SSL_CERT_FILE": admin.environment["OS_CACERT"]},
        capture_output=True, check=False, timeout=timeout,
    )
    conf = configparser.RawConfigParser()
    conf.read(workspace / "tempest.conf")
    outcome = Outcome(protocol=conf["volume"]["storage_protocol"], code=done.returncode,
                      output=done.stdout + done.stderr)
    for line in done.stdout.splitlines():
        if not (match := LINE.match(line)):
            continue
        name, how, why = match.groups()
        if how == "SKIPPED":
            outcome.skipped[name] = why
        else:
            (outcome.passed if how == "ok" else outcome.failed).add(name)
    return outcome


def contradictions(outcome: Outcome) -> list[str]:
    """Where this and the page disagree."""
    rows = excepted(outcome.protocol)
    return [
        *([f"Tempest ended with {outcome.code}"] if outcome.code and not outcome.failed else ()),
        *(f"{name} fails" for name in sorted(outcome.failed) if not within(name, rows)),
        *(f"{name} is skipped: {why}" for name, why in sorted(outcome.skipped.items())
          if not within(name, rows)),
        *(f"{name} passes, and is named" for name in sorted(outcome.passed)
          if within(name, rows)),
    ]


def unseen(outcome: Outcome, selection: str) -> list[str]:
    """What the page names of tests of which all that match were run, and which was not met."""
    return [row for row in sorted(excepted(outcome.protocol))
            if re.match(selection, row) and not outcome.covers(row)]


def judge(admin: Person, folder: Path, selection: str, timeout: float = 3600) -> list[str]:
    """Run what matches and print how it went; where that and the page disagree."""
    with workspace(admin, folder) as place:
        outcome = run(place, admin, [selection], timeout)
    print(f"\n{selection}: {len(outcome.passed)} passed, {len(outcome.failed)} failed, "
          f"{len(outcome.skipped)} skipped", flush=True)
    return contradictions(outcome) + unseen(outcome, selection)
