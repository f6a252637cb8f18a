"""Stored credentials, encrypted at rest. Keys are files `<number>.key`; the highest encrypts, all
of them decrypt, so keys rotate without losing anything."""

import os
from pathlib import Path

from cryptography.fernet import Fernet, MultiFernet

from cairn.common.errors import Unavailable


class Vault:
    """Reads its keys when first used: a cloud without credentials needs none."""

    def __init__(self, folder: str) -> None:
        self.folder = Path(folder)
        self._fernet: MultiFernet | None = None
        self._seen = 0.0

    def close(self, text: str) -> str:
        return self._keys().encrypt(text.encode()).decode()

    def open(self, sealed: str) -> str:
        return self._keys().decrypt(sealed.encode()).decode()

    def _keys(self) -> MultiFernet:
        changed = self.folder.stat().st_mtime if self.folder.exists() else 0.0
        if self._fernet is None or changed != self._seen:
            files = sorted(self.folder.glob("*.key"), key=lambda path: -int(path.stem))
            if not files:
                raise Unavailable(
                    reason=f"There is no key in {self.folder} to encrypt credentials with; run "
                           "cairn-manage keystone bootstrap."
                )
            self._fernet = MultiFernet([Fernet(file.read_bytes().strip()) for file in files])
            self._seen = changed
        return self._fernet


def make_first_key(folder: str, pretend: bool = False) -> bool:
    """Give the folder a key if it has none, readable by whoever may read the folder."""
    place = Path(folder)
    if place.exists() and any(place.glob("*.key")):
        return False
    if not pretend:
        place.mkdir(parents=True, exist_ok=True)
        file = place / "1.key"
        file.touch(mode=0o600)
        file.write_bytes(Fernet.generate_key() + b"\n")
        owner = place.stat()
        os.chown(file, owner.st_uid, owner.st_gid)
        file.chmod(0o640)
    return True
