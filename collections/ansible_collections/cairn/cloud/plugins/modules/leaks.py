#!/usr/bin/python
# Copyright: Cairn authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

DOCUMENTATION = r"""
module: leaks
short_description: Look for secrets where none may be
version_added: 0.1.0
description:
  - Fails when a file that everybody may read holds a secret, or a private key in a directory of
    the cloud's, and when any file holds a secret that is none of the host's business.
  - Changes nothing. Reports paths, never what is in them.
options:
  secrets:
    description: Secrets that only some may read.
    type: list
    elements: str
    required: true
  foreign:
    description: Secrets that may not be on this host at all.
    type: list
    elements: str
    default: []
  directories:
    description: Where to look.
    type: list
    elements: path
    default: [/etc, /root, /run/cairn, /tmp, /var/lib/cairn, /var/log, /var/tmp]
  largest:
    description: Size in bytes of files that are too large to look at, such as images.
    type: int
    default: 1048576
attributes:
  check_mode: {support: full, description: Looks all the same.}
  diff_mode: {support: none, description: There is never a difference.}
author: [Cairn (@cairn)]
"""

EXAMPLES = r"""
- name: Computes do not know the database's password
  cairn.cloud.leaks:
    secrets: "{{ cloud_secrets.values() }}"
    foreign: ["{{ cloud_secrets.nova_database_password }}"]
"""

RETURN = r""" # """

import os
import re
import stat

from ansible.module_utils.basic import AnsibleModule

# Where a private key is the cloud's. What else a machine has of keys is its owner's business.
OURS = ("/etc/cairn/", "/run/cairn/", "/var/lib/cairn/")
PRIVATE_KEY = re.compile(rb"^-----BEGIN [A-Z ]*PRIVATE KEY-----$", re.MULTILINE)


def walk(directory, largest, open_to_all=True):
    """Every file below, whether everybody may read it, and what is in it."""
    try:
        entries = list(os.scandir(directory))
        open_to_all = open_to_all and bool(os.stat(directory).st_mode & stat.S_IXOTH)
    except FileNotFoundError:
        return
    for entry in entries:
        try:
            found = entry.stat(follow_symlinks=False)
            if stat.S_ISDIR(found.st_mode):
                # What is behind a closed door nobody reads, but it can still be foreign.
                yield from walk(entry.path, largest, open_to_all)
            elif stat.S_ISREG(found.st_mode) and found.st_size <= largest:
                with open(entry.path, "rb") as file:
                    readable = open_to_all and bool(found.st_mode & stat.S_IROTH)
                    yield entry.path, readable, file.read()
        except OSError:
            continue  # It went away meanwhile, as files in /tmp do.


def judge(path, open_to_all, content, secrets, foreign):
    """What is wrong with a file, or None. Pure."""
    if any(secret in content for secret in foreign):
        return "holds a secret that is none of this host's business"
    if open_to_all and any(secret in content for secret in secrets):
        return "holds a secret and everybody may read it"
    if open_to_all and path.startswith(OURS) and PRIVATE_KEY.search(content):
        return "holds a private key and everybody may read it"
    return None


def main():
    module = AnsibleModule(
        argument_spec={
            "secrets": {"type": "list", "elements": "str", "required": True, "no_log": True},
            "foreign": {"type": "list", "elements": "str", "default": [], "no_log": True},
            "directories": {
                "type": "list", "elements": "path",
                "default": [
                    "/etc", "/root", "/run/cairn", "/tmp", "/var/lib/cairn", "/var/log",
                    "/var/tmp",
                ],
            },
            "largest": {"type": "int", "default": 1048576},
        },
        supports_check_mode=True,
    )
    secrets, foreign = (
        [secret.strip().encode() for secret in module.params[name] if secret.strip()]
        for name in ("secrets", "foreign")
    )
    wrong = []
    for directory in module.params["directories"]:
        for path, open_to_all, content in walk(directory, module.params["largest"]):
            if verdict := judge(path, open_to_all, content, secrets, foreign):
                wrong.append(f"{path} {verdict}")
    if wrong:
        module.fail_json(msg="\n".join(sorted(wrong)))
    module.exit_json(changed=False)


if __name__ == "__main__":
    main()
