# Copyright: Cairn authors
# SPDX-License-Identifier: Apache-2.0
"""neutron-agent's loop on a host that is but a few namespaces: no node is needed, root is."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

INSIDE = Path(__file__).with_name("isolation_inside.py")


@pytest.mark.lab
@pytest.mark.skipif(os.geteuid() != 0, reason="making namespaces needs root")
@pytest.mark.skipif(not all(map(shutil.which, ("nft", "dnsmasq", "ping", "unshare"))),
                    reason="nft, dnsmasq, ping or unshare is missing")
def test_one_tenants_trouble_is_its_own() -> None:
    done = subprocess.run(
        ["unshare", "--net", "--mount", "--propagation", "private", "sh", "-c",
         "mount -t tmpfs tmpfs /run && ip link set lo up && exec \"$@\"", "sh",
         sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(INSIDE)],
        cwd=Path(__file__).parents[2], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
