"""The guest's files: programs with their libraries, our overlay, accounts, certificates."""

import shutil
from pathlib import Path

from cairn.deploy.guest.elf import needed
from cairn.deploy.guest.errors import BuildError
from cairn.deploy.guest.recipe import FILES, LINKS, PASSWORD, PROGRAMS, USER
from cairn.deploy.guest.run import run_unpacked

OVERLAY = Path(__file__).parent / "overlay"
PROGRAM_FOLDERS = ("bin", "sbin", "usr/bin", "usr/sbin")
LIBRARY_FOLDERS = ("lib/x86_64-linux-gnu", "usr/lib/x86_64-linux-gnu", "usr/libexec/sudo")
FOLDERS = (
    *("boot", "dev", "etc/dropbear", f"home/{USER}", "mnt", "proc", "root", "run", "sys", "tmp"),
    *("usr/bin", "usr/lib/x86_64-linux-gnu", "usr/lib64", "var/lib/guest", "var/log"),
)
MERGED = {
    "bin": "usr/bin",
    "sbin": "usr/bin",
    "usr/sbin": "bin",
    "lib": "usr/lib",
    "lib64": "usr/lib64",
    "var/run": "../run",
    "var/tmp": "../tmp",
    "etc/mtab": "../proc/mounts",
}


def make_tree(root: Path, debian: Path, boot_shell: Path) -> None:
    """Fill root from a tree of unpacked packages; the kernel and its modules come after."""
    for name in FOLDERS:
        (root / name).mkdir(parents=True, exist_ok=True)
    for name, target in MERGED.items():
        link(root / name, target)
    copy_programs(root, debian)
    shutil.copy(boot_shell, make_parent(root / "usr/lib/guest/busybox"))
    for name, target in LINKS.items():
        link(root / name, target)
    lay_over(root)
    link_applets(root, debian)
    copy_libraries(root, debian)
    join_certificates(root, debian)
    write_accounts(root, debian)
    (root / "usr/bin/sudo").chmod(0o4755)
    (root / "tmp").chmod(0o1777)
    (root / "root").chmod(0o700)


def make_parent(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def link(path: Path, target: str) -> None:
    make_parent(path).symlink_to(target)


def find_program(debian: Path, name: str) -> Path:
    for folder in PROGRAM_FOLDERS:
        path = debian / folder / name
        if path.is_file():
            return path
    raise BuildError(f"no package has the program {name}")


def copy_programs(root: Path, debian: Path) -> None:
    for name in (n for names in PROGRAMS.values() for n in names):
        shutil.copy(find_program(debian, name), root / "usr/bin" / name)
    for name in (n for names in FILES.values() for n in names):
        shutil.copy(debian / name, make_parent(root / name))


def lay_over(root: Path) -> None:
    """A wheel keeps no modes: what says by which shell it is run is a program."""
    for source in OVERLAY.rglob("*"):
        if source.is_file():
            target = make_parent(root / source.relative_to(OVERLAY))
            shutil.copyfile(source, target)
            target.chmod(0o755 if source.read_bytes().startswith(b"#!") else 0o644)
    (root / "etc/sudoers").chmod(0o440)


def link_applets(root: Path, debian: Path) -> None:
    """busybox, under every name that no better program has."""
    for name in run_unpacked(debian, find_program(debian, "busybox"), "--list").split():
        path = root / "usr/bin" / name
        if not path.exists() and not path.is_symlink():
            path.symlink_to("busybox")


def copy_libraries(root: Path, debian: Path) -> None:
    """Those that the programs need, those that these need, and so on."""
    todo = [p for p in (root / "usr").rglob("*") if p.is_file() and not p.is_symlink()]
    done = {p.name for p in todo}
    while todo:
        for name in needed(todo.pop()):
            if name in done:
                continue
            done.add(name)
            source = next((p for f in LIBRARY_FOLDERS if (p := debian / f / name).is_file()), None)
            if source is None:
                raise BuildError(f"no package has the library {name}")
            folder = "usr/lib64" if name.startswith("ld-linux") else "usr/lib/x86_64-linux-gnu"
            todo.append(Path(shutil.copy(source, root / folder / name)))


def join_certificates(root: Path, debian: Path) -> None:
    """What update-ca-certificates would make."""
    sources = sorted((debian / "usr/share/ca-certificates/mozilla").glob("*.crt"))
    text = "".join(p.read_text().strip() + "\n" for p in sources)
    make_parent(root / "etc/ssl/certs/ca-certificates.crt").write_text(text)


def write_accounts(root: Path, debian: Path) -> None:
    busybox = find_program(debian, "busybox")
    digest = run_unpacked(
        debian, busybox, "mkpasswd", "-m", "sha512", "-P", "0", text=PASSWORD + "\n"
    ).strip()
    accounts = {
        "passwd": f"root:x:0:0:root:/root:/bin/sh\n"
        f"nobody:x:65534:65534:nobody:/:/bin/false\n"
        f"{USER}:x:1000:1000:{USER}:/home/{USER}:/bin/sh\n",
        "group": f"root:x:0:\ntty:x:5:\ndisk:x:6:\nnogroup:x:65534:\n{USER}:x:1000:\n",
        "shadow": f"root:*:19000:0:99999:7:::\n{USER}:{digest}:19000:0:99999:7:::\n",
    }
    for name, text in accounts.items():
        (root / "etc" / name).write_text(text)
    (root / "etc/shadow").chmod(0o600)
