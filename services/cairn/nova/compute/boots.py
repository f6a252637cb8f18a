"""Whether the host (or container) booted since what that asks for was last done."""

import os
from pathlib import Path


class Boots:
    def __init__(self, folder: Path) -> None:
        self.mark = folder / ".boot"

    def again(self) -> bool:
        """Whether it is another boot than the one that was noted; not where none was."""
        return self.mark.exists() and self.mark.read_text() != current()

    def note(self) -> None:
        part = self.mark.with_suffix(".part")
        part.write_text(current())
        os.replace(part, self.mark)


def current() -> str:
    """What no two boots have in common."""
    with open("/proc/sys/kernel/random/boot_id") as file:
        kernel = file.read().strip()
    with open("/proc/1/stat") as file:
        return f"{kernel} {file.read().rpartition(')')[2].split()[19]}"
