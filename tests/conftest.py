"""What tests of every component share: databases, with nothing in them but a schema, and what was
recorded there."""

import getpass
import importlib
import itertools
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy import create_engine, event, text

from cairn.common import events
from cairn.common.collation import COLLATION
from cairn.common.db import Database

# A request that does not record the event its endpoint declares fails.
events.STRICT = True


@pytest.fixture(scope="session")
def _templates(tmp_path_factory):
    return tmp_path_factory.mktemp("schemas"), {}


@pytest.fixture
def sqlite(tmp_path, _templates):
    """sqlite(Base) -> a Database with that schema on a file of its own: made once, then copied."""
    folder, made = _templates
    opened = []

    def empty(base):
        if base not in made:
            made[base] = folder / f"{len(made)}.db"
            db = Database(f"sqlite:///{made[base]}")
            base.metadata.create_all(db.engine)
            db.engine.dispose()
        path = tmp_path / f"{len(opened)}.db"
        shutil.copy(made[base], path)
        db = Database(f"sqlite:///{path}")
        # Nobody reads it after a crash.
        event.listen(db.engine, "connect", lambda c, _: c.execute("PRAGMA synchronous=OFF"))
        opened.append(db)
        return db

    yield empty
    for db in opened:
        db.engine.dispose()


@pytest.fixture
def mariadb(schema):
    """mariadb(Base, pool_size=8) -> a Database with that schema on a real server, for what SQLite
    has not: many writers at once."""

    def made(base, pool_size=8):
        db = schema(pool_size=pool_size)
        base.metadata.create_all(db.engine)
        return db

    return made


@pytest.fixture
def schema(_mariadb):
    """schema(collation=COLLATION, pool_size=8) -> a Database on a real server, without a table."""
    admin, numbers, url = _mariadb
    opened = []

    def empty(collation=COLLATION, pool_size=8):
        name = f"t{next(numbers)}"
        with admin.begin() as connection:
            connection.execute(text(f"CREATE DATABASE {name} COLLATE {collation}"))
        db = Database(url.format(name), pool_size)
        opened.append((name, db))
        return db

    yield empty
    for name, db in opened:
        db.close()
        with admin.begin() as connection:
            connection.execute(text(f"DROP DATABASE {name}"))


@pytest.fixture
def follow():
    """follow(db, Event, EventReader) -> a function: the events since its last call."""

    def follow(db, recorded, readers):
        place = 0

        def read():
            nonlocal place
            rows = events.read_after(db, recorded, readers, place)
            place = rows[-1].sequence if rows else place
            return rows

        return read

    return follow


@pytest.fixture(scope="session")
def _mariadb(tmp_path_factory):
    """A MariaDB of our own. Skips where there is none, or nothing to speak to it with."""
    server, install = shutil.which("mariadbd"), shutil.which("mariadb-install-db")
    folder = tmp_path_factory.mktemp("mariadb")
    if server is None or install is None or not _driver(folder):
        pytest.skip("there is no MariaDB here")
    data, socket, me = folder / "data", folder / "s", getpass.getuser()
    # A server that starts removes all temporary tables it finds, those of its neighbours as well.
    (folder / "tmp").mkdir()
    env = os.environ | {"TMPDIR": str(folder / "tmp")}
    made = subprocess.run(
        [install, "--no-defaults", "--force", f"--user={me}", f"--datadir={data}",
         "--auth-root-authentication-method=normal", "--skip-test-db"],
        capture_output=True, text=True, env=env)
    assert made.returncode == 0, made.stderr
    running = subprocess.Popen(
        [server, "--no-defaults", f"--user={me}", f"--datadir={data}", f"--socket={socket}",
         "--skip-networking", f"--pid-file={folder}/pid", "--innodb-lock-wait-timeout=5",
         # Nobody reads it after a crash.
         "--innodb-flush-log-at-trx-commit=0", "--innodb-flush-method=nosync",
         "--innodb-doublewrite=0", "--innodb-file-per-table=0",
         "--character-set-server=utf8mb4", f"--collation-server={COLLATION}"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=env)
    try:
        deadline = time.monotonic() + 30
        while not socket.exists() and time.monotonic() < deadline:
            time.sleep(0.1)
        admin = create_engine(f"mysql+mysqldb://root@localhost/?unix_socket={socket}")
        yield (admin, itertools.count(),
               "mysql+mysqldb://root@localhost/{}?unix_socket=" + str(socket))
        admin.dispose()
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
