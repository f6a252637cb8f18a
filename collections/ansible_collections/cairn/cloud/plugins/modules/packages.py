#!/usr/bin/python
# Copyright: Cairn authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

DOCUMENTATION = r"""
module: packages
short_description: Have Debian packages, all in one transaction, none of them started
version_added: 0.1.0
description:
  - Installs what is missing in one run of apt, which is far quicker than one run per role.
  - Services are installed but not started: each starts once, when its role has configured it.
  - Waits for another run of apt to end.
options:
  names:
    description: Packages there should be, in whatever version is there or can be had.
    type: list
    elements: str
    required: true
  lock_timeout:
    description: Seconds to wait for another run of apt.
    type: int
    default: 300
attributes:
  check_mode: {support: full, description: Reports what would be installed.}
  diff_mode: {support: full, description: Shows the missing packages.}
author: [Cairn (@cairn)]
"""

EXAMPLES = r"""
- name: Have what a controller needs
  cairn.cloud.packages:
    names: [mariadb-server, rabbitmq-server, nginx-light]
"""

RETURN = r""" # """

import fcntl
import os
import tempfile
import time

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.cairn.cloud.plugins.module_utils.state import converge

LOCK = "/run/lock/cairn-packages.lock"
POLICY = "/usr/sbin/policy-rc.d"
STAY_STOPPED = "#!/bin/sh\n# There while Cairn's packages are installed.\nexit 101\n"
QUIETLY = {"DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
PAUSE = 0.5
# A package nobody asked for, but apt writes to disk four times as calmly with it.
CALM = "eatmydata"


def look(module, names):
    """Those of the packages that are installed and configured."""
    query = ["dpkg-query", "--show", "--showformat", "${Package} ${db:Status-Status}\n", *names]
    # It ends with 1 when it does not know one of them, which is what is being asked.
    rc, out, err = module.run_command(query)
    if rc > 1:
        module.fail_json(msg=f"dpkg-query failed: {err.strip()}")
    return installed(out) & set(names)


def installed(listing):
    """Names from dpkg's listing. Pure."""
    pairs = (line.split() for line in listing.splitlines())
    return {name for name, status in pairs if status == "installed"}


def act(module, names, lock_timeout):
    """Install what is missing. What was half done by a run that was killed is first brought to its
    end, and a run that was killed here may still be going on there: then wait for it."""
    deadline = time.monotonic() + lock_timeout
    with open(LOCK, "w", encoding="utf-8") as lock:
        wait_for(module, deadline, "another run of this module", lambda: locked(lock))
        missing = sorted(set(names) - look(module, names))
        if not missing:
            return
        # Written by hand or by a container's maker: then starting is none of our business.
        ours = not os.path.lexists(POLICY) or _is_ours(POLICY)
        try:
            if ours:
                _keep_everything_stopped()
            wait_for(module, deadline, "another run of dpkg", lambda: configured(module))
            run(module, apt(lock_timeout, "update"))
            run(module, apt(lock_timeout, "install", CALM))
            run(module, [CALM, *apt(lock_timeout, "install", *missing)])
        finally:
            os.sync()
            if ours:
                os.unlink(POLICY)


def wait_for(module, deadline, what, done):
    while not done():
        if time.monotonic() > deadline:
            module.fail_json(msg=f"Gave up waiting for {what}.")
        time.sleep(PAUSE)


def locked(lock):
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def configured(module):
    """Bring to its end what dpkg has begun. False when somebody else is at it."""
    command = ["dpkg", "--configure", "--pending"]
    rc, out, err = module.run_command(command, environ_update=QUIETLY)
    if rc != 0 and "lock" in err:
        return False
    judge(module, command, rc, out, err)
    return True


def apt(lock_timeout, verb, *names):
    options = ["--yes", "--quiet=2", "--no-install-recommends"]
    settings = [
        f"DPkg::Lock::Timeout={lock_timeout}",
        "Dpkg::Options::=--force-confdef",
        "Dpkg::Options::=--force-confold",
        "Acquire::Retries=3",
        "Acquire::Languages=none",
    ]
    return ["apt-get", *options, *(f"-o={setting}" for setting in settings), verb, *names]


def run(module, command):
    judge(module, command, *module.run_command(command, environ_update=QUIETLY))


def judge(module, command, rc, out, err):
    if rc != 0:
        wrong = [line for line in err.splitlines() if line.startswith(("E:", "dpkg: error"))]
        module.fail_json(
            msg="\n".join(wrong) or err.strip() or f"{command[0]} ended with {rc}",
            cmd=command, rc=rc, stdout=out, stderr=err,
        )


def _is_ours(path):
    """Left by a run of this module that was killed together with its host."""
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read() == STAY_STOPPED


def _keep_everything_stopped():
    handle, name = tempfile.mkstemp(dir=os.path.dirname(POLICY))
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(STAY_STOPPED)
    os.chmod(name, 0o755)
    os.replace(name, POLICY)


def main():
    module = AnsibleModule(
        argument_spec={
            "names": {"type": "list", "elements": "str", "required": True},
            "lock_timeout": {"type": "int", "default": 300},
        },
        supports_check_mode=True,
    )
    names = set(module.params["names"])
    have = look(module, sorted(names)) if names else set()
    missing = sorted(names - have)
    before, after = ({"missing": names} for names in (missing, []))
    converge(
        module, before, after, lambda: act(module, missing, module.params["lock_timeout"])
    )


if __name__ == "__main__":
    main()
