#!/usr/bin/python
# Copyright: Cairn authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

DOCUMENTATION = r"""
module: rabbitmq_definitions
short_description: Own the virtual host of a broker, its exchanges and the users that may enter it
version_added: 0.1.0
description:
  - Writes the definitions that RabbitMQ loads each time it starts, so that a broker whose data was
    lost comes back with its users.
  - Tells a broker that is running at once, and takes from it the users that are no longer named.
  - No queue of the virtual host takes more than a bounded number of messages and bytes; beyond, the
    oldest go. Who fills queues then fills nobody's memory.
  - A password is stored as a hash whose salt follows from the user's name, so a second run changes
    nothing.
options:
  users:
    description: Who may enter it.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: The user.
        type: str
        required: true
      account:
        description: What it proves itself with, and what it may do.
        type: dict
        required: true
        suboptions:
          password:
            description: Its password.
            type: str
            required: true
          configure:
            description: The queues and exchanges it may make and remove, a regular expression.
            type: str
            default: ".*"
          write:
            description: Those it may send to.
            type: str
            default: ".*"
          read:
            description: Those it may receive from.
            type: str
            default: ".*"
          topics:
            description:
              - Of topic exchanges by name, the routing keys it may send with (C(write)) and bind to
                (C(read)), as regular expressions. Any, where nothing is said.
            type: dict
            default: {}
          connections:
            description: How many connections it may have at once; any number where nothing is said.
            type: int
  exchanges:
    description: Exchanges that outlive the broker, with their types. Users need not make them.
    type: dict
    default: {}
  vhost:
    description: The virtual host.
    type: str
    required: true
  path:
    description: Where the definitions are.
    type: path
    default: /etc/rabbitmq/definitions.json
  node:
    description: The broker's Erlang name.
    type: str
    default: rabbit@localhost
attributes:
  check_mode: {support: full, description: Reports what would change.}
  diff_mode: {support: full, description: Shows the users with their rights, never a password.}
author: [Cairn (@cairn)]
"""

EXAMPLES = r"""
- name: Nova may use the broker
  cairn.cloud.rabbitmq_definitions:
    vhost: cairn
    users:
      - name: nova
        account:
          password: "{{ cloud_secrets.nova_messaging_password }}"
"""

RETURN = r""" # """

import base64
import hashlib
import json
import os
import shutil
import tempfile

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.cairn.cloud.plugins.module_utils.state import converge

UNIT = "rabbitmq-server.service"
RIGHTS = ("configure", "write", "read")
BOUNDS = {"max-length": 10000, "max-length-bytes": 32 << 20}


def look(path):
    """The definitions as they are on disk, or None."""
    try:
        with open(path, encoding="utf-8") as file:
            return json.load(file)
    except (FileNotFoundError, ValueError):
        return None


def plan(vhost, users, exchanges=None):
    """The definitions wanted. Pure."""
    accounts = {user["name"]: user["account"] for user in users}
    return {
        "vhosts": [{"name": vhost}],
        "users": [
            {
                "name": name,
                "password_hash": digest(name, account["password"]),
                "hashing_algorithm": "rabbit_password_hashing_sha256",
                "tags": [],
                "limits": {"max-connections": account["connections"]}
                if account.get("connections") else {},
            }
            for name, account in sorted(accounts.items())
        ],
        "permissions": [
            {"user": name, "vhost": vhost, **{right: account[right] for right in RIGHTS}}
            for name, account in sorted(accounts.items())
        ],
        "topic_permissions": [
            {"user": name, "vhost": vhost, "exchange": exchange, **rights}
            for name, account in sorted(accounts.items())
            for exchange, rights in sorted(account.get("topics", {}).items())
        ],
        "policies": [
            {"vhost": vhost, "name": "bounded", "pattern": ".*", "apply-to": "queues",
             "priority": 0, "definition": BOUNDS}
        ],
        "exchanges": [
            {"name": name, "vhost": vhost, "type": kind, "durable": True, "auto_delete": False,
             "internal": False, "arguments": {}}
            for name, kind in sorted((exchanges or {}).items())
        ],
    }


def digest(name, password):
    """What RabbitMQ keeps of a password: a salt of four bytes, and both hashed."""
    salt = hashlib.sha256(f"rabbitmq {name}".encode()).digest()[:4]
    return base64.b64encode(salt + hashlib.sha256(salt + password.encode()).digest()).decode()


def gone(before, after):
    """Names of the users that are no longer wanted. Pure."""
    had = {user["name"] for user in (before or {}).get("users", [])}
    return sorted(had - {user["name"] for user in after["users"]})


def act(module, before, after, path, node):
    """Tell a broker that runs, and keep it only then: the next run repeats one that was killed."""
    handle, name = tempfile.mkstemp(dir=os.path.dirname(path), prefix=".cairn-", suffix=".json")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(after, file, indent=1)
        shutil.chown(name, "root", "rabbitmq")
        os.chmod(name, 0o640)
        if module.run_command(["systemctl", "is-active", "--quiet", UNIT])[0] == 0:
            tell(module, node, "import_definitions", name)
            for user in gone(before, after):
                tell(module, node, "delete_user", user)
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise


def tell(module, node, *command):
    module.run_command(["rabbitmqctl", "--quiet", "--node", node, *command], check_rc=True)


def shown(definitions):
    """Who may do what: a password can be seen to change, but not read."""
    if definitions is None:
        return None
    passwords = {
        user["name"]: hashlib.sha256(user["password_hash"].encode()).hexdigest()[:8]
        for user in definitions.get("users", [])
    }
    return {
        "vhosts": [vhost["name"] for vhost in definitions.get("vhosts", [])],
        "passwords": {name: f"<hidden {mark}>" for name, mark in passwords.items()},
        "permissions": definitions.get("permissions", []),
        "topics": definitions.get("topic_permissions", []),
        "limits": {user["name"]: user.get("limits", {}) for user in definitions.get("users", [])},
        "policies": definitions.get("policies", []),
        "exchanges": {each["name"]: each["type"] for each in definitions.get("exchanges", [])},
    }


def main():
    account = {
        "password": {"type": "str", "required": True, "no_log": True},
        **{right: {"type": "str", "default": ".*"} for right in RIGHTS},
        "topics": {"type": "dict", "default": {}},
        "connections": {"type": "int"},
    }
    user = {
        "name": {"type": "str", "required": True},
        "account": {"type": "dict", "required": True, "options": account},
    }
    module = AnsibleModule(
        argument_spec={
            "users": {"type": "list", "elements": "dict", "required": True, "options": user},
            "exchanges": {"type": "dict", "default": {}},
            "vhost": {"type": "str", "required": True},
            "path": {"type": "path", "default": "/etc/rabbitmq/definitions.json"},
            "node": {"type": "str", "default": "rabbit@localhost"},
        },
        supports_check_mode=True,
    )
    path, node = module.params["path"], module.params["node"]
    before = look(path)
    after = plan(module.params["vhost"], module.params["users"], module.params["exchanges"])
    converge(
        module, shown(before), shown(after), lambda: act(module, before, after, path, node)
    )


if __name__ == "__main__":
    main()
