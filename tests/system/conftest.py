import os

import pytest

from .clouds import Cloud


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
