"""A file system that is really small, and really full."""

import contextlib
import os
import subprocess
from contextlib import contextmanager

import pytest


@contextmanager
def small(folder, size="16m"):
    """The folder is a file system of its own. Skips where nobody may mount one."""
    folder.mkdir(parents=True, exist_ok=True)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "cairn-small", str(folder)],
                      check=False, capture_output=True).returncode:
        pytest.skip("needs the right to mount a tmpfs")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextmanager
def filled(folder):
    """There is not a byte left in the file system of the folder, for as long as this lasts."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file:
        ballast.unlink()  # What it takes, it takes for as long as it is open.
        for size in (1 << 20, 1 << 12, 1):
            with contextlib.suppress(OSError):
                while file.write(bytes(size)):
                    pass
        assert not os.statvfs(folder).f_bavail
        yield
