import shutil

import pytest
from argon2 import PasswordHasher
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.hazmat.primitives.serialization import PublicFormat as Public
from fakes.declared import watch

from cairn.common.auth import Authenticator
from cairn.common.db import Database
from cairn.common.policy import Policy
from cairn.common.tokens import Signer, Verifier
from cairn.keystone.app import create_app
from cairn.keystone.component import Keystone
from cairn.keystone.core.bootstrap import bootstrap
from cairn.keystone.db.models import Base
from cairn.keystone.policy import RULES
from cairn.keystone.providers import passwords
from cairn.keystone.providers.directory import Directory
from cairn.keystone.providers.encryption import Encryption, make_first_key
from cairn.keystone.providers.passwords import Passwords
from cairn.keystone.providers.revocations import FreshAuthenticator, RevocationReader
from cairn.keystone.settings import TokenSettings

CLOUD = {
    "admin": {"password": "root's"},
    "region": "RegionOne",
    "projects": ["service", "red"],
    "users": [
        {"name": "nova", "password": "nova's", "project": "service", "roles": ["service"]},
        {"name": "alice", "password": "alice's", "project": "red", "roles": ["member"]},
    ],
    "services": [
        {"type": "identity", "name": "keystone",
         "endpoints": {"public": "https://cloud/identity/v3"}},
        {"type": "volume", "name": "old", "endpoints": {"public": "https://cloud/$(project_id)s"}},
    ],
}

# Parsed once: it is the same for every test.
POLICY = Policy(RULES)

watched = pytest.fixture(autouse=True)(watch)


class Told:
    """Stands for the stub of tokens' verifiers: remembers what it was told."""

    def __init__(self):
        self.events = []

    def revoked(self, ctx, *, signed):
        self.events.append(signed)


@pytest.fixture(scope="session", autouse=True)
def cheap_hashes():
    """The same algorithm at its least cost."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "HASHER", PasswordHasher(1, 8, 1))
        yield


@pytest.fixture(scope="session")
def keys(tmp_path_factory):
    folder = tmp_path_factory.mktemp("keys")
    key = Ed25519PrivateKey.generate()
    (folder / "1.key").write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    (folder / "1.pub").write_bytes(
        key.public_key().public_bytes(Encoding.PEM, Public.SubjectPublicKeyInfo)
    )
    make_first_key(str(folder / "credential"))
    return folder


@pytest.fixture(scope="session")
def begun(tmp_path_factory, cheap_hashes):
    """A database with CLOUD in it, made once."""
    file = tmp_path_factory.mktemp("begun") / "keystone.db"
    db = Database(f"sqlite:///{file}")
    Base.metadata.create_all(db.engine)
    bootstrap(db, CLOUD)
    db.engine.dispose()
    return file


@pytest.fixture
def db(begun, tmp_path):
    db = Database(f"sqlite:///{shutil.copy(begun, tmp_path)}")
    yield db
    db.engine.dispose()


def process(db, keys):
    """What one process has of its own."""
    verifier = Verifier(str(keys))
    return Keystone(
        db=db, policy=POLICY, signer=Signer(str(keys)), verifier=verifier,
        revocations=Told(), revoked=RevocationReader(db, verifier, 3600), passwords=Passwords(),
        directory=Directory(), encryption=Encryption(str(keys / "credential")),
        tokens=TokenSettings(),
    )


@pytest.fixture
def keystone(db, keys):
    return process(db, keys)


def client_of(keystone):
    authenticate = FreshAuthenticator(keystone.revoked, Authenticator(keystone.verifier))
    return create_app(keystone, authenticate, {}).test_client()


class Caller:
    """Somebody with a token, calling /v3 by the client of one process."""

    def __init__(self, client, token=None, **headers):
        self.client, self.token, self.headers = client, token, headers

    def __call__(self, method, path, json=None, **headers):
        headers = {**self.headers, **{k.replace("_", "-"): v for k, v in headers.items()}}
        if self.token:
            headers["X-Auth-Token"] = self.token
        return self.client.open(f"/v3{path}", method=method, json=json, headers=headers)

    def ok(self, method, path, json=None, **headers):
        """The document; the call must succeed."""
        reply = self(method, path, json, **headers)
        assert reply.status_code < 300, reply.text
        return reply.json

    def make(self, path, **wanted):
        """POST to a collection: what came of it."""
        (kind, made), = self.ok("POST", f"/{path}", {path.rstrip("s"): wanted}).items()
        return made


def asking(name, password, scope=None, domain="default"):
    user = {"name": name, "domain": {"id": domain}, "password": password}
    auth = {"identity": {"methods": ["password"], "password": {"user": user}}}
    return {"auth": auth if scope is None else {**auth, "scope": scope}}


def project(name, domain="default"):
    return {"project": {"name": name, "domain": {"id": domain}}}


SYSTEM = {"system": {"all": True}}


@pytest.fixture
def client(keystone):
    return client_of(keystone)


@pytest.fixture
def anyone(client):
    return Caller(client)


@pytest.fixture
def login(client):
    """login(name, password, scope) -> a Caller with that token."""
    def login(name, password=None, scope=None, domain="default"):
        body = asking(name, password or f"{name}'s", scope, domain)
        reply = client.post("/v3/auth/tokens", json=body)
        assert reply.status_code == 201, reply.text
        return Caller(client, reply.headers["X-Subject-Token"])

    return login


@pytest.fixture
def admin(login):
    return login("admin", "root's", project("admin"))


@pytest.fixture
def alice(login):
    return login("alice", scope=project("red"))


@pytest.fixture
def world(admin, login):
    """A second domain `blue` with a project, a manager and a member of its own."""
    domain = admin.make("domains", name="blue")
    roles = {r["name"]: r["id"] for r in admin.ok("GET", "/roles")["roles"]}
    users = {}
    for name in ("manager", "member"):
        users[name] = admin.make("users", name=name, password=f"{name}'s", domain_id=domain["id"])
        path = f"/domains/{domain['id']}/users/{users[name]['id']}/roles/{roles[name]}"
        admin.ok("PUT", path)
    made = admin.make("projects", name="sea", domain_id=domain["id"])

    class World:
        domain_id, project_id = domain["id"], made["id"]
        role = roles
        user = {name: user["id"] for name, user in users.items()}

        @staticmethod
        def as_(name):
            return login(name, scope={"domain": {"id": domain["id"]}}, domain=domain["id"])

    return World
