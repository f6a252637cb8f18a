"""Screens and serial lines of guests, as sockets that libvirt hands over.

QEMU itself listens nowhere: it is given one end of a pair of sockets for each viewer of a screen.
A serial line comes out of libvirt as a stream, which here becomes a pair of sockets, too.
"""

import contextlib
import socket
import threading
import time
from typing import Any

import libvirt

PIECE = 4096
# What libvirt's streams say where others would block.
WOULD_BLOCK = -2
# Between two tries to write to a line that takes nothing now.
PAUSE = 0.02
# So long may it take nothing: a guest that has stopped reading what is typed.
STUCK = 30.0


def screen(domain: Any) -> socket.socket:
    """A viewer's end of the guest's first screen. Raises libvirtError."""
    return socket.socket(fileno=domain.openGraphicsFD(0, libvirt.VIR_DOMAIN_OPEN_GRAPHICS_SKIPAUTH))


def serial(connection: Any, domain: Any) -> socket.socket:
    """A viewer's end of the guest's serial line; who had it before loses it. What is written to the
    line goes on being logged. Raises libvirtError."""
    stream = connection.newStream(libvirt.VIR_STREAM_NONBLOCK)
    domain.openConsole(
        None, stream,
        libvirt.VIR_DOMAIN_CONSOLE_FORCE | libvirt.VIR_DOMAIN_CONSOLE_SAFE)
    return Line(stream).theirs


class Line:
    """Carries bytes between a stream and one end of a pair; `theirs` is the other."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self.theirs, self._ours = socket.socketpair()
        self._ended = threading.Event()
        stream.eventAddCallback(
            libvirt.VIR_STREAM_EVENT_READABLE | libvirt.VIR_STREAM_EVENT_ERROR
            | libvirt.VIR_STREAM_EVENT_HANGUP, self._heard, None)
        threading.Thread(target=self._type, daemon=True, name="serial line").start()

    def _heard(self, stream: Any, events: int, opaque: Any) -> None:
        """In libvirt's thread, which waits for nobody: what a viewer does not take in time is lost
        to him, as on any line without flow control; the log has it all."""
        try:
            if events & libvirt.VIR_STREAM_EVENT_READABLE:
                data = stream.recv(PIECE)
                if data == WOULD_BLOCK:
                    return
                if data:
                    with contextlib.suppress(BlockingIOError):
                        self._ours.send(data, socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)
                    return
        except (libvirt.libvirtError, OSError):
            pass
        with contextlib.suppress(libvirt.libvirtError):
            stream.eventRemoveCallback()
        self._hang_up()

    def _type(self) -> None:
        """What the viewer sends, until he hangs up or the line has ended."""
        with contextlib.suppress(OSError, libvirt.libvirtError):
            while data := self._ours.recv(PIECE):
                self._write(data)
        self._hang_up()
        # One that ended is finished already, or was taken over.
        with contextlib.suppress(libvirt.libvirtError):
            self._stream.eventRemoveCallback()
        with contextlib.suppress(libvirt.libvirtError):
            self._stream.abort()
        self._ours.close()

    def _write(self, data: bytes) -> None:
        until = time.monotonic() + STUCK
        while data and not self._ended.is_set():
            taken = self._stream.send(data)
            if taken != WOULD_BLOCK:
                data, until = data[taken:], time.monotonic() + STUCK
            elif time.monotonic() > until:
                raise TimeoutError
            else:
                self._ended.wait(PAUSE)

    def _hang_up(self) -> None:
        """Both threads see it: reading ends, and the viewer has no more."""
        self._ended.set()
        with contextlib.suppress(OSError):
            self._ours.shutdown(socket.SHUT_RDWR)
