"""Bytes from and to the image service. A host has no account there: it is lent each request."""

import os
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import requests

from cairn.common.client import refusal
from cairn.common.context import Context
from cairn.common.errors import Unavailable

# What a host is lent for one purpose: (context, what it is for, "read", "fill" or another of the
# lender's) -> {"url", "token"}, the address of one image and a token that is good for it alone.
Lend = Callable[[Context, str, str], Mapping[str, Any]]

CHUNK = 1 << 20
SILENCE = (10.0, 60.0)  # Seconds to connect, and between two pieces.


class Transfers:
    """Safe from any thread. Raises what the service refuses with, Unavailable where it does not
    answer or is not done within `seconds`."""

    def __init__(self, lend: Lend, ca_file: str, seconds: float) -> None:
        self.lend, self.ca_file, self.seconds = lend, ca_file, seconds

    def download(self, ctx: Context, subject: str, purpose: str = "read") -> Iterator[bytes]:
        """The image that the subject is made from, or another that it needs, piece by piece."""
        end = time.monotonic() + self.seconds
        try:
            with self._ask(ctx, subject, purpose, "GET", "/file", stream=True) as response:
                for piece in response.iter_content(CHUNK):
                    self._in_time(end)
                    yield piece
        except requests.RequestException as error:
            raise Unavailable(reason=f"The image service broke off: {error}") from error

    def upload(self, ctx: Context, subject: str, path: Path) -> None:
        """Fill the image that the subject is being made into."""
        with path.open("rb") as file:
            self._ask(ctx, subject, "fill", "PUT", "/file",
                      data=Timed(file, time.monotonic() + self.seconds, self),
                      headers={"Content-Type": "application/octet-stream"}).close()

    def status(self, ctx: Context, subject: str) -> str:
        """How the image that the subject is being made into is now."""
        with self._ask(ctx, subject, "fill", "GET", "") as response:
            return str(response.json()["status"])

    def _ask(
        self, ctx: Context, subject: str, purpose: str, method: str, path: str, *,
        headers: dict[str, str] | None = None, data: "Timed | None" = None, stream: bool = False,
    ) -> requests.Response:
        loan = self.lend(ctx, subject, purpose)
        own = {"X-Auth-Token": loan["token"],
               "X-OpenStack-Request-ID": ctx.global_request_id or ctx.request_id}
        try:
            response = requests.request(
                method, loan["url"] + path, headers=own | (headers or {}), data=data,
                stream=stream, timeout=SILENCE, verify=self.ca_file or True,
                allow_redirects=False,
            )
        except requests.RequestException as error:
            raise Unavailable(reason=f"The image service did not answer: {error}") from error
        if response.status_code >= 400:
            with response:
                raise refusal("image", response)
        return response

    def _in_time(self, end: float) -> None:
        if time.monotonic() > end:
            raise Unavailable(reason=f"A transfer of an image took over {self.seconds:.0f} s.")


class Timed:
    """A file that is read until some moment and no longer."""

    def __init__(self, file: BinaryIO, end: float, transfers: Transfers) -> None:
        self.file, self.end, self.transfers = file, end, transfers

    def __len__(self) -> int:
        return os.fstat(self.file.fileno()).st_size

    def read(self, size: int = -1) -> bytes:
        self.transfers._in_time(self.end)
        return self.file.read(size)
