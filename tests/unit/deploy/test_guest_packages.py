from pathlib import Path

import pytest

from cairn.deploy.guest import BuildError
from cairn.deploy.guest import packages as module
from cairn.deploy.guest.packages import Package, download, kernel_name, offered, read_offers

OFFERS = """\
'http://deb.debian.org/debian/pool/main/j/jq/jq_1.6-2.1_amd64.deb' jq_1.6-2.1_amd64.deb 64432 \
SHA256:aa
W: a warning
'https://mirror/busybox_1%3a1.35_amd64.deb' busybox_1%3a1.35_amd64.deb 452120 SHA256:bb
"""


def apt(monkeypatch: pytest.MonkeyPatch, answer: str) -> list[tuple[object, ...]]:
    """apt, saying this to whatever it is asked; the list fills with the questions."""
    asked: list[tuple[object, ...]] = []

    def run(*command: object, cwd: Path | None = None) -> str:
        asked.append(command)
        return answer

    monkeypatch.setattr(module, "run", run)
    return asked


def test_apts_offers_are_read():
    assert read_offers(OFFERS) == [
        Package("jq", "jq_1.6-2.1_amd64.deb", 64432, "SHA256:aa"),
        Package("busybox", "busybox_1%3a1.35_amd64.deb", 452120, "SHA256:bb"),
    ]


def test_a_package_that_apt_does_not_know_is_named(monkeypatch):
    apt(monkeypatch, OFFERS)
    with pytest.raises(BuildError, match="no mount, sudo: run apt-get update"):
        offered(["jq", "busybox", "sudo", "mount"])


def test_the_kernel_is_what_its_metapackage_depends_on(monkeypatch):
    apt(monkeypatch, "linux-image-cloud-amd64\n  Depends: linux-image-6.1.0-9-cloud-amd64\n")
    assert kernel_name("linux-image-cloud-amd64") == "linux-image-6.1.0-9-cloud-amd64"


def test_a_missing_kernel_is_said(monkeypatch):
    apt(monkeypatch, "")
    with pytest.raises(BuildError, match="no linux-image-cloud-amd64"):
        kernel_name("linux-image-cloud-amd64")


def test_what_the_cache_has_whole_is_not_fetched_again(monkeypatch, tmp_path):
    asked = apt(monkeypatch, "")
    (tmp_path / "a.deb").write_bytes(b"12345")
    download([Package("a", "a.deb", 5, "")], tmp_path)
    assert asked == []


def test_what_the_cache_has_a_part_of_is_fetched(monkeypatch, tmp_path):
    asked = apt(monkeypatch, "")
    (tmp_path / "a.deb").write_bytes(b"123")
    with pytest.raises(BuildError, match="did not bring a.deb"):
        download([Package("a", "a.deb", 5, "")], tmp_path)
    assert asked[0][-1] == "a"
