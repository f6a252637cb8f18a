"""Tempest's tests of volumes, every one of them and its scenarios, on the backend of the cloud:

    ./cairn test acceptance volume                     a cloud of its own, on files
    ./cairn test acceptance volume --storage rbd       the same on Ceph
"""

import pytest
from system import conformance

SCENARIOS = r"tempest\.scenario\.test_(volume|encrypted|shelve|snapshot|stamp|minimum)"


@pytest.mark.parametrize("selection", [r"tempest\.api\.volume\.", SCENARIOS])
def test_all_of_them_pass_or_are_named(cloud, tmp_path, selection):
    assert conformance.judge(cloud.admin(), tmp_path, selection, timeout=7200) == []
