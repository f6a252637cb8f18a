"""Cairn's guest image, built on the spot from the Debian packages that the machine's apt offers.

It needs no root, no loop device, no mount and no compiler. A small guest with what a cloud's
users and tests do in one: it boots within seconds on an emulated processor, takes its name, ssh
keys and user data from a config drive or the metadata service, and grows into its disk.

    recipe      what is in it: packages, programs, modules, user
    image       build(), and the cache
    packages    Debian packages      modules     kernel modules      elf  needed libraries
    tree        the guest's files    initramfs   (cpio)              disk GRUB, partition, ext4
    overlay/    files of ours in the guest; early/ in its initramfs

What it does and how long it takes: docs/operate/images.md. That it does: tests/system.
"""

from cairn.deploy.guest.errors import BuildError
from cairn.deploy.guest.image import build
from cairn.deploy.guest.recipe import REQUIRED_PACKAGES, USER

__all__ = ["REQUIRED_PACKAGES", "USER", "BuildError", "build"]
