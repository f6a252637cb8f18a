"""The locked requirements are those of pyproject.toml: requirements/lock has been run."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = {"cloud": [], "deploy": ["deploy"], "test": ["deploy", "test"]}
# Come from the distribution on nodes, and are in no lock.
DISTRIBUTION = {"mysqlclient", "libvirt-python"}


def name(requirement: str) -> str:
    return re.sub(r"[-_.]+", "-", re.split(r"[\s<>=!~;\[]", requirement)[0]).lower()


def locked(lock: str) -> dict[str, str]:
    text = (ROOT / "requirements" / f"{lock}.txt").read_text()
    return dict(re.findall(r"^([a-z0-9.-]+)==(\S+) \\$", text, re.MULTILINE))


@pytest.mark.parametrize("lock", EXTRAS)
def test_every_dependency_is_locked(lock: str) -> None:
    wanted = [*PROJECT["dependencies"]]
    for extra in EXTRAS[lock]:
        wanted += PROJECT["optional-dependencies"][extra]
    assert {name(requirement) for requirement in wanted} <= set(locked(lock))


@pytest.mark.parametrize("lock", EXTRAS)
def test_what_the_distribution_has_is_not_built_from_source(lock: str) -> None:
    assert not DISTRIBUTION & set(locked(lock))


@pytest.mark.parametrize("lock", ["cloud", "deploy"])
def test_all_locks_agree(lock: str) -> None:
    assert locked(lock).items() <= locked("test").items()
