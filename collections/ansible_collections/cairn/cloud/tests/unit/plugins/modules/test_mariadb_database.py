# Copyright: Cairn authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
import re

import pytest
from ansible_collections.cairn.cloud.plugins.module_utils.state import converge
from ansible_collections.cairn.cloud.plugins.modules import mariadb_database


class MariaDB:
    """Behaves like a server as far as its schemas and accounts are asked about and changed."""

    def __init__(self):
        self.schemas, self.accounts, self.grants, self.rows = {}, {}, set(), []
        self.changes = 0

    def execute(self, statement, values=()):
        for pattern, act in self.STATEMENTS.items():
            found = re.match(pattern, statement, re.DOTALL)
            if found:
                self.changes += not statement.startswith("SELECT")
                self.rows = act(self, *found.groups(), *values)
                return
        raise AssertionError(f"This is not understood: {statement}")

    def fetchone(self):
        return next(iter(self.rows), None)

    def fetchall(self):
        return self.rows

    def _schemas(self, name):
        return [self.schemas[name]] if name in self.schemas else []

    def _accounts(self, user):
        return [(host, json.dumps(p)) for (name, host), p in self.accounts.items() if name == user]

    def _grants(self, user):
        return [(host, schema) for name, host, schema in self.grants if name == user]

    def _create(self, name, charset, collation):
        self.schemas.setdefault(name, (charset, collation))

    def _alter(self, name, charset, collation):
        self.schemas[name] = (charset, collation)

    def _drop(self, name):
        self.schemas.pop(name, None)

    def _create_user(self, require, user, host, password):
        self._drop_user(user, host)
        self.accounts[user, host] = {
            "access": 0,
            "plugin": "mysql_native_password",
            "authentication_string": mariadb_database.digest(password),
            "ssl_type": int(require == "SSL"),
        }

    def _drop_user(self, user, host):
        self.accounts.pop((user, host), None)
        self.grants = {grant for grant in self.grants if grant[:2] != (user, host)}

    def _grant(self, schema, user, host):
        self.grants.add((user, host, schema))

    STATEMENTS = {
        r"SELECT .* information_schema": _schemas,
        r"SELECT .* mysql\.global_priv": _accounts,
        r"SELECT .* mysql\.db": _grants,
        r"CREATE DATABASE IF NOT EXISTS `(.*)` CHARACTER SET (\w+) COLLATE (\w+)": _create,
        r"ALTER DATABASE `(.*)` CHARACTER SET (\w+) COLLATE (\w+)": _alter,
        r"DROP DATABASE IF EXISTS `(.*)`": _drop,
        r"CREATE OR REPLACE USER .* REQUIRE (\w+)": _create_user,
        r"DROP USER": _drop_user,
        r"GRANT ALL PRIVILEGES ON `(.*)`\.\* TO": _grant,
    }


class Module:
    def __init__(self, check_mode=False):
        self.check_mode, self.result = check_mode, None

    def exit_json(self, **result):
        self.result = result


def run(server, name="nova_api", password="one", remote=False, state="present", check_mode=False):
    module = Module(check_mode)
    before = mariadb_database.look(server, name, name)
    after = mariadb_database.plan(state, name, password, remote)
    converge(
        module, mariadb_database.shown(before), mariadb_database.shown(after),
        lambda: mariadb_database.act(server, name, name, password, before, after),
    )
    return module.result


def test_a_password_is_kept_as_mariadb_keeps_it():
    # select password('password')
    known = "*2470C0C06DEE42FD1618BB99005ADCA2EC9D1E19"
    assert mariadb_database.digest("password") == known


@pytest.mark.parametrize("remote", [False, True])
def test_a_second_run_changes_nothing(remote):
    server = MariaDB()
    assert run(server, remote=remote)["changed"]
    assert not run(server, remote=remote)["changed"]
    hosts = {host for _user, host in server.accounts}
    assert hosts == ({"localhost", "%"} if remote else {"localhost"})
    # Without the backslash the account would also own a schema named novaXapi.
    assert {schema for _user, _host, schema in server.grants} == {"nova\\_api"}


def test_from_afar_only_tls_will_do():
    server = MariaDB()
    run(server, remote=True)
    assert server.accounts["nova_api", "%"]["ssl_type"] == 1
    assert server.accounts["nova_api", "localhost"]["ssl_type"] == 0


@pytest.mark.parametrize(
    ("change", "keeps"),
    [({"password": "two"}, True), ({"remote": True}, True), ({"state": "absent"}, False)],
)
def test_what_is_asked_differently_is_changed(change, keeps):
    server = MariaDB()
    run(server)
    assert run(server, **change)["changed"]
    assert not run(server, **change)["changed"]
    assert bool(server.accounts) is keeps


def test_a_right_that_was_taken_away_is_given_back():
    server = MariaDB()
    run(server)
    server.grants.clear()
    assert run(server)["changed"]
    assert server.grants


def test_the_schema_speaks_unicode_even_if_it_did_not():
    server = MariaDB()
    run(server)
    server.schemas["nova_api"] = ("latin1", "latin1_swedish_ci")
    assert run(server)["changed"]
    assert server.schemas["nova_api"][0] == "utf8mb4"


@pytest.mark.parametrize("change", [{}, {"password": "two"}, {"remote": True}, {"state": "absent"}])
def test_check_mode_tells_the_truth_and_does_nothing(change):
    server = MariaDB()
    run(server)
    before = server.changes
    assert run(server, check_mode=True, **change)["changed"] is bool(change)
    assert server.changes == before


def test_a_password_is_never_shown():
    server = MariaDB()
    run(server)
    diff = run(server, password="two", check_mode=True)["diff"]
    assert diff["before"] != diff["after"]
    assert "*" not in str(diff)
