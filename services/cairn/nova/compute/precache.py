"""Images that the host fetches before a server asks for them."""

import logging
import queue
import threading
from collections.abc import Callable

from cairn.common.context import Context
from cairn.common.transfers import Transfers
from cairn.nova.compute.images import ImageCache
from cairn.nova.rpc import Image, Loan

log = logging.getLogger(__name__)


class Precache:
    """Fetches one after the other, in a thread of its own: servers that are being made have the
    network before it. What this process does not live to fetch is not fetched: the next server that
    needs it does."""

    def __init__(self, images: ImageCache, transfers: Callable[[Loan], Transfers]) -> None:
        self._images, self._transfers = images, transfers
        self._asked: queue.Queue[tuple[Context, Image, Loan] | None] = queue.Queue()

    def add(self, ctx: Context, image: Image, loan: Loan) -> None:
        """Fetch it when those before it are here."""
        self._asked.put((ctx, image, loan))

    def start(self) -> None:
        threading.Thread(target=self._loop, daemon=True, name="precache").start()

    def stop(self) -> None:
        self._asked.put(None)

    def _loop(self) -> None:
        while (asked := self._asked.get()) is not None:
            self.fetch(*asked)

    def fetch(self, ctx: Context, image: Image, loan: Loan) -> None:
        """Fetch it now; the log says how that went."""
        try:
            new = self._images.cache(ctx, image, self._transfers(loan))
        except Exception as error:  # Whatever it was, the next image may be fine.
            log.warning("image %.80s is not cached: %s", image.get("id"), error)
        else:
            log.info("image %s is cached%s", image["id"], "" if new else " already")
