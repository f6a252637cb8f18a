"""OpenStack's own test suite, unmodified, against a deployed cloud.

Every test of a service that is complete passes, except those that docs/operate/conformance.md names
with a reason. One that fails or is skipped for another reason, or named there and passes, is a
failure.
"""

import configparser
import functools
import re
import subprocess
import sys
from pathlib import Path

import pytest

from . import outside
from .clouds import BIN, HOUSE

# Once is enough: the services are the same in every topology.
pytestmark = [pytest.mark.lab, pytest.mark.parametrize("cloud", ["allinone"], indirect=True)]

# In the order of Glance's schema: its first pairs are those that may hold any bytes.
DISKS = "raw,qcow2,vmdk,vhd,vhdx,vdi,iso,gpt,ploop,ami,ari,aki"
CONTAINERS = "ami,ari,aki,bare,ovf,ova,docker,compressed"
CONFORMANCE = HOUSE / "docs/operate/conformance.md"
# "{1} a.module.Class.test [0.1s] ... ok", and of a class "{1} setUpClass (a.module.Class) ..."
LINE = re.compile(r"^\{\d+\} (?:setUpClass \()?([\w.]+)\)? .*\.\.\. (ok|FAILED|SKIPPED)(.*)$")


def excepted() -> set[str]:
    """The tests, or classes of tests, that need what no deployment has."""
    return set(re.findall(r"^\| `(tempest\.[\w.]+)` \|", CONFORMANCE.read_text(), re.M))


@pytest.fixture(scope="module")
def web(admin, tmp_path_factory):
    """The URL of two images on a web server that the cloud reaches."""
    folder = tmp_path_factory.mktemp("web")
    admin.openstack("image", "save", "--file", str(folder / "image.qcow2"), "cairn-guest")
    (folder / "image.raw").write_bytes(b"\0" * 65536)
    with outside.web(functools.partial(outside.Quiet, directory=str(folder))) as url:
        yield url


def configuration(admin, web: str) -> configparser.RawConfigParser:
    os_ = {k.removeprefix("OS_").lower(): v for k, v in admin.environment.items()
           if k.startswith("OS_")}
    flavors = admin.ask("flavor", "list", "--all")
    smallest = min(flavors, key=lambda f: (f["RAM"], f["Disk"]))["ID"]
    image = admin.ask("image", "list", "--name", "cairn-guest")[0]["ID"]
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
        "service_available": {"cinder": "false", "swift": "false", "horizon": "false"},
        "compute": {"image_ref": image, "image_ref_alt": image, "flavor_ref": smallest,
                    "flavor_ref_alt": smallest, "max_microversion": "latest"},
        "compute-feature-enabled": {"snapshot": "true"},
        "validation": {"run_validation": "false"},
        "image": {"http_image": f"{web}/image.raw", "http_qcow2_image": f"{web}/image.qcow2",
                  "image_caching_enabled": "true",
                  "disk_formats": DISKS, "container_formats": CONTAINERS},
        "image-feature-enabled": {
            "import_image": "true", "manage_locations": "true", "http_store_enabled": "true",
            "image_format_enforcement": "false", "do_secure_hash": "true",
            "store_weight_enabled": "true",
        },
        "volume-feature-enabled": {"enable_volume_image_dep_tests": "true"},
    })
    return conf


@pytest.fixture(scope="module")
def workspace(cloud, admin, web, tmp_path_factory) -> Path:
    import tempest

    folder = tmp_path_factory.mktemp("tempest")
    with (folder / "tempest.conf").open("w") as file:
        configuration(admin, web).write(file)
    package = Path(tempest.__file__).parent
    (folder / ".stestr.conf").write_text(
        f"[DEFAULT]\ntest_path={package}/test_discover\ntop_dir={package.parent}\n"
        "group_regex=([^\\.]*\\.)*\n")
    return folder


@pytest.mark.parametrize("tests", [r"tempest\.api\.identity", r"tempest\.api\.image"])
def test_every_test_passes(workspace, admin, tests):
    done = subprocess.run(
        [str(BIN / "tempest"), "run", "--config-file", "tempest.conf", "--concurrency", "2",
         "--regex", tests],
        cwd=workspace, env=admin.environment | {"PYTHON": sys.executable}, text=True,
        capture_output=True, check=False, timeout=1200,
    )
    found = [match.groups() for line in done.stdout.splitlines() if (match := LINE.match(line))]
    assert len(found) > 50, done.stdout[-3000:] + done.stderr[-3000:]
    skipped = {name: why for name, how, why in found if how == "SKIPPED"}
    here = {name for name in excepted() if re.match(tests, name)}
    failed = {name for name, how, _ in found if how == "FAILED"}
    assert failed <= here and (failed or done.returncode == 0), done.stdout[-20000:]
    named = {name for name in here
             if any(one == name or one.startswith(f"{name}.") for one in (*skipped, *failed))}
    assert here - named == set(), "they pass"
    assert {one: why for one, why in skipped.items()
            if one not in here and one.rpartition(".")[0] not in here} == {}
