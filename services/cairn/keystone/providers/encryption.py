"""The keys that values are kept encrypted with. The highest one encrypts, all of them decrypt
(keys.py), so that they turn without losing anything."""

from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from cairn.common.errors import Unavailable
from cairn.common.tokens import Watched
from cairn.keystone.providers import keys


class Unreadable(Unavailable):
    message = (
        "What is kept here cannot be decrypted with the keys there are; run cairn-manage keystone "
        "doctor."
    )


class Encryption:
    """Reads its keys when first used: a cloud without credentials needs none."""

    def __init__(self, folder: str) -> None:
        self.folder = Path(folder)
        self._watched = Watched(self.folder)
        self._fernet: MultiFernet | None = None

    def encrypt(self, text: str) -> str:
        return self._keys().encrypt(text.encode()).decode()

    def decrypt(self, encrypted: str) -> str:
        """Raises Unreadable where the key is gone."""
        try:
            return self._keys().decrypt(encrypted.encode()).decode()
        except InvalidToken as wrong:
            raise Unreadable from wrong

    def newest(self) -> Fernet:
        """The key in use alone."""
        number = keys.numbers(self.folder, "key")[-1]
        return Fernet((self.folder / f"{number}.key").read_bytes().strip())

    def _keys(self) -> MultiFernet:
        try:
            if not self._watched.changed() and self._fernet is not None:
                return self._fernet
        except FileNotFoundError:
            pass
        for _ in range(3):
            try:
                self._fernet = MultiFernet(self._read())
                return self._fernet
            except FileNotFoundError:  # Renamed, or taken away, at this moment.
                continue
        raise Unavailable(reason=f"The keys in {self.folder} are being changed; try again.")

    def _read(self) -> list[Fernet]:
        used, waiting = keys.numbers(self.folder, "key"), keys.numbers(self.folder, "next")
        if not used:
            raise Unavailable(
                reason=f"There is no key in {self.folder} to encrypt credentials with; run "
                       "cairn-manage keystone bootstrap."
            )
        # A key that is next decrypts already: another controller may be ahead.
        names = [f"{n}.key" for n in reversed(used)] + [f"{n}.next" for n in reversed(waiting)]
        return [Fernet((self.folder / name).read_bytes().strip()) for name in names]


def make_first_key(folder: str, pretend: bool = False) -> bool:
    """Give the folder a key if it has none, readable by whoever may read the folder."""
    place = Path(folder)
    if place.exists() and keys.numbers(place, "key"):
        return False
    if not pretend:
        place.mkdir(parents=True, exist_ok=True)
        keys.place(place, "1.key", Fernet.generate_key() + b"\n")
    return True
