# Copyright: Cairn authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

DOCUMENTATION = r"""
name: nspawn
short_description: Run in a lab node of this machine
version_added: 0.1.0
description:
  - Enters a node made by M(cairn.cloud.nspawn_node) through its namespaces. Neither ssh nor Python
    is on the way.
  - Needs root on the machine, and is root in the node.
options:
  node:
    description: Name of the node.
    type: str
    vars:
      - name: inventory_hostname
      - name: ansible_nspawn_node
  lab_dir:
    description: Directory of the lab.
    type: path
    default: /var/lib/cairn-lab/cairn
    env:
      - name: CAIRN_LAB_DIR
    vars:
      - name: ansible_nspawn_lab_dir
  remote_user:
    description: Always root. Tasks that become root have nothing to do.
    type: str
    default: root
  pipelining:
    description: Hand modules to Python on its standard input, without a file in the node.
    type: bool
    default: true
    env:
      - name: ANSIBLE_PIPELINING
    ini:
      - section: defaults
        key: pipelining
      - section: connection
        key: pipelining
    vars:
      - name: ansible_pipelining
author: Cairn (@cairn)
"""

import os
import shlex
import subprocess

from ansible.errors import AnsibleConnectionFailure, AnsibleFileNotFound
from ansible.module_utils.common.text.converters import to_text
from ansible.plugins.connection import ConnectionBase
from ansible_collections.cairn.cloud.plugins.module_utils import node


class Connection(ConnectionBase):
    """A node of the lab; a connection is nothing but its leader's process id."""

    transport = "cairn.cloud.nspawn"
    has_pipelining = True

    def _connect(self):
        if self._connected:
            return self
        name = self.get_option("node")
        directory = os.path.join(self.get_option("lab_dir"), "nodes", name)
        leader = node.leader(directory)
        if leader is None:
            raise AnsibleConnectionFailure(
                f"lab node {name} does not run ({directory}); playbooks/lab.yml starts it"
            )
        self._enter = node.enter(leader)
        self._connected = True
        return self

    def _run(self, words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, data=None):
        """Run a command in the node: exit code, output, errors."""
        self._connect()
        process = subprocess.Popen(
            [*self._enter, *words],
            stdin=subprocess.PIPE if data is not None else stdin,
            stdout=stdout,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        out, err = process.communicate(data)
        return process.returncode, out or b"", err

    def exec_command(self, cmd, in_data=None, sudoable=True):
        super().exec_command(cmd, in_data=in_data, sudoable=sudoable)
        return self._run(["/bin/sh", "-c", f"cd /root; {cmd}"], data=in_data)

    def put_file(self, in_path, out_path):
        super().put_file(in_path, out_path)
        if not os.path.isfile(in_path):
            raise AnsibleFileNotFound(f"there is no file {in_path}")
        command = ["/bin/sh", "-c", f"cat > {shlex.quote(out_path)}"]
        with open(in_path, "rb") as source:
            rc, _out, err = self._run(command, stdin=source)
        if rc:
            raise AnsibleConnectionFailure(f"cannot write {out_path}: {to_text(err)}")

    def fetch_file(self, in_path, out_path):
        super().fetch_file(in_path, out_path)
        with open(out_path, "wb") as target:
            rc, _out, err = self._run(["cat", "--", in_path], stdout=target)
        if rc:
            os.unlink(out_path)
            raise AnsibleConnectionFailure(f"cannot read {in_path}: {to_text(err)}")

    def close(self):
        self._connected = False
