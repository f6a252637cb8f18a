import os
import sys
import zipfile

import pytest

from .clouds import Cloud, member, run


def pytest_collection_modifyitems(items):
    for item in items:
        if "cloud" in item.fixturenames:
            item.add_marker(pytest.mark.cloud)


@pytest.fixture(scope="session", params=["allinone", "multinode"])
def cloud(request):
    """A cloud of each topology, deployed once. CAIRN_KEEP=1 leaves it for a closer look."""
    cloud = Cloud(f"t{request.param[:3]}", request.param)
    cloud.up()
    yield cloud
    if not os.environ.get("CAIRN_KEEP"):
        cloud.down()


@pytest.fixture(scope="session")
def admin(cloud):
    return cloud.admin()


@pytest.fixture(scope="session")
def clients(tmp_path_factory):
    """A folder with the clients of requirements/clients.txt, beside what the tests have. Of
    `ansible`, which is half a gigabyte, only the collection."""
    folder, wheels = tmp_path_factory.mktemp("clients"), tmp_path_factory.mktemp("wheels")
    run(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes",
        "--only-binary", ":all:", "--dest", str(wheels), "-r", "requirements/clients.txt")
    for wheel in wheels.iterdir():
        only = "ansible_collections/openstack/" if wheel.name.startswith("ansible-") else ""
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(folder, [n for n in archive.namelist() if n.startswith(only)])
    (folder / "ansible.cfg").touch()  # None of ours.
    return folder


@pytest.fixture(scope="module")
def dora(admin):
    """A member of a project of its own."""
    yield member(admin, "by-a-client", "by-a-client")
    admin.openstack("user", "delete", "by-a-client")
    admin.openstack("project", "delete", "by-a-client")


@pytest.fixture
def nothing_left(cloud):
    """What the test makes is gone afterwards."""
    with cloud.unchanged():
        yield
