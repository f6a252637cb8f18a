"""Debian packages: which version the machine's apt offers, its file, what is in it."""

import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from cairn.deploy.guest.errors import BuildError
from cairn.deploy.guest.run import run

OFFER = re.compile(r"^'(?P<uri>[^']+)' (?P<file>\S+) (?P<size>\d+) ?(?P<digest>\S*)$")
# apt drops to a user of its own, who may not write into root's cache; as this user there is
# nobody to drop to and nothing to be warned of.
APT_OPTIONS = ("-q", "-o", "APT::Sandbox::User=root")


@dataclass(frozen=True)
class Package:
    """One version of a package, as apt would download it."""

    name: str
    file: str
    size: int
    digest: str

    def is_in(self, cache: Path) -> bool:
        """A file cut short by a full disk or a lost network is not there."""
        path = cache / self.file
        return path.is_file() and path.stat().st_size == self.size


def read_offers(text: str) -> list[Package]:
    """The packages that `apt-get download --print-uris` speaks of."""
    matches = [OFFER.match(line) for line in text.splitlines()]
    return [
        Package(m["file"].split("_")[0], m["file"], int(m["size"]), m["digest"])
        for m in matches if m
    ]


def offered(names: Sequence[str]) -> list[Package]:
    """The versions apt would take now. Asks apt's lists only, not the network."""
    text = run("apt-get", *APT_OPTIONS, "download", "--print-uris", *names)
    packages = read_offers(text)
    missing = set(names) - {p.name for p in packages}
    if missing:
        raise BuildError(f"apt offers no {', '.join(sorted(missing))}: run apt-get update")
    return packages


def kernel_name(meta: str) -> str:
    """The package that a kernel's metapackage stands for."""
    text = run("apt-cache", "depends", meta)
    match = re.search(r"Depends: (linux-image-\d\S*)", text)
    if match is None:
        raise BuildError(f"apt offers no {meta}: run apt-get update")
    return match[1]


def download(packages: Sequence[Package], cache: Path) -> None:
    """Fetch what the cache lacks."""
    missing = [p.name for p in packages if not p.is_in(cache)]
    if not missing:
        return
    cache.mkdir(parents=True, exist_ok=True)
    run("apt-get", *APT_OPTIONS, "download", *missing, cwd=cache)
    absent = [p.file for p in packages if not p.is_in(cache)]
    if absent:
        raise BuildError(f"apt-get download did not bring {', '.join(absent)}")


def unpack(packages: Sequence[Package], cache: Path, into: Path) -> None:
    """All of them into one tree, as Debian would lay them out."""
    into.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda p: run("dpkg-deb", "-x", cache / p.file, into), packages))
