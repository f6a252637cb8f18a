"""QEMU's tools, run so that they end with who asked, tell how far they are, and never see a secret
among their words."""

import json
import os
import re
import selectors
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager

from cairn.cinder.drivers.base import BackendFailed, Disk, NoRoom
from cairn.common.work import check

# The kernel kills the tool when the thread that waits for it is gone: what is repeated later meets
# nobody who still writes.
LEASH = ("setpriv", "--pdeathsig", "KILL", "--")
# What reads that which strangers wrote may have this much memory, and seconds of a processor.
STRANGE = ("prlimit", "--as=4294967296", "--cpu=7200", "--nofile=1024", "--core=0", "--")
PAUSE = 0.2  # Seconds between looks whether the work is still ours.
_PROGRESS = re.compile(rb"\((\d+\.\d+)/100%\)")
# As QEMU words it.
FULL = ("No space left on device", "Disk quota exceeded")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,62}")


def address(disk: Disk) -> str:
    """The disk as a word of qemu-img: nothing in it is guessed."""
    return "json:" + json.dumps(disk.options)


def dotted(disk: Disk) -> str:
    """The same as --target-image-opts takes it, which knows no JSON."""
    return ",".join(_dotted("", disk.options))


def _dotted(path: str, value: object) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, part in value.items():
            yield from _dotted(f"{path}.{key}" if path else key, part)
    elif isinstance(value, list | tuple):
        for index, part in enumerate(value):
            yield from _dotted(f"{path}.{index}", part)
    else:
        text = ("off", "on")[value] if isinstance(value, bool) else str(value)
        yield f"{path}={text.replace(',', ',,')}"


def run(
    *words: str, secrets: Mapping[str, str] | None = None,
    peers: Mapping[str, str] | None = None, strange: bool = False, most: int | None = None,
    timeout: float = 600.0,
    progress: Callable[[float], None] | None = None,
    alive: Callable[[], None] = lambda: None,
) -> bytes:
    """What `tool words...` prints; its objects are `secrets` and `peers`. `most`: bytes that a file
    it writes may have. Raises NoRoom, BackendFailed; what `alive()` raises, and Lost or Cancelled
    of the work that it is done for: then it ends at once."""
    tool, *rest = words
    limits: tuple[str, ...] = STRANGE if strange else ()
    if most is not None:
        limits = ("prlimit", f"--fsize={most}", "--", *limits)
    with handed(secrets or {}) as (objects, files):
        # qemu-img wants its command first.
        at = 1 if tool == "qemu-img" else 0
        objects += shown(peers or {})
        command = [*LEASH, *limits, tool, *rest[:at], *objects, *rest[at:]]
        try:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=subprocess.PIPE, pass_fds=files,
                env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"},
            )
        except OSError as error:
            raise BackendFailed(reason=f"{tool}: {error.strerror}") from error
        with process:
            try:
                told, complaint = _watched(process, time.monotonic() + timeout, progress, alive)
            except BaseException:
                process.kill()
                raise
    if process.returncode:
        text = complaint.decode(errors="replace").strip()
        kind = NoRoom if any(word in text for word in FULL) else BackendFailed
        raise kind(reason=f"{tool} {rest[0] if rest else ''}: {text[-400:] or process.returncode}")
    return told


def _watched(
    process: subprocess.Popen[bytes], until: float, progress: Callable[[float], None] | None,
    alive: Callable[[], None],
) -> tuple[bytes, bytes]:
    """What it printed, there and as complaints, once it is done."""
    streams = {process.stdout: b"", process.stderr: b""}
    with selectors.DefaultSelector() as selector:
        for stream in streams:
            if stream is not None:
                selector.register(stream, selectors.EVENT_READ)
        while selector.get_map():
            check()
            alive()
            if time.monotonic() > until:
                raise BackendFailed(reason=f"{process.args} took too long")  # type: ignore[str-bytes-safe]
            for key, _ in selector.select(PAUSE):
                chunk = os.read(key.fd, 65536)
                if not chunk:
                    selector.unregister(key.fileobj)
                    continue
                if progress is not None and (told := _PROGRESS.findall(chunk)):
                    progress(float(told[-1]))
                    continue
                streams[key.fileobj] += chunk  # type: ignore[index]
    while process.poll() is None:
        check()
        time.sleep(0.01)
    return streams[process.stdout], streams[process.stderr]


@contextmanager
def handed(secrets: Mapping[str, str]) -> Iterator[tuple[list[str], list[int]]]:
    """Words that make the objects, and the files that they are read from."""
    objects, files = [], []
    with ExitStack() as stack:
        for name, content in secrets.items():
            if not _NAME.fullmatch(name):
                raise BackendFailed(reason=f"not a secret's name: {name[:64]!r}")
            read, write = os.pipe()
            stack.callback(os.close, read)
            with open(write, "wb") as file:
                file.write(content.encode())  # A pipe holds more than any secret.
            objects += ["--object", f"secret,id={name},file=/dev/fd/{read}"]
            files.append(read)
        yield objects, files


def shown(peers: Mapping[str, str]) -> list[str]:
    """Words that make the certificates that other hosts are shown, and have to match."""
    return [word for name, folder in peers.items() for word in (
        "--object", f"tls-creds-x509,id={name},endpoint=client,verify-peer=on,dir={folder}")]


def together(disks: Iterable[Disk]) -> dict[str, str]:
    """The secrets of several disks, which one tool opens."""
    return {name: content for disk in disks for name, content in disk.secrets.items()}
