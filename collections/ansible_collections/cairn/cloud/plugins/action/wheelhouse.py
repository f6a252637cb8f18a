# Copyright: Cairn authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from pathlib import Path

from ansible.errors import AnsibleActionFail
from ansible_collections.cairn.cloud.plugins.plugin_utils.control import ControlAction

LOCK = "requirements/cloud.txt"
BUILD_LOCK = "requirements/build.txt"
# Archives that stay on the control host, the newest.
KEEP = 3
# What a wheel is made of, below the checkout.
INGREDIENTS = ("pyproject.toml", "README.md", "LICENSE", "services")


def digest(source, names):
    """One short name for the contents of files and directories below the source."""
    total = hashlib.sha256()
    for name in names:
        for path in sorted([source / name, *(source / name).rglob("*")]):
            if path.is_file() and "__pycache__" not in path.parts and ".egg-info" not in str(path):
                total.update(f"{path.relative_to(source)}\0".encode())
                total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()[:12]


def version(source):
    """The version of a checkout: the same for the same code and the same locked dependencies."""
    project = tomllib.loads((source / "pyproject.toml").read_text())["project"]
    return f"{project['version']}-{digest(source, [*INGREDIENTS, LOCK])}"


class ActionModule(ControlAction):
    arguments = {
        "source": {"type": "path", "required": True},
        "state_dir": {"type": "path", "required": True},
        "wait": {"type": "bool", "default": True},
    }

    def work(self, arguments):
        source, state = Path(arguments["source"]).resolve(), Path(arguments["state_dir"])
        wanted = version(source)
        archive = state / "releases" / f"{wanted}.tar"
        before = {"release": wanted if archive.exists() else None}

        def act():
            if arguments["wait"]:
                build_once(source, state, archive)
            else:
                in_background(lambda: build_once(source, state, archive))

        return self.converge(
            before, {"release": wanted}, act, version=wanted, archive=str(archive)
        )


def in_background(work):
    """Let a process of its own do it. If it fails, whoever waits for the result does it again, to
    say what is wrong."""
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        return
    try:
        os.setsid()
        if os.fork() == 0:
            nothing = os.open(os.devnull, os.O_RDWR)
            for stream in range(3):
                os.dup2(nothing, stream)
            with contextlib.suppress(Exception):
                work()
    finally:
        os._exit(0)


def build_once(source, state, archive):
    """Build it, unless another process does or has done so meanwhile: then wait for that one."""
    archive.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    with open(archive.parent / ".lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not archive.exists():
            build(source, state, archive)
            forget(archive.parent, KEEP)


def build(source, state, archive):
    """Put the wheel, the wheels it needs, and the uv that installs them in one file."""
    dependencies = collect(source, state / "wheels" / digest(source, [LOCK, BUILD_LOCK]))
    with tempfile.TemporaryDirectory(dir=archive.parent) as scratch:
        copy = Path(scratch) / "source"
        copy.mkdir()
        ignore = shutil.ignore_patterns("__pycache__", "*.egg-info")
        for name in filter(lambda name: (source / name).exists(), INGREDIENTS):
            if (source / name).is_dir():
                shutil.copytree(source / name, copy / name, ignore=ignore)
            else:
                shutil.copy(source / name, copy / name)
        offline = ["--no-index", "--find-links", dependencies]
        pip("wheel", "--no-deps", *offline, "--wheel-dir", Path(scratch) / "own", copy)
        bundle = Path(scratch) / "bundle.tar"
        with tarfile.open(bundle, "w") as tar:
            for wheel in sorted([*dependencies.glob("*.whl"), *Path(scratch, "own").glob("*.whl")]):
                tar.add(wheel, f"wheels/{wheel.name}")
            tar.add(uv(), "uv")
        bundle.chmod(0o644)
        os.replace(bundle, archive)


def forget(releases, keep):
    """Remove the oldest archives, and what a killed build left."""
    archives = sorted(releases.glob("*.tar"), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in archives[keep:]:
        path.unlink()
    for path in releases.iterdir():
        if path.is_dir():
            shutil.rmtree(path)


def collect(source, wheels):
    """Wheels of exactly the locked versions and hashes, from the machine's package index."""
    if not wheels.exists():
        wheels.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=wheels.parent) as scratch:
            locks = [word for lock in (LOCK, BUILD_LOCK) for word in ("-r", source / lock)]
            pip("wheel", "--require-hashes", *locks, "--wheel-dir", Path(scratch) / "wheels")
            os.replace(Path(scratch) / "wheels", wheels)
    return wheels


def uv():
    found = shutil.which("uv", path=os.pathsep.join([str(Path(sys.executable).parent), os.defpath]))
    if found is None:
        raise AnsibleActionFail(
            f"There is no uv beside {sys.executable}: install requirements/deploy.txt there."
        )
    return Path(found).resolve()


def pip(*arguments):
    command = [sys.executable, "-m", "pip", "--quiet", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        wrong = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
        raise AnsibleActionFail("\n".join(wrong) or done.stderr or f"{command} failed")
