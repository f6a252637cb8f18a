# Copyright: Cairn authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
from ansible_collections.cairn.cloud.plugins.modules import virt_type


@pytest.mark.parametrize(
    ("flags", "device", "obstacle"),
    [
        ("fpu vmx sse", True, ""),
        ("fpu svm sse", True, ""),
        ("fpu sse", True, "the processor shows neither vmx nor svm"),
        ("fpu vmxnet sse", True, "the processor shows neither vmx nor svm"),
        ("fpu vmx sse", False, "No such file or directory"),
    ],
)
def test_kvm_needs_processor_and_device(tmp_path, flags, device, obstacle):
    cpuinfo, kvm = tmp_path / "cpuinfo", tmp_path / "kvm"
    cpuinfo.write_text(f"processor : 0\nflags : {flags}\n")
    if device:
        kvm.touch()
    found = virt_type.obstacle(str(cpuinfo), str(kvm))
    assert found.endswith(obstacle) and bool(found) is bool(obstacle)
