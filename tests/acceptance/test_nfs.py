"""Volumes on an NFS share, on a Debian with a kernel of its own.

    ./cairn test acceptance nfs
"""

import pytest
from acceptance import storage_host
from acceptance.storage_host import INSIDE, free_port

BOOK = storage_host.ROOT / "tests/acceptance/nfs_inside.yml"


@pytest.fixture(scope="module")
def host(tmp_path_factory):
    image, _ = storage_host.build()
    with storage_host.running(
        image, tmp_path_factory.mktemp("nfs"), (free_port(), free_port())
    ) as host:
        # In the file: what is exported by hand alone is gone when the server is started again.
        host.run("mkdir -m 0700 /srv/volumes && echo '/srv/volumes "
                 "127.0.0.1(rw,no_root_squash,no_subtree_check,insecure)' > /etc/exports && "
                 "systemctl restart nfs-server")
        yield host


def test_a_run_in_check_mode_mounts_nothing(host):
    assert "+/etc/systemd/system/var-lib-cairn-volumes.mount" in host.play(BOOK, "--check")
    assert "/srv/volumes" not in host.run("cat /proc/mounts")


def test_a_second_run_changes_nothing(host):
    host.play(BOOK)
    assert "127.0.0.1:/srv/volumes /var/lib/cairn/volumes nfs4" in host.run("cat /proc/mounts")
    assert "changed=0" in host.play(BOOK)


def test_the_driver_keeps_its_contract(host):
    print(host.run(
        f"cd /cairn && {INSIDE} -m pytest -q --noconftest -p no:cacheprovider --durations 5 "
        "-W ignore tests/acceptance/nfs_inside.py", timeout=5400), flush=True)
