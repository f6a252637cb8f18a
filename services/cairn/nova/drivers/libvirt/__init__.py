"""Servers as libvirt domains on QEMU or KVM."""
