"""The turning of keys. A key is a file `<number>.key`, the highest number is the one in use.

The next one comes as `<number>.next`, which is good for reading but not yet for writing: it can be
spread to every controller before any of them uses it. Then it is renamed. Files appear whole, and
belong to whom the key before them does.
"""

import os
import re
import time
from pathlib import Path

from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.hazmat.primitives.serialization import PublicFormat as Public

# A token names its key by one byte.
LAST = 255


def numbers(folder: Path, suffix: str) -> list[int]:
    """Of the files of this kind, the lowest first."""
    names = (path.name for path in folder.glob(f"*.{suffix}"))
    return sorted(int(name.split(".")[0]) for name in names if re.match(r"\d+\.\w+$", name))


def place(folder: Path, name: str, content: bytes, mode: int = 0o640) -> Path:
    """Write a file, whole or not at all, for whoever has the other keys (or the folder)."""
    kept = numbers(folder, "key")
    owner = (folder / f"{kept[-1]}.key" if kept else folder).stat()
    file, draft = folder / name, folder / f".{name}"
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as open_:
        open_.write(content)
        open_.flush()
        os.fsync(open_.fileno())
    os.chown(draft, owner.st_uid, owner.st_gid)
    draft.chmod(mode)
    draft.rename(file)
    return file


def stage_token(folder: Path) -> int:
    """The number of the key that is next; made, with what verifies it, if there is none yet."""
    waiting = numbers(folder, "next")
    if waiting:
        return waiting[-1]
    number = max(numbers(folder, "key") + numbers(folder, "pub"), default=0) + 1
    if number > LAST:
        raise ValueError(f"a token cannot name key {number}; the last is {LAST}")
    key = Ed25519PrivateKey.generate()
    # First what verifies: no token may be signed that cannot be verified.
    place(folder, f"{number}.pub", key.public_key().public_bytes(
        Encoding.PEM, Public.SubjectPublicKeyInfo), 0o644)
    place(folder, f"{number}.next", key.private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return number


def stage_credential(folder: Path) -> int:
    waiting = numbers(folder, "next")
    if waiting:
        return waiting[-1]
    number = max(numbers(folder, "key"), default=0) + 1
    place(folder, f"{number}.next", Fernet.generate_key() + b"\n")
    return number


def use(folder: Path, number: int) -> None:
    """From now on the staged key is the one in use."""
    file = folder / f"{number}.next"
    file.touch()  # Its age is how long it is in use.
    file.rename(folder / f"{number}.key")


def turn_tokens(folder: Path, number: int, lifetime: float) -> list[str]:
    """Sign with the staged key; the names of the files that were taken away: private keys that sign
    no more, and public ones no living token was signed with, because their successor has been in
    use for a token's whole life."""
    kept = numbers(folder, "key")
    gone = [f"{each}.key" for each in kept]
    if kept and time.time() - (folder / f"{kept[-1]}.key").stat().st_mtime > lifetime:
        gone += [f"{each}.pub" for each in numbers(folder, "pub") if each < kept[-1]]
    use(folder, number)
    for name in gone:
        (folder / name).unlink(missing_ok=True)
    return gone
