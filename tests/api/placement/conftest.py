import getpass
import importlib
import shutil
import subprocess
import sys
import time
import uuid
from pathlib import Path

import pytest
from sqlalchemy import create_engine, event, text

from cairn.common.context import Context
from cairn.common.db import Database
from cairn.common.policy import Policy
from cairn.placement.app import create_app
from cairn.placement.component import make
from cairn.placement.db.models import Base
from cairn.placement.policy import RULES

PEOPLE = {
    "admin": Context("root", project_id="ops", roles=frozenset({"admin", "member", "reader"})),
    "nova": Context("nova", project_id="service", roles=frozenset({"service"})),
    "alice": Context("alice", project_id="red", roles=frozenset({"member", "reader"})),
    "system": Context("root", system=True, roles=frozenset({"admin", "member", "reader"})),
}


@pytest.fixture(scope="session")
def schema(tmp_path_factory):
    """An empty database: made once, copied for each test."""
    path = tmp_path_factory.mktemp("placement") / "placement.db"
    db = Database(f"sqlite:///{path}")
    Base.metadata.create_all(db.engine)
    db.engine.dispose()
    return path


@pytest.fixture
def placement(tmp_path, schema):
    shutil.copy(schema, tmp_path / "placement.db")
    db = Database(f"sqlite:///{tmp_path}/placement.db")
    # Nobody reads it after a crash.
    event.listen(db.engine, "connect", lambda c, record: c.execute("PRAGMA synchronous=OFF"))
    yield make(db, Policy(RULES))
    db.engine.dispose()


@pytest.fixture
def app(placement):
    return create_app(placement, lambda headers: PEOPLE.get(headers.get("X-Auth-Token")), {})


@pytest.fixture
def client(app):
    return app.test_client()


@pytest.fixture
def call(app):
    """call(method, path, json, who="nova", version="1.39") -> the response."""

    def call(method, path, json=None, who="nova", version="1.39"):
        headers = {"X-Auth-Token": who, "OpenStack-API-Version": f"placement {version}"}
        return app.test_client().open(path, method=method, json=json, headers=headers)

    return call


@pytest.fixture
def provider(call):
    """provider(name, parent=None, stock={...}, traits=[...], aggregates=[...]) -> its uuid."""

    def provider(name, parent=None, stock=None, traits=(), aggregates=()):
        made = call("POST", "/resource_providers", {"name": name, "parent_provider_uuid": parent})
        assert made.status_code == 200, made.json
        base = f"/resource_providers/{made.json['uuid']}"
        for what, body in (
            ("inventories", {"inventories": {c: {"total": n} if isinstance(n, int) else n
                                             for c, n in (stock or {}).items()}}),
            ("traits", {"traits": list(traits)}), ("aggregates", {"aggregates": list(aggregates)}),
        ):
            generation = call("GET", base).json["generation"]
            kept = call("PUT", f"{base}/{what}",
                        {**body, "resource_provider_generation": generation})
            assert kept.status_code == 200, kept.json
        return made.json["uuid"]

    return provider


@pytest.fixture
def claim(call):
    """claim({provider: {class: amount}}, consumer=None, generation=None) -> the response."""

    def claim(resources, consumer=None, generation=None, kind="INSTANCE", **body):
        return call("PUT", f"/allocations/{consumer or uuid.uuid4()}", {
            "allocations": {p: {"resources": wanted} for p, wanted in resources.items()},
            "project_id": "red", "user_id": "alice", "consumer_generation": generation,
            "consumer_type": kind, **body})

    return claim


@pytest.fixture(scope="session")
def mariadb(tmp_path_factory):
    """The URL of an empty database on a MariaDB of our own, for what SQLite has not: many writers
    at once. Skips where there is no MariaDB, or nothing to speak to it with."""
    server, install = shutil.which("mariadbd"), shutil.which("mariadb-install-db")
    folder = tmp_path_factory.mktemp("mariadb")
    if server is None or install is None or not _driver(folder):
        pytest.skip("there is no MariaDB here")
    data, socket, me = folder / "data", folder / "s", getpass.getuser()
    subprocess.run([install, "--no-defaults", "--force", f"--user={me}", f"--datadir={data}",
                    "--auth-root-authentication-method=normal", "--skip-test-db"],
                   check=True, capture_output=True)
    running = subprocess.Popen(
        [server, "--no-defaults", f"--user={me}", f"--datadir={data}", f"--socket={socket}",
         "--skip-networking", f"--pid-file={folder}/pid", "--innodb-flush-log-at-trx-commit=0",
         "--character-set-server=utf8mb4", "--collation-server=utf8mb4_bin"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 30
        while not socket.exists() and time.monotonic() < deadline:
            time.sleep(0.1)
        admin = create_engine(f"mysql+mysqldb://root@localhost/?unix_socket={socket}")
        with admin.begin() as connection:
            connection.execute(text("CREATE DATABASE placement"))
        admin.dispose()
        yield f"mysql+mysqldb://root@localhost/placement?unix_socket={socket}"
    finally:
        running.terminate()
        running.wait(30)


def _driver(folder):
    """Whether MySQLdb can be imported: it is the distribution's, not a package of a venv."""
    system = Path("/usr/lib/python3/dist-packages/MySQLdb")
    try:
        importlib.import_module("MySQLdb")
    except ImportError:
        if not system.exists():
            return False
        (folder / "lib").mkdir()
        (folder / "lib" / "MySQLdb").symlink_to(system)
        sys.path.append(str(folder / "lib"))
        try:
            importlib.import_module("MySQLdb")
        except ImportError:
            return False
    return True
