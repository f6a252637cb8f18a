"""Tempest's tests of tempest.api.volume, every one of them: ./cairn test acceptance volume"""

from system import conformance


def test_all_of_them_pass_or_are_named(cloud, tmp_path):
    assert conformance.judge(cloud.admin(), tmp_path, "tempest.api.volume") == []
