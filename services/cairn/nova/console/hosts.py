"""Consoles, as their hosts hand them over."""

import asyncio
import ssl
from asyncio import StreamReader, StreamWriter

from cairn.common.context import Context
from cairn.common.errors import Problem, Unavailable
from cairn.nova.core.console_tokens import Pass
from cairn.nova.rpc import Compute, ConsolePlace
from cairn.nova.settings import ConsoleProxySettings

# What a host says before the console's first byte; anything else is why it does not.
READY = b"ready\n"
PIECE = 64 << 10


class NotHandedOver(Problem):
    code = 502
    message = "The server's host did not hand the console over: {reason}"


def client_context(settings: ConsoleProxySettings) -> ssl.SSLContext:
    """TLS with our certificate, to hosts whose certificates have the address they are at."""
    context = ssl.create_default_context(cafile=settings.ca_file or None)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    if settings.cert_file:
        context.load_cert_chain(settings.cert_file, settings.key_file)
    return context


class Hosts:
    """Asks a host for a ticket over the broker, and for the console with it."""

    def __init__(self, compute: Compute, tls: ssl.SSLContext, timeout: float) -> None:
        self.compute, self.tls, self.timeout = compute, tls, timeout

    def ask(self, ctx: Context, opened: Pass) -> ConsolePlace:
        """A ticket, and where it is good. Blocks. Raises Unavailable, Remote."""
        return self.compute.open_console(
            ctx, host=opened.host, server_id=opened.server_id, console_type=opened.console_type)

    async def connect(self, place: ConsolePlace) -> tuple[StreamReader, StreamWriter]:
        """The console's bytes. Raises Unavailable, NotHandedOver."""
        writer = None
        try:
            async with asyncio.timeout(self.timeout):
                reader, writer = await asyncio.open_connection(
                    place["address"], place["port"], ssl=self.tls, limit=PIECE)
                writer.write(place["ticket"].encode() + b"\n")
                said = await reader.readline()
            if said == READY:
                return reader, writer
            reason = said.decode(errors="replace").strip()[:200] or "it hung up"
        except (OSError, ValueError, TimeoutError) as error:
            _hang_up(writer)
            raise Unavailable(reason=f"{place['address']} port {place['port']}: {error}") from error
        except BaseException:
            _hang_up(writer)
            raise
        _hang_up(writer)
        raise NotHandedOver(reason=reason)


def _hang_up(writer: StreamWriter | None) -> None:
    if writer is not None:
        writer.transport.abort()
