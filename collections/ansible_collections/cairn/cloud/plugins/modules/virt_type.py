#!/usr/bin/python
# Copyright: Cairn authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

DOCUMENTATION = r"""
module: virt_type
short_description: Find out how a host can run its guests
version_added: 0.1.0
description:
  - A host can use C(kvm) only when its processor shows C(vmx) or C(svm) and C(/dev/kvm) opens.
    Some virtual machines have the device without the processor's support; guests hang there.
options:
  wanted:
    description: V(auto) takes what there is; V(kvm) refuses a host that has not got it.
    type: str
    choices: [auto, kvm, qemu]
    default: auto
attributes:
  check_mode: {support: full, description: It never changes anything.}
  diff_mode: {support: none, description: There is nothing to differ.}
author: [Cairn (@cairn)]
"""

EXAMPLES = r"""
- name: Find out how guests run here
  cairn.cloud.virt_type:
  register: __virt
"""

RETURN = r"""
virt_type:
  description: V(kvm) or V(qemu).
  type: str
  returned: always
reason:
  description: Why it is not kvm.
  type: str
  returned: always
"""

import os

from ansible.module_utils.basic import AnsibleModule


def obstacle(cpuinfo, device):
    """What keeps this host from kvm, or nothing."""
    with open(cpuinfo, encoding="utf-8") as file:
        flags = next((line for line in file if line.startswith("flags")), "").split()
    if not {"vmx", "svm"}.intersection(flags):
        return "the processor shows neither vmx nor svm"
    try:
        os.close(os.open(device, os.O_RDWR))
    except OSError as error:
        return f"{device} does not open: {error.strerror}"
    return ""


def main():
    module = AnsibleModule(
        argument_spec={
            "wanted": {"type": "str", "choices": ["auto", "kvm", "qemu"], "default": "auto"}
        },
        supports_check_mode=True,
    )
    wanted = module.params["wanted"]
    reason = "qemu was asked for" if wanted == "qemu" else obstacle("/proc/cpuinfo", "/dev/kvm")
    if wanted == "kvm" and reason:
        module.fail_json(
            msg=f"Guests here were to run under kvm, but {reason}. Enable virtualisation in the"
            " machine's firmware, or ask for qemu."
        )
    module.exit_json(changed=False, virt_type="qemu" if reason else "kvm", reason=reason)


if __name__ == "__main__":
    main()
