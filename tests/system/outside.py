"""A place outside of the cloud that its hosts reach: an address of this machine's, for web servers.

The network of the nodes is the cloud's own, from which it downloads nothing. answers.conf allows
this one.
"""

import contextlib
import http.server
import threading
from collections.abc import Callable, Iterator

from .clouds import run

ADDRESS = "198.51.100.80"


@contextlib.contextmanager
def web(handler: Callable[..., http.server.BaseHTTPRequestHandler]) -> Iterator[str]:
    """A web server there; its URL. Port 80: glance downloads from no others, unless told to."""
    run("ip", "address", "replace", f"{ADDRESS}/32", "dev", "lo")
    try:
        with http.server.ThreadingHTTPServer((ADDRESS, 80), handler) as server:
            server.daemon_threads = True
            threading.Thread(target=server.serve_forever, daemon=True).start()
            yield f"http://{ADDRESS}"
            server.shutdown()
    finally:
        run("ip", "address", "delete", f"{ADDRESS}/32", "dev", "lo")


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        pass
