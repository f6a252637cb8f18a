import os
from pathlib import Path

import pytest

from cairn.deploy import checkout
from cairn.deploy.cloud import Cloud, Record


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test sees or touches this machine's real clouds, nor the user's own settings."""
    monkeypatch.setenv("CAIRN_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("CAIRN_LOCK_DIR", str(tmp_path / "lock"))
    for name in os.environ:
        if name.startswith(("OS_", "CAIRN_NAME")):
            monkeypatch.delenv(name)


@pytest.fixture
def cloud() -> Cloud:
    return Cloud("try")


@pytest.fixture
def lab(cloud: Cloud) -> Cloud:
    cloud.remember(Record("lab", "multinode", number=7))
    return cloud


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with one role and a few knobs of every kind."""
    root = tmp_path / "checkout"
    role = root / "roles" / "nova"
    (role / "defaults").mkdir(parents=True)
    (role / "meta").mkdir()
    group_vars = root / "inventory" / "group_vars" / "all"
    group_vars.mkdir(parents=True)
    (group_vars / "cloud.yml").write_text(
        "---\n# What is true for the whole cloud.\n\n# Region of every endpoint.\n"
        "cloud_region: RegionOne\n\ncloud_name: cairn\n"
    )
    (group_vars / "derived.yml").write_text("---\ncloud_controller: '{{ groups.controller }}'\n")
    (role / "defaults" / "main.yml").write_text(
        "---\n# Settings -----\n\n# kvm or qemu.\n# auto looks for itself.\n"
        "nova_virt_type: auto\n\nnova_workers: 2\nnova_debug: false\n"
        "nova_overcommit: 1.5\nnova_filters: [one, two]\nnova_extra: {}\n"
        'nova_url: "https://{{ cloud_endpoint_host }}/compute"\n__nova_private: 1\n'
        "nova_processes: {nova-api: {group: controller}}\n"
        'nova_password: "{{ cloud_secrets.nova_password }}"\n'
    )
    (role / "meta" / "argument_specs.yml").write_text(
        "---\nargument_specs:\n  main:\n    options:\n"
        "      nova_virt_type: {type: str, choices: [auto, kvm, qemu], description: no}\n"
        "      nova_workers: {type: int, description: How many workers.}\n"
    )
    monkeypatch.setattr(checkout, "ROOT", root)
    monkeypatch.setattr(checkout, "ROLES", root / "roles")
    monkeypatch.setattr(checkout, "PLAYBOOKS", root / "playbooks")
    monkeypatch.setattr(checkout, "GROUP_VARS", group_vars)
    return root
