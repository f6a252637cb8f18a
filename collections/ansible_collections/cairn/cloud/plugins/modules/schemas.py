#!/usr/bin/python
# Copyright: Cairn authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

DOCUMENTATION = r"""
module: schemas
short_description: Bring components' schemas to what the release expects
version_added: 0.1.0
description:
  - Compares the revision of each component's schema with those the release has, and runs
    C(cairn-manage COMPONENT db sync) for the ones that differ.
  - A component that has no revisions has no schema.
options:
  components:
    description: The components.
    type: list
    elements: str
    required: true
  release:
    description: Where the release is.
    type: path
    default: /opt/cairn/current
  socket:
    description: MariaDB's socket, for root.
    type: path
    default: /run/mysqld/mysqld.sock
attributes:
  check_mode: {support: full, description: Reports which schemas would change.}
  diff_mode: {support: full, description: Shows revisions before and after.}
author: [Cairn (@cairn)]
"""

EXAMPLES = r"""
- name: Have the schemas of the release
  cairn.cloud.schemas:
    components: [keystone, nova]
"""

RETURN = r""" # """

import glob
import os
import re
from concurrent.futures import ThreadPoolExecutor

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.cairn.cloud.plugins.module_utils.manage import attempt
from ansible_collections.cairn.cloud.plugins.module_utils.state import converge

REVISION = re.compile(r"^(?P<kind>revision|down_revision)\b[^=]*=\s*(?P<value>.*)$", re.MULTILINE)
PARALLEL = 4
PACKAGES = ("lib", "python3*", "site-packages", "cairn")


def heads(sources):
    """The revisions no other one builds on, from the texts of all. Pure."""
    found, built_on = set(), set()
    for source in sources:
        for match in REVISION.finditer(source):
            names = re.findall(r"[\"']([^\"']+)[\"']", match["value"])
            (found if match["kind"] == "revision" else built_on).update(names)
    return sorted(found - built_on)


def wanted(release, components):
    """The revision each component's schema should have."""
    after = {}
    for component in components:
        pattern = os.path.join(release, *PACKAGES, component, "db", "migrations", "*.py")
        sources = []
        for path in glob.glob(pattern):
            with open(path, encoding="utf-8") as file:
                sources.append(file.read())
        if revisions := heads(sources):
            after[component] = revisions
    return after


def look(module, components):
    """The revision each component's schema has."""
    try:
        import MySQLdb

        cursor = MySQLdb.connect(unix_socket=module.params["socket"], user="root").cursor()
    except Exception as error:  # Its errors are only known where it is installed.
        if module.check_mode:
            return dict.fromkeys(components, [])
        module.fail_json(msg=f"MariaDB does not answer: {error}")
    before = {}
    for component in components:
        try:
            cursor.execute(f"SELECT version_num FROM `{component}`.alembic_version")
            before[component] = sorted(revision for (revision,) in cursor.fetchall())
        except (MySQLdb.ProgrammingError, MySQLdb.OperationalError):
            before[component] = []  # No such schema or table: nothing was ever made.
    return before


def act(module, before, after):
    """Bring up those that differ, side by side: most of the time goes into starting Python."""
    behind = [component for component in after if before[component] != after[component]]

    def sync(component):
        return attempt(module, module.params["release"], component, "db", "sync")

    with ThreadPoolExecutor(PARALLEL) as pool:
        for _out, failure in list(pool.map(sync, behind)):
            if failure:
                module.fail_json(**failure)


def main():
    module = AnsibleModule(
        argument_spec={
            "components": {"type": "list", "elements": "str", "required": True},
            "release": {"type": "path", "default": "/opt/cairn/current"},
            "socket": {"type": "path", "default": "/run/mysqld/mysqld.sock"},
        },
        supports_check_mode=True,
    )
    after = wanted(module.params["release"], module.params["components"])
    before = look(module, list(after))
    converge(module, before, after, lambda: act(module, before, after))


if __name__ == "__main__":
    main()
