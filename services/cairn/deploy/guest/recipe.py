"""What the guest is made of: Debian's packages, the programs and modules taken from them.

Everything that a change of the guest touches first is in this file.
"""

# Debian packages that the control host needs to build the image; a minimal Debian 12 lacks only
# the second. Nothing else of the machine is used: the boot loader's tool comes from its package.
REQUIRED_PACKAGES = ("e2fsprogs", "qemu-utils")

USER = "guest"
# For the consoles only: ssh takes this user's key, or the password that the cloud gave the server.
PASSWORD = "cairn"
LABEL = "cairn-guest"
DISK_MIB = 112

# Stands for the newest kernel, whose own package name carries its version.
KERNEL = "linux-image-cloud-amd64"

# From package to the programs taken from it. busybox fills every name that is still free.
PROGRAMS: dict[str, tuple[str, ...]] = {
    "busybox": ("busybox",),
    "ca-certificates": (),
    "curl": ("curl",),
    "dosfstools": ("mkfs.fat", "fsck.fat"),
    "dropbear-bin": ("dropbear", "dropbearkey", "dbclient"),
    "e2fsprogs": ("mke2fs", "e2fsck", "resize2fs", "tune2fs"),
    "fdisk": ("sfdisk",),
    "iproute2": ("ip", "ss"),
    "iputils-ping": ("ping",),
    "mount": ("mount", "umount"),
    "netcat-openbsd": ("nc.openbsd",),
    "socat": ("socat",),
    "sudo": ("sudo",),
    "util-linux": ("blkid", "blockdev", "findmnt", "fsfreeze", "lsblk", "mkfs", "partx"),
    "wget": ("wget",),
}

# Files that programs open by name at run time, so that no list of needed libraries has them.
FILES: dict[str, tuple[str, ...]] = {
    "openssh-sftp-server": ("usr/lib/openssh/sftp-server",),
    "libpam-modules": ("lib/x86_64-linux-gnu/security/pam_permit.so",),
    "sudo": ("usr/libexec/sudo/libsudo_util.so.0", "usr/libexec/sudo/sudoers.so"),
    "e2fsprogs": ("etc/mke2fs.conf",),
}

LINKS: dict[str, str] = {
    "etc/udhcpc/default.script": "../../usr/lib/guest/lease",
    "usr/bin/mkfs.ext2": "mke2fs",
    "usr/bin/mkfs.ext3": "mke2fs",
    "usr/bin/mkfs.ext4": "mke2fs",
    "usr/bin/fsck.ext4": "e2fsck",
    "usr/bin/mkfs.vfat": "mkfs.fat",
    "usr/bin/fsck.vfat": "fsck.fat",
    "usr/bin/ping4": "ping",
    "usr/bin/ping6": "ping",
    "usr/bin/ssh": "dbclient",
    "usr/lib/sftp-server": "openssh/sftp-server",
    # Processes are known by the name they were started by, and tests look for one called nc.
    "usr/lib/guest/client/nc": "../../../bin/nc.openbsd",
    "usr/lib/guest/server/nc": "../../../bin/socat",
}

# Where the programs' libraries are.
LIBRARIES = (
    "libaudit1",
    "libblkid1",
    "libbpf1",
    "libbrotli1",
    "libbsd0",
    "libc6",
    "libcap-ng0",
    "libcap2",
    "libcom-err2",
    "libcrypt1",
    "libcurl4",
    "libelf1",
    "libext2fs2",
    "libfdisk1",
    "libffi8",
    "libgmp10",
    "libgnutls30",
    "libgssapi-krb5-2",
    "libhogweed6",
    "libidn2-0",
    "libk5crypto3",
    "libkeyutils1",
    "libkrb5-3",
    "libkrb5support0",
    "libldap-2.5-0",
    "libmd0",
    "libmnl0",
    "libmount1",
    "libnettle8",
    "libnghttp2-14",
    "libnsl2",
    "libp11-kit0",
    "libpam0g",
    "libpcre2-8-0",
    "libpsl5",
    "libreadline8",
    "librtmp1",
    "libsasl2-2",
    "libselinux1",
    "libsmartcols1",
    "libss2",
    "libssh2-1",
    "libssl3",
    "libtasn1-6",
    "libtinfo6",
    "libtirpc3",
    "libtomcrypt1",
    "libtommath1",
    "libudev1",
    "libunistring2",
    "libuuid1",
    "libwrap0",
    "libxtables12",
    "libzstd1",
    "zlib1g",
)

# Its shell prefers its own commands to the PATH and runs them without exec. That is wrong for a
# user and right for the boot scripts: on an emulated processor an exec is the expensive part.
BOOT_SHELL = "busybox-static"

# GRUB's images, and the tool that joins them with the libraries that only it needs.
BOOT_LOADER = ("grub-pc-bin", "grub-common", "libdevmapper1.02.1", "liblzma5")
COMMAND_LINE = "console=tty1 console=ttyS0,115200 net.ifnames=0 no_timer_check mitigations=off"

# What it takes to see the root disk, whatever bus it is on. ext4 and NVMe are in the kernel.
EARLY_MODULES = (
    "virtio_pci",
    "virtio_blk",
    "virtio_scsi",
    "ata_piix",
    "sd_mod",
)
MODULES = (
    *EARLY_MODULES,
    "8021q",
    "bridge",
    "button",
    "dummy",
    "evdev",
    "isofs",
    "loop",
    "nls_ascii",
    "nls_cp437",
    "nls_utf8",
    "sr_mod",
    "veth",
    "vfat",
    "virtio_balloon",
    "virtio_console",
    "virtio_net",
    "virtio_rng",
)


def packages() -> tuple[str, ...]:
    """Every package that the image takes something from, but for the kernel's."""
    return tuple(sorted({*PROGRAMS, *FILES, *LIBRARIES, *BOOT_LOADER, BOOT_SHELL}))
