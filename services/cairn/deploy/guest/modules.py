"""Kernel modules: which file has one, what each needs, the indexes that modprobe reads."""

import re
import shutil
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from cairn.deploy.guest.errors import BuildError


class Modules:
    """The modules of one kernel, from its lib/modules/VERSION."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files = {p.stem.replace("-", "_"): p for p in folder.glob("kernel/**/*.ko")}
        listed = (folder / "modules.builtin").read_text().split()
        self.built_in = {Path(line).stem.replace("-", "_") for line in listed}
        self.facts = cache(self._facts)

    @classmethod
    def of(cls, unpacked: Path) -> "Modules":
        """Those of the only kernel in a tree of unpacked packages."""
        folders = [p for p in unpacked.glob("lib/modules/*") if p.is_dir()]
        if len(folders) != 1:
            raise BuildError(f"{unpacked} holds {len(folders)} kernels instead of one")
        return cls(folders[0])

    def _facts(self, name: str) -> list[tuple[str, str]]:
        """The key=value strings that its author put in."""
        data = b"\0" + self.files[name].read_bytes()
        fields = re.findall(rb"(?<=\0)(depends|softdep|alias)=([^\0]*)", data)
        return [(key.decode(), value.decode()) for key, value in fields]

    def needs(self, name: str) -> list[str]:
        """What must be loaded before it."""
        result: list[str] = []
        for key, value in self.facts(name):
            if key == "depends":
                result += value.split(",")
            elif key == "softdep" and value.startswith("pre:"):
                result += value.removeprefix("pre:").split("post:")[0].split()
        return [n.replace("-", "_") for n in result if n]

    def closure(self, names: Iterable[str]) -> list[str]:
        """They and all they need, each after what it needs, but for what is built in."""
        order: list[str] = []

        def add(name: str) -> None:
            if name in order or name in self.built_in:
                return
            if name not in self.files:
                raise BuildError(f"kernel {self.folder.name} has no module {name}")
            for other in self.needs(name):
                add(other)
            order.append(name)

        for name in names:
            add(name.replace("-", "_"))
        return order

    def install(self, names: Iterable[str], root: Path) -> None:
        """Copy them and all they need into a guest's tree, with indexes for just these."""
        target = root / "lib/modules" / self.folder.name
        order = self.closure(names)
        place = {n: str(self.files[n].relative_to(self.folder)) for n in order}
        needs, aliases = [], []
        for name in order:
            path = target / place[name]
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(self.files[name], path)
            before = [place[n] for n in reversed(self.closure([name])[:-1])]
            needs.append(" ".join([place[name] + ":", *before]))
            aliases += [f"alias {v} {name}" for k, v in self.facts(name) if k == "alias"]
        for index, lines in (("dep", needs), ("alias", aliases), ("symbols", []), ("builtin", [])):
            text = "".join(line + "\n" for line in lines)
            (target / f"modules.{index}").write_text(text)
