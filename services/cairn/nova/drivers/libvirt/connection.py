"""The way to libvirtd: one connection for all threads, made anew when the daemon was restarted."""

import threading
from typing import Any

import libvirt

from cairn.nova.errors import HypervisorAway, HypervisorFailed

GONE = {libvirt.VIR_ERR_NO_DOMAIN}
# What libvirt tells by raising is enough; it would print the same to stderr.
libvirt.registerErrorHandler(lambda context, error: None, None)


class Connection:
    def __init__(self, uri: str) -> None:
        self.uri = uri
        # Keepalive, which tells a hanging daemon from a busy one, needs an event loop.
        libvirt.virEventRegisterDefaultImpl()
        threading.Thread(target=_events, daemon=True, name="libvirt events").start()
        self._lock = threading.Lock()
        self._open: Any = None

    def get(self) -> Any:
        """A living virConnect. Raises HypervisorAway, HypervisorFailed."""
        with self._lock:
            try:
                if self._open is None or not self._open.isAlive():
                    self._open = libvirt.open(self.uri)
                    self._open.setKeepAlive(5, 3)
            except libvirt.libvirtError as error:
                self._open = None
                raise failure(error) from error
            return self._open

    def find(self, server_id: str) -> Any | None:
        """The server's domain, None when there is none."""
        try:
            return self.get().lookupByUUIDString(server_id)
        except libvirt.libvirtError as error:
            if error.get_error_code() in GONE:
                return None
            raise failure(error) from error


def failure(error: libvirt.libvirtError) -> HypervisorFailed:
    """The same in words that a fault may carry; what the way itself says tells that nobody is at
    its end."""
    away = error.get_error_domain() == libvirt.VIR_FROM_RPC
    return (HypervisorAway if away else HypervisorFailed)(reason=error.get_error_message())


def _events() -> None:
    while True:
        libvirt.virEventRunDefaultImpl()
