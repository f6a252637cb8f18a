# Copyright: Cairn authors
# SPDX-License-Identifier: Apache-2.0
"""A Ceph cluster's monitors, asked in their own words, and the keys they know users by."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import struct


class Unreachable(Exception):
    """There is nobody to ask, or no way to."""


class Refused(Exception):
    """The monitors do not do it."""


class Cluster:
    """The monitors, as a user that they know."""

    def __init__(self, user="client.admin", keyring=None, conf="/etc/ceph/ceph.conf", timeout=60):
        try:
            import rados
        except ImportError as error:
            raise Unreachable("python3-rados is not installed") from error
        options = {"client_mount_timeout": str(timeout), "rados_mon_op_timeout": str(timeout)}
        if keyring:
            options["keyring"] = keyring
        try:
            self._rados = rados.Rados(name=user, conffile=conf, conf=options)
            self._rados.connect()
        except rados.Error as error:
            raise Unreachable(f"the cluster of {conf} does not answer {user}: {error}") from error

    def ask(self, prefix, data="", **arguments):
        """What the monitors answer to one command, or do."""
        question = json.dumps({"prefix": prefix, "format": "json", **arguments})
        rc, out, said = self._rados.mon_command(question, data.encode())
        if rc < 0:
            raise Refused(f"{prefix}: {said or rc}")
        return json.loads(out) if out.strip() else None


def key(secret, name):
    """A user's key, which follows from a secret of the whole cluster and leads back to nothing."""
    payload = hmac.new(secret.encode(), name.encode(), hashlib.sha256).digest()[:16]
    # Type (AES), seconds and nanoseconds of its making (none: it is always the same), length.
    return base64.b64encode(struct.pack("<HIIH", 1, 0, 0, len(payload)) + payload).decode()
