"""The Debian packages this command needs on the machine it runs on, and how it gets them."""

import os
import subprocess
from collections.abc import Iterable

from cairn.deploy import guest
from cairn.deploy.errors import Failed, Refused

# To make the guest image and to reach a server by ssh.
DEMO = ("openssh-client", *guest.REQUIRED_PACKAGES)
# What Ansible's apt module wants of the machine's own Python. The lab's tools are role lab's.
MACHINE = ("python3-apt",)
# What the tests run besides: what the linters call, a MariaDB without a service, what an agent
# starts and tells its rules to, a machine for the guest image to boot on, and a client of Ceph.
TEST = (
    *MACHINE, *DEMO, "dnsmasq-base", "git", "haproxy", "iproute2", "iputils-ping",
    "mariadb-client-core", "mariadb-server-core", "nftables", "python3-mysqldb",
    "python3-nftables", "python3-rados", "python3-rbd", "qemu-block-extra", "qemu-system-x86",
)


def missing(packages: Iterable[str]) -> list[str]:
    names = sorted(set(packages))
    asked = subprocess.run(
        ["dpkg-query", "-W", "-f", "${Package} ${db:Status-Status}\n", *names],
        capture_output=True, text=True, check=False,
    )
    present = {
        line.split()[0] for line in asked.stdout.splitlines() if line.endswith(" installed")
    }
    return [name for name in names if name not in present]


def install(names: Iterable[str]) -> list[str]:
    """Install what is missing; give its names back. Services stay as Debian ships them."""
    lacking = missing(names)
    if not lacking:
        return []
    if os.geteuid() != 0:
        raise Refused(f"these packages are missing: {' '.join(lacking)}", "Run this as root.")
    update()
    _apt("install", "-y", "--no-install-recommends", *lacking)
    return lacking


def update() -> None:
    """Fetch the lists of what the mirror has."""
    _apt("update")


def _apt(*arguments: str) -> None:
    options = ["-qq", "-o", "DPkg::Lock::Timeout=300", "-o", "Dpkg::Use-Pty=0"]
    done = subprocess.run(
        ["apt-get", *options, *arguments],
        env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
        capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False,
    )
    if done.returncode:
        said = "\n".join((done.stderr or done.stdout).strip().splitlines()[-5:])
        raise Failed(
            f"apt-get {' '.join(arguments)} failed:\n{said}",
            "See if the machine reaches its package mirror, then run this again.",
        )
