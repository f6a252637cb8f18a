# Copyright: Cairn authors
# SPDX-License-Identifier: Apache-2.0
"""The cloud's secrets: one vaulted YAML file, and beside it the password that opens it."""

from __future__ import annotations

import functools
import json
import secrets
from pathlib import Path

import yaml
from ansible.parsing.vault import VaultLib, VaultSecret
from ansible_collections.cairn.cloud.plugins.plugin_utils.control import keep


class Vault:
    def __init__(self, state_dir):
        self.file = Path(state_dir) / "secrets.yml"
        self.password_file = Path(state_dir) / "vault-password"

    def read(self):
        """Every secret by name; none at all when the cloud has not been deployed yet."""
        if not self.file.exists():
            return {}
        return dict(_opened(self.file, self.password_file, self.file.stat().st_mtime_ns))

    def write(self, contents):
        if not self.password_file.exists():
            keep(self.password_file, secrets.token_urlsafe(32).encode() + b"\n")
        lib, secret = _lib(self.password_file)
        # Ansible marks its strings with where they are from; YAML takes only plain ones.
        plain = "---\n" + yaml.safe_dump(json.loads(json.dumps(contents)))
        keep(self.file, lib.encrypt(plain.encode(), secret=secret))


def _lib(password_file):
    secret = VaultSecret(password_file.read_bytes().strip())
    return VaultLib([("default", secret)]), secret


@functools.cache
def _opened(file, password_file, _written_at):
    """Opening is deliberately slow, and one task asks many times."""
    lib, _secret = _lib(password_file)
    return yaml.safe_load(lib.decrypt(file.read_bytes()))
