#!/usr/bin/python
# Copyright: Cairn authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

DOCUMENTATION = r"""
module: libvirt_secret
short_description: Have libvirt hold the key of a Ceph user
version_added: 0.1.0
description:
  - Guests' disks name it by its usage, so that a key is in no definition of a guest.
options:
  usage:
    description: What disks name it by.
    type: str
    required: true
  key:
    description: The user's key, as it is in a keyring.
    type: str
    required: true
  uri:
    description: Where libvirt is.
    type: str
    default: qemu:///system
attributes:
  check_mode: {support: full, description: Reports what would change, also without libvirt.}
  diff_mode: {support: full, description: Shows that the key changes, never the key.}
author: [Cairn (@cairn)]
"""

EXAMPLES = r"""
- name: Guests may use volumes
  cairn.cloud.libvirt_secret:
    usage: client.cinder
    key: "{{ cloud_secrets.ceph_secret | cairn.cloud.ceph_key('client.cinder') }}"
"""

RETURN = r""" # """

import base64
import hashlib
from xml.sax.saxutils import escape

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.cairn.cloud.plugins.module_utils.state import converge

XML = """<secret ephemeral='no' private='yes'>
  <description>The key of a Ceph user</description>
  <usage type='ceph'><name>{usage}</name></usage>
</secret>"""
# libvirt's VIR_SECRET_USAGE_TYPE_CEPH, VIR_ERR_NO_SECRET.
CEPH, NO_SECRET = 2, 66
KEPT = "/etc/libvirt/secrets"


class Unreachable(Exception):
    """Libvirt is not there."""


def connect(uri):
    try:
        import libvirt
    except ImportError as error:
        raise Unreachable("python3-libvirt is not installed") from error
    libvirt.registerErrorHandler(lambda *_: None, None)
    try:
        return libvirt.open(uri), libvirt.libvirtError
    except libvirt.libvirtError as error:
        raise Unreachable(f"libvirt does not answer at {uri}: {error}") from error


def look(connection, error, usage):
    """A mark of what the secret holds, None when there is none. Private secrets can not be read:
    libvirt's own file of it can, by root."""
    try:
        secret = connection.secretLookupByUsage(CEPH, usage)
    except error as refusal:
        if refusal.get_error_code() != NO_SECRET:
            raise
        return None
    try:
        with open(f"{KEPT}/{secret.UUIDString()}.base64", "rb") as file:
            return mark(file.read())
    except FileNotFoundError:
        return mark(b"")


def mark(key):
    """A key can be seen to change, but not read."""
    return f"<hidden {hashlib.sha256(key.strip()).hexdigest()[:8]}>"


def act(connection, error, usage, key):
    try:
        secret = connection.secretLookupByUsage(CEPH, usage)
    except error:
        secret = connection.secretDefineXML(XML.format(usage=escape(usage)), 0)
    secret.setValue(base64.b64decode(key), 0)


def main():
    module = AnsibleModule(
        argument_spec={
            "usage": {"type": "str", "required": True},
            "key": {"type": "str", "required": True, "no_log": True},
            "uri": {"type": "str", "default": "qemu:///system"},
        },
        supports_check_mode=True,
    )
    usage, key = module.params["usage"], module.params["key"]
    connection = error = held = None
    try:
        connection, error = connect(module.params["uri"])
        held = look(connection, error, usage)
    except Unreachable as reason:
        if not module.check_mode:
            module.fail_json(msg=str(reason))
    converge(
        module, {"key": held}, {"key": mark(key.encode())},
        lambda: act(connection, error, usage, key),
    )


if __name__ == "__main__":
    main()
