"""The guest image, made on the side while Ansible builds the cloud."""

from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from cairn.deploy import guest, packages
from cairn.deploy.errors import Failed

CACHE = Path("/var/cache/cairn/guest")


class GuestImage:
    """Begins at once; whoever needs the file waits for it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="guest-image")
        self._future: Future[Path] = self._pool.submit(self._build)
        self._pool.shutdown(wait=False)

    def file(self) -> Path:
        try:
            return self._future.result()
        except guest.BuildError as wrong:
            raise Failed(f"the guest image could not be made: {wrong}") from wrong

    def _build(self) -> Path:
        try:
            return guest.build(self.directory, CACHE)
        except guest.BuildError:
            # A machine that has never asked its mirror knows no packages.
            packages.update()
            return guest.build(self.directory, CACHE)
