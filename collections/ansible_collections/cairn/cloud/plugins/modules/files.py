#!/usr/bin/python
# Copyright: Cairn authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

DOCUMENTATION = r"""
module: files
short_description: Own many small files and directories in one go
version_added: 0.1.0
description:
  - Writes files with the given content, makes directories, removes what should be absent.
  - A file appears whole, with its owner and mode, or not at all.
  - Passwords are hidden in the differences it shows; that they changed is not.
options:
  files:
    description: The files, parents before what is in them.
    type: list
    elements: dict
    required: true
    suboptions:
      path:
        description: Where it is.
        type: path
        required: true
      state:
        description: What it is.
        type: str
        choices: [file, directory, absent]
        default: file
      content:
        description: What is in it. Only for O(files[].state=file).
        type: str
        default: ""
      owner:
        description: Its owner.
        type: str
        default: root
      group:
        description: Its group.
        type: str
        default: root
      mode:
        description: Its mode. Default is V(0644) for a file and V(0755) for a directory.
        type: str
attributes:
  check_mode: {support: full, description: Reports what would change.}
  diff_mode: {support: full, description: Shows contents before and after, without passwords.}
author: [Cairn (@cairn)]
"""

EXAMPLES = r"""
- name: Write two files
  cairn.cloud.files:
    files:
      - {path: /etc/cairn, state: directory}
      - {path: /etc/cairn/a.conf, content: "[a]\n", group: cairn, mode: "0640"}
"""

RETURN = r""" # """

import grp
import hashlib
import os
import pwd
import re
import shutil
import stat
import tempfile

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.cairn.cloud.plugins.module_utils.state import converge

DEFAULT_MODE = {"file": "0644", "directory": "0755"}
SECRETS = re.compile(
    r"(?P<before>://[^:/@\s]*:|^\s*\w*(?:password|secret)\w*\s*[=:]\s*)(?P<secret>[^@\s]+)"
    r"|(?P<armour>-----BEGIN [A-Z ]*PRIVATE KEY-----.*?-----END [A-Z ]*PRIVATE KEY-----)",
    re.MULTILINE | re.DOTALL,
)


def veil(text):
    """The text without its secrets, in a way that still shows whether one has changed."""

    def replace(match):
        secret = match["secret"] or match["armour"]
        digest = hashlib.sha256(secret.encode()).hexdigest()[:8]
        return f"{match['before'] or ''}<hidden {digest}>"

    return SECRETS.sub(replace, text)


def look(path):
    """What is at the path now."""
    try:
        found = os.lstat(path)
    except FileNotFoundError:
        return {"path": path, "state": "absent"}
    state = "directory" if stat.S_ISDIR(found.st_mode) else "file"
    content = None
    if stat.S_ISREG(found.st_mode):
        with open(path, encoding="utf-8", errors="replace") as file:
            content = file.read()
    return {
        "path": path,
        "state": state,
        "content": content,
        "owner": _name(pwd.getpwuid, found.st_uid),
        "group": _name(grp.getgrgid, found.st_gid),
        "mode": f"{stat.S_IMODE(found.st_mode):04o}",
    }


def plan(wanted):
    """What should be at the path. Pure."""
    if wanted["state"] == "absent":
        return {"path": wanted["path"], "state": "absent"}
    return {
        "path": wanted["path"],
        "state": wanted["state"],
        "content": wanted["content"] if wanted["state"] == "file" else None,
        "owner": wanted["owner"],
        "group": wanted["group"],
        "mode": f"{int(wanted['mode'] or DEFAULT_MODE[wanted['state']], 8):04o}",
    }


def act(before, after):
    """Take one path from what it was to what it should be."""
    path = after["path"]
    if "absent" in (before["state"], after["state"]) or before["state"] != after["state"]:
        _remove(before)
    if after["state"] == "directory":
        os.makedirs(path, exist_ok=True)
        _own(path, after)
    elif after["state"] == "file":
        handle, name = tempfile.mkstemp(dir=os.path.dirname(path), prefix=".cairn-")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(after["content"])
            _own(name, after)
            os.replace(name, path)
        except BaseException:
            os.unlink(name)
            raise


def _remove(before):
    if before["state"] == "directory":
        shutil.rmtree(before["path"])
    elif before["state"] == "file":
        os.unlink(before["path"])


def _own(path, wanted):
    shutil.chown(path, wanted["owner"], wanted["group"])
    os.chmod(path, int(wanted["mode"], 8))


def _name(database, number):
    try:
        return database(number)[0]
    except KeyError:
        return str(number)


def shown(states):
    """Differences as text, file by file, fit for a screen and a log."""
    lines = []
    for one in states:
        head = " ".join(one[key] for key in ("state", "owner", "group", "mode") if key in one)
        lines.append(f"{one['path']}: {head}\n")
        if one.get("content"):
            lines.append(veil(one["content"]).rstrip("\n") + "\n")
    return "".join(lines)


class _Report:
    """Shows differences where C(converge) would show whole states, secrets and all."""

    def __init__(self, module):
        self.module, self.check_mode = module, module.check_mode

    def exit_json(self, changed, diff):
        before, after = diff["before"] or [], diff["after"] or []
        pairs = [(b, a) for b, a in zip(before, after, strict=True) if b != a]
        self.module.exit_json(
            changed=changed,
            paths=[after["path"] for _before, after in pairs],
            diff={
                "before": shown(before for before, _after in pairs),
                "after": shown(after for _before, after in pairs),
            },
        )


def main():
    one = {
        "path": {"type": "path", "required": True},
        "state": {"type": "str", "choices": ["file", "directory", "absent"], "default": "file"},
        "content": {"type": "str", "default": "", "no_log": True},
        "owner": {"type": "str", "default": "root"},
        "group": {"type": "str", "default": "root"},
        "mode": {"type": "str"},
    }
    module = AnsibleModule(
        argument_spec={
            "files": {"type": "list", "elements": "dict", "required": True, "options": one}
        },
        supports_check_mode=True,
    )
    before = [look(wanted["path"]) for wanted in module.params["files"]]
    after = [plan(wanted) for wanted in module.params["files"]]

    def apply():
        for was, wanted in zip(before, after, strict=True):
            if was != wanted:
                act(was, wanted)

    try:
        converge(_Report(module), before, after, apply)
    except (OSError, LookupError) as error:
        module.fail_json(msg=f"{error}")


if __name__ == "__main__":
    main()
