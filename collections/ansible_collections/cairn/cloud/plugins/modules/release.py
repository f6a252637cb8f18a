#!/usr/bin/python
# Copyright: Cairn authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

DOCUMENTATION = r"""
module: release
short_description: Run a release of Cairn
version_added: 0.1.0
description:
  - Installs a release into a directory of its own and makes it the current one.
  - Going back to a release that is still on the host changes one symbolic link.
options:
  version:
    description: The release, as M(cairn.cloud.wheelhouse) named it.
    type: str
    required: true
  archive:
    description: Its file on the control host. Sent only to hosts that do not have the release.
    type: path
  root:
    description: Where releases are installed.
    type: path
    default: /opt/cairn
  keep:
    description: How many releases stay on the host, the current one included.
    type: int
    default: 3
attributes:
  check_mode: {support: full, description: Reports whether the current release would change.}
  diff_mode: {support: full, description: Shows the current release before and after.}
author: [Cairn (@cairn)]
"""

EXAMPLES = r"""
- name: Run the release
  cairn.cloud.release:
    version: 0.1.0-0123456789ab
    archive: /var/lib/cairn-deploy/cairn/releases/0.1.0-0123456789ab.tar
"""

RETURN = r"""
installed:
  description: Whether the host had the release already.
  type: bool
  returned: always
"""

import glob
import os
import shutil
import tarfile
import tempfile

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.cairn.cloud.plugins.module_utils.state import converge

# Written last: without it, the directory is what a killed run left.
COMPLETE = ".complete"


class Releases:
    def __init__(self, root):
        self.root = root

    def path(self, name):
        return os.path.join(self.root, name)

    def current(self):
        link = self.path("current")
        return os.path.basename(os.readlink(link)) if os.path.islink(link) else None

    def installed(self):
        """The releases on the host, the newest first."""
        marks = glob.glob(self.path(os.path.join("*", COMPLETE)))
        releases = {os.path.dirname(mark): os.stat(mark).st_mtime_ns for mark in marks}
        newest_first = sorted(releases, key=releases.get, reverse=True)
        return [os.path.basename(path) for path in newest_first if not os.path.islink(path)]

    def install(self, module, version, archive):
        target = self.path(version)
        python = os.path.join(target, "bin", "python")
        os.makedirs(self.root, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self.root) as scratch:
            with tarfile.open(archive) as tar:
                tar.extractall(scratch)
            uv, quiet = os.path.join(scratch, "uv"), ["--quiet", "--no-cache", "--no-config"]
            module.run_command(
                [uv, "venv", *quiet, "--clear", "--offline", "--system-site-packages",
                 "--python", "/usr/bin/python3", target],
                check_rc=True,
            )
            # No dependencies are resolved: the wheels are exactly those that were locked.
            module.run_command(
                [uv, "pip", "install", *quiet, "--offline", "--no-index", "--no-deps",
                 "--python", python, *sorted(glob.glob(os.path.join(scratch, "wheels", "*.whl")))],
                check_rc=True,
            )
        # Who runs it may not write: what is not compiled now is compiled at every start.
        packages, = glob.glob(os.path.join(target, "lib", "python3*", "site-packages"))
        module.run_command([python, "-m", "cairn.common.bytecode", packages], check_rc=True)
        with open(os.path.join(target, COMPLETE), "w", encoding="utf-8"):
            pass

    def switch(self, version):
        new = self.path(".current")
        if os.path.lexists(new):
            os.unlink(new)
        os.symlink(version, new)
        os.replace(new, self.path("current"))

    def prune(self, keep):
        """Forget the oldest, but never the current one."""
        others = [name for name in self.installed() if name != self.current()]
        for name in others[max(keep - 1, 0):]:
            shutil.rmtree(self.path(name))


def main():
    module = AnsibleModule(
        argument_spec={
            "version": {"type": "str", "required": True},
            "archive": {"type": "path"},
            "root": {"type": "path", "default": "/opt/cairn"},
            "keep": {"type": "int", "default": 3},
        },
        supports_check_mode=True,
    )
    version, archive = module.params["version"], module.params["archive"]
    releases = Releases(module.params["root"])
    installed = version in releases.installed()

    def act():
        if not installed:
            if archive is None:
                module.fail_json(
                    msg=f"{version} is not on this host and no archive was given.",
                    wants_archive=True,
                )
            releases.install(module, version, archive)
        releases.switch(version)
        releases.prune(module.params["keep"])

    before = {"release": releases.current() if installed else None}
    converge(module, before, {"release": version}, act, installed=installed)


if __name__ == "__main__":
    main()
