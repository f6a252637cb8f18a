"""A service on a unix socket that answers with what it was asked."""

import json
import os
import socketserver
import sys
from http.server import BaseHTTPRequestHandler


class Echo(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            # It answers to the first bytes, before the last are sent if nothing holds them back.
            first = self.rfile.read(int(self.rfile.readline(), 16))
            body = json.dumps({"first": len(first)}).encode()
            self.close_connection = True
        else:
            length = int(self.headers.get("Content-Length", 0))
            while length > 0:
                length -= len(self.rfile.read(min(length, 65536)))
            seen = {"path": self.path, "method": self.command, **dict(self.headers)}
            body = json.dumps(seen).encode()
        if self.path.startswith("/compute/die"):
            with open("/tmp/deaths", "a") as file:
                file.write("died\n")
            self.close_connection = True
            return
        self.send_response(200)
        if self.path.startswith("/image/file/"):
            self.send_header("X-Accel-Redirect", "/_images/" + os.path.basename(self.path))
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PUT = do_DELETE = answer

    def address_string(self):
        return "socket"


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True


if os.path.exists(sys.argv[1]):
    os.unlink(sys.argv[1])
Server(sys.argv[1], Echo).serve_forever()
