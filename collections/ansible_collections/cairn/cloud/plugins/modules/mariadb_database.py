#!/usr/bin/python
# Copyright: Cairn authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

DOCUMENTATION = r"""
module: mariadb_database
short_description: Own a schema and the one account that may use it
version_added: 0.1.0
description:
  - Makes a schema and an account with every right on it and none elsewhere, or removes both.
  - The account may come through the local socket. When asked, it may come from other hosts too, and
    then only over TLS.
  - Runs on the database's host as root, whom MariaDB knows by its socket, so it needs no password.
options:
  name:
    description: The schema.
    type: str
    required: true
  user:
    description: The account. It has the schema's name unless said otherwise.
    type: str
  password:
    description: The account's password. Required when O(state=present).
    type: str
  remote:
    description: Whether the account may come from other hosts.
    type: bool
    default: false
  state:
    description: Whether schema and account should exist. V(absent) loses the data.
    type: str
    choices: [present, absent]
    default: present
  socket:
    description: Where MariaDB listens.
    type: path
    default: /run/mysqld/mysqld.sock
attributes:
  check_mode: {support: full, description: Reports what would change, also before MariaDB is there.}
  diff_mode: {support: full, description: Shows schema and accounts, never a password.}
author: [Cairn (@cairn)]
"""

EXAMPLES = r"""
- name: Nova has its schema
  cairn.cloud.mariadb_database:
    name: nova
    password: "{{ cloud_secrets.nova_database_password }}"
"""

RETURN = r""" # """

import hashlib
import json

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.cairn.cloud.plugins.module_utils.state import converge

CHARSET, COLLATION = "utf8mb4", "utf8mb4_nopad_bin"
HOSTS = ("localhost", "%")


class Unreachable(Exception):
    """MariaDB is not there."""


def connect(socket):
    """A cursor of root."""
    try:
        import MySQLdb
    except ImportError as error:
        raise Unreachable("python3-mysqldb is not installed") from error
    try:
        return MySQLdb.connect(unix_socket=socket, user="root", autocommit=True).cursor()
    except MySQLdb.OperationalError as error:
        raise Unreachable(f"MariaDB does not answer at {socket}: {error}") from error


def digest(password):
    """What MariaDB keeps of a password."""
    return "*" + hashlib.sha1(hashlib.sha1(password.encode()).digest()).hexdigest().upper()


def look(cursor, name, user):
    """The schema and its accounts as they are, or None when there is neither."""
    cursor.execute(
        "SELECT default_character_set_name, default_collation_name"
        " FROM information_schema.schemata WHERE schema_name = %s", (name,),
    )
    schema = cursor.fetchone()
    cursor.execute("SELECT host, priv FROM mysql.global_priv WHERE user = %s", (user,))
    accounts = {host: account(json.loads(priv)) for host, priv in cursor.fetchall()}
    cursor.execute(
        "SELECT host, db FROM mysql.db WHERE user = %s AND create_priv = 'Y' AND drop_priv = 'Y'"
        " AND insert_priv = 'Y' AND alter_priv = 'Y' AND references_priv = 'Y'", (user,),
    )
    for host, granted in cursor.fetchall():
        if host in accounts:
            accounts[host]["owns"].append(granted.replace("\\_", "_"))
    if schema is None and not accounts:
        return None
    return {"schema": list(schema) if schema else None, "accounts": accounts}


def account(priv):
    """What matters of an account."""
    return {
        "password": priv.get("authentication_string", ""),
        "plugin": priv.get("plugin", ""),
        "tls": bool(priv.get("ssl_type", 0)),
        "rights": priv.get("access", 0),
        "owns": [],
    }


def plan(state, name, password, remote):
    """How they should be. Pure."""
    if state == "absent":
        return None
    return {
        "schema": [CHARSET, COLLATION],
        "accounts": {
            host: {
                "password": digest(password),
                "plugin": "mysql_native_password",
                "tls": host == "%",
                "rights": 0,
                "owns": [name],
            }
            for host in (HOSTS if remote else HOSTS[:1])
        },
    }


def act(cursor, name, user, password, before, after):
    """Take schema and accounts from one state to the other. Any step may be repeated."""
    had = (before or {"accounts": {}})["accounts"]
    wanted = (after or {"accounts": {}})["accounts"]
    if after is None:
        cursor.execute(f"DROP DATABASE IF EXISTS {quoted(name)}")
    else:
        cursor.execute(
            f"CREATE DATABASE IF NOT EXISTS {quoted(name)}"
            f" CHARACTER SET {CHARSET} COLLATE {COLLATION}"
        )
        if before and before["schema"] not in (None, after["schema"]):
            cursor.execute(f"ALTER DATABASE {quoted(name)} CHARACTER SET {CHARSET}"
                           f" COLLATE {COLLATION}")
    for host in sorted(set(had) - set(wanted)):
        cursor.execute("DROP USER IF EXISTS %s@%s", (user, host))
    for host in sorted(wanted):
        if had.get(host) == wanted[host]:
            continue
        require = "SSL" if wanted[host]["tls"] else "NONE"
        cursor.execute(
            f"CREATE OR REPLACE USER %s@%s IDENTIFIED BY %s REQUIRE {require}",
            (user, host, password),
        )
        # In a grant's schema name an underscore stands for any character unless it is escaped.
        schema = quoted(name.replace("_", "\\_"))
        cursor.execute(f"GRANT ALL PRIVILEGES ON {schema}.* TO %s@%s", (user, host))


def quoted(name):
    return "`" + name.replace("`", "``") + "`"


def shown(state):
    """A state fit for a screen: a password can be seen to change, but not read."""
    if state is None:
        return None
    accounts = {}
    for host, one in state["accounts"].items():
        mark = hashlib.sha256(one["password"].encode()).hexdigest()[:8]
        accounts[host] = {**one, "password": f"<hidden {mark}>"}
    return {**state, "accounts": accounts}


def main():
    module = AnsibleModule(
        argument_spec={
            "name": {"type": "str", "required": True},
            "user": {"type": "str"},
            "password": {"type": "str", "no_log": True},
            "remote": {"type": "bool", "default": False},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "socket": {"type": "path", "default": "/run/mysqld/mysqld.sock"},
        },
        required_if=[("state", "present", ["password"])],
        supports_check_mode=True,
    )
    name, password = module.params["name"], module.params["password"]
    user = module.params["user"] or name
    cursor = before = None
    try:
        cursor = connect(module.params["socket"])
        before = look(cursor, name, user)
    except Unreachable as error:
        # On a host that is yet to be installed everything is still to be made.
        if not module.check_mode:
            module.fail_json(msg=str(error))
    after = plan(module.params["state"], name, password, module.params["remote"])
    converge(
        module, shown(before), shown(after),
        lambda: act(cursor, name, user, password, before, after),
    )


if __name__ == "__main__":
    main()
