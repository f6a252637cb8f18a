import os

import pytest
from system.clouds import Cloud


def pytest_addoption(parser):
    parser.addoption("--name", help="a cloud that is up already; without, one of its own")
    parser.addoption("--storage", default="file", choices=["file", "rbd"],
                     help="where that one keeps images and volumes")
    parser.addoption("--calls", type=int, default=100_000, help="how many the fuzzer makes")
    parser.addoption("--kills", type=int, default=6, help="how often each process is killed")
    parser.addoption("--victims", default="", help="which: a regular expression; without, all")
    parser.addoption("--seed", type=int, default=None, help="makes the same calls again")


@pytest.fixture(scope="session")
def cloud(request):
    """The cloud that was named, which is left as it is; else one made for this and taken away."""
    name = request.config.getoption("--name")
    cloud = Cloud(name or "accept", "allinone")
    if not name:
        cloud.up(cloud_storage_backend=request.config.getoption("--storage"))
    yield cloud
    if not name and not os.environ.get("CAIRN_KEEP"):
        cloud.down()
