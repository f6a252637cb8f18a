import http.server
import shutil
import threading

import pytest
from fakes.declared import watch

from cairn.common.context import Context
from cairn.common.db import Database
from cairn.common.policy import Policy
from cairn.glance.app import create_app
from cairn.glance.component import Glance
from cairn.glance.db.models import Base
from cairn.glance.drivers.gate import Gate
from cairn.glance.drivers.stores import Stores
from cairn.glance.policy import RULES
from cairn.glance.settings import CacheSettings, ImageSettings, ImportSettings, StoreSettings
from cairn.glance.worker.process import make as make_worker


def person(name, project, *roles):
    return Context(name, project_id=project, roles=frozenset(roles))


PEOPLE = {
    "admin": person("root", "ops", "admin", "member", "reader"),
    "nova": person("nova", "service", "service"),
    "alice": person("alice", "red", "member", "reader"),
    "bob": person("bob", "blue", "member", "reader"),
    "rita": person("rita", "red", "reader"),
}

watched = pytest.fixture(autouse=True)(watch)


@pytest.fixture
def people():
    return PEOPLE


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "images").mkdir()
    return tmp_path / "images"


@pytest.fixture(scope="session")
def empty(tmp_path_factory):
    """A database file with nothing in its tables."""
    path = tmp_path_factory.mktemp("glance") / "empty.db"
    db = Database(f"sqlite:///{path}")
    Base.metadata.create_all(db.engine)
    db.engine.dispose()
    return path


@pytest.fixture
def glance(tmp_path, folder, empty):
    shutil.copy(empty, tmp_path / "glance.db")
    db = Database(f"sqlite:///{tmp_path}/glance.db")
    settings = ImageSettings(folder=str(folder), accel="", size_cap=8 << 20)
    imports = ImportSettings(allowed_ports="", allowed_networks="127.0.0.0/8")
    stores = Stores(settings, StoreSettings(enabled=f"local:file:{folder} second:file web:http"),
                    imports, Gate(imports))
    yield Glance(db, Policy(RULES), settings, stores, imports=imports,
                 cache=CacheSettings(folder=str(folder / "cache")))
    db.engine.dispose()


@pytest.fixture
def work(glance):
    """work(): do now what the worker would do next."""
    return lambda: make_worker(glance).drain()


@pytest.fixture
def call(glance):
    """call(method, path, who="alice", **what the test client takes) -> the response."""
    app = create_app(glance, lambda headers: PEOPLE.get(headers.get("X-Auth-Token")), {})
    client = app.test_client()

    def call(method, path, who="alice", headers=None, **args):
        return client.open(path, method=method,
                           headers={"X-Auth-Token": who, **(headers or {})}, **args)

    return call


@pytest.fixture
def make(call):
    """make(**fields) -> the id of a new image of alice's."""
    def make(who="alice", **fields):
        body = {"name": "tiny", "disk_format": "raw", "container_format": "bare"} | fields
        made = call("POST", "/v2/images", who, json=body)
        assert made.status_code == 201, made.json
        return made.json["id"]

    return make


@pytest.fixture
def upload(call):
    def upload(image_id, data, who="alice"):
        return call("PUT", f"/v2/images/{image_id}/file", who, data=data,
                    content_type="application/octet-stream")

    return upload


@pytest.fixture
def web():
    """A web server of one page; web.url is its address, web.answers what it says by path."""
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            code, headers, body = self.server.answers.get(self.path, (404, {}, b""))
            start = self.headers.get("Range")
            if start and code == 200:
                code, body = 206, body[int(start.removeprefix("bytes=").rstrip("-")):]
            self.send_response(code)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        do_HEAD = do_GET

        def log_message(self, *args):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.answers = {"/image": (200, {}, b"\x00" * 70000 + b"the end")}
    server.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()
