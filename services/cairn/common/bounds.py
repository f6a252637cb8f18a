"""What comes from elsewhere, before it becomes the name of something on this host."""

import uuid
from pathlib import Path

from cairn.common.errors import Invalid


def uuid_of(value: object, field: str) -> str:
    """The value as a UUID with dashes in small letters. Raises Invalid, naming the field, for
    anything else: nothing but a UUID is a safe name in every place that takes one."""
    try:
        if isinstance(value, str) and str(uuid.UUID(value)) == value:
            return value
    except ValueError:
        pass
    raise Invalid(reason=f"{field}: not a UUID: {str(value)[:64]!r}")


def below(folder: Path, *names: str) -> Path:
    """The path of what is called so below the folder. Raises Invalid for a name that is not one
    name, and for a path that leaves the folder, be it by a link."""
    for name in names:
        if name in ("", ".", "..") or "/" in name or "\0" in name:
            raise Invalid(reason=f"not a file's name: {name[:64]!r}")
    path = folder.joinpath(*names)
    home = folder.resolve()
    if path.is_symlink() or not path.resolve().is_relative_to(home) or path.resolve() == home:
        raise Invalid(reason=f"{path} is not below {folder}")
    return path


DIGITS = 18  # That fit into 64 bits.


def parse_whole(text: str) -> int | None:
    """The number, if the text is nothing but digits and not too many: Python itself takes more
    for one than there is."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= DIGITS else None
