"""The way of a guest to its metadata, as far as the agent's host.

In each router's (or DHCP's) namespace an haproxy takes requests for 169.254.169.254 and passes
them to a unix socket that is this namespace's alone. Which socket a question comes in by says where
it was asked, and haproxy's PROXY header, before the first byte of the guest's, says by which
address: nothing a guest writes is believed.
"""

from pathlib import Path

from cairn.neutron.agent.commands import Daemon, write
from cairn.neutron.agent.metadata_server import LONGEST, MetadataServer
from cairn.neutron.settings import HostSettings

METADATA_IP = "169.254.169.254"


class MetadataProxy:
    """The haproxies of this host, by namespace. Where no server is there to ask, there are none."""

    def __init__(self, settings: HostSettings, server: MetadataServer | None) -> None:
        self.folder = Path(settings.state_dir, "metadata")
        self.server = server

    def run(
        self, namespace: str, bind: str, *, router_id: str | None = None,
        network_id: str | None = None,
    ) -> None:
        if self.server is None:
            return
        socket = self.server.listen(namespace, router_id=router_id, network_id=network_id)
        path = self.folder / f"{namespace}.cfg"
        daemon = self._daemon(namespace)
        anew = write(path, config(bind, socket, self.folder / f"{namespace}.pid"))
        if anew or not daemon.stands():
            daemon.stop()
            daemon.start("haproxy", "-f", str(path))

    def end(self, namespace: str) -> None:
        path = self.folder / f"{namespace}.cfg"
        if path.exists():
            self._daemon(namespace).stop()
            path.unlink()
        if self.server is not None:
            self.server.close(namespace)

    def alive(self) -> bool:
        """Every haproxy that was started runs, and every socket is where it should be."""
        running = all(self._daemon(path.stem).stands() for path in self.folder.glob("*.cfg"))
        return running and (self.server is None or self.server.listening())

    def _daemon(self, namespace: str) -> Daemon:
        path = self.folder / f"{namespace}.cfg"
        return Daemon(self.folder / f"{namespace}.pid", str(path), namespace)


def config(bind: str, socket: Path, pid_file: Path) -> str:
    """One request, one connection, on both sides: there is no second one to be taken for part of
    the first, nor a part of the first to be taken for a second."""
    return "\n".join([
        "global", "  daemon", f"  pidfile {pid_file}", "  maxconn 64", "  nbthread 1",
        "  user haproxy", "  group haproxy",
        "defaults", "  mode http", "  option httpclose", "  http-reuse never",
        # A slow body waits here, and not in a thread of the agent.
        "  option http-buffer-request",
        "  timeout connect 5s", "  timeout client 30s", "  timeout server 30s",
        "  timeout queue 10s", "  timeout http-request 10s",
        "listen metadata", f"  bind {bind}",
        "  http-request deny deny_status 405 unless { method GET HEAD POST }",
        "  http-request deny deny_status 400 if { req.hdr(transfer-encoding) -m found }",
        "  http-request deny deny_status 400 "
        "if { method GET HEAD } { req.hdr_val(content-length) gt 0 }",
        f"  http-request deny deny_status 413 if {{ req.hdr_val(content-length) gt {LONGEST} }}",
        f"  server agent unix@{socket} send-proxy-v2 maxconn 8", "",
    ])
