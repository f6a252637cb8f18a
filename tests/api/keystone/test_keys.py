"""Keys turn while the cloud works: no token is refused, nothing that was encrypted is lost."""

import os
import shutil
import threading

import pytest

from cairn.common.db import Database
from cairn.common.errors import Unauthorized
from cairn.common.tokens import Verifier
from cairn.keystone import cli
from cairn.keystone.providers import keys as turning

from .conftest import Caller, asking, client_of, process, project


@pytest.fixture
def folder(keys, tmp_path):
    """A controller's own copy of the keys."""
    return shutil.copytree(keys, tmp_path / "keys")


@pytest.fixture
def keystone(db, folder):
    return process(db, folder)


@pytest.fixture
def conf(db, folder, tmp_path):
    file = tmp_path / "keystone-api.conf"
    file.write_text(
        f"[database]\nurl = {db.engine.url}\n[tokens]\nkeys = {folder}\n"
        f"[identity]\npublic_keys = {folder}\n[credentials]\nkeys = {folder}/credential\n"
    )
    return file


@pytest.fixture
def verb(conf, capsys):
    """verb("token-rotate", ...) -> (status, what it printed)."""
    def verb(name, *arguments):
        status = cli.VERBS[name](list(arguments), conf)
        return status, capsys.readouterr().out
    return verb


def names(folder, *suffixes):
    return sorted(path.name for path in folder.iterdir() if path.suffix in suffixes)


class TestTokens:
    def test_a_new_key_signs_and_the_old_ones_tokens_stay_good(self, verb, folder, alice, client):
        assert verb("token-rotate")[0] == 0
        assert names(folder, ".key", ".pub", ".next") == ["1.pub", "2.key", "2.pub"]
        assert alice("GET", "/auth/projects").status_code == 200
        reply = client.post("/v3/auth/tokens", json=asking("alice", "alice's"))
        text = reply.headers["X-Subject-Token"]
        assert Verifier(str(folder)).verify(text).user["name"] == "alice"
        (folder / "2.pub").unlink()
        with pytest.raises(Unauthorized):
            Verifier(str(folder)).verify(text)

    def test_the_files_are_whose_the_others_are(self, verb, folder):
        (folder / "1.key").chmod(0o640)
        if os.getuid() == 0:
            os.chown(folder / "1.key", 0, 12345)
        verb("token-rotate")
        stat = (folder / "2.key").stat()
        assert stat.st_mode & 0o777 == 0o640
        assert (folder / "2.pub").stat().st_mode & 0o777 == 0o644
        if os.getuid() == 0:
            assert (stat.st_uid, stat.st_gid) == (0, 12345)

    def test_a_staged_key_does_not_sign(self, verb, folder, client, login):
        assert verb("token-rotate", "--stage")[0] == 0
        assert verb("token-rotate", "--stage")[0] == 0
        assert names(folder, ".key", ".pub", ".next") == ["1.key", "1.pub", "2.next", "2.pub"]
        other = Verifier(str(folder))
        (folder / "2.pub").rename(folder / "kept")
        assert other.verify(login("alice").token)
        (folder / "kept").rename(folder / "2.pub")
        verb("token-rotate")
        assert other.verify(login("alice").token)

    def test_what_verifies_goes_when_no_token_of_it_can_live(self, verb, folder):
        verb("token-rotate")
        os.utime(folder / "2.key", (0, 0))
        assert "1.pub" in verb("token-rotate")[1]
        assert names(folder, ".key", ".pub") == ["2.pub", "3.key", "3.pub"]

    def test_a_key_that_is_taken_away_takes_its_tokens_along(self, folder, login):
        verifier = Verifier(str(folder))
        text, another = login("alice").token, login("alice").token
        assert verifier.verify(text)
        (folder / "1.pub").unlink()
        with pytest.raises(Unauthorized):
            verifier.verify(another)
        with pytest.raises(Unauthorized):
            verifier.verify(text)

    def test_no_more_numbers(self, verb, folder):
        shutil.copy(folder / "1.key", folder / "255.key")
        shutil.copy(folder / "1.pub", folder / "255.pub")
        assert verb("token-rotate")[0] == 1

    def test_while_many_log_in(self, db, folder, verb):
        """Two controllers' APIs, threads that issue with one and validate with the other."""
        clients = [client_of(process(db, folder)) for _ in range(2)]
        wrong, done, count = [], threading.Event(), [0]

        def work(number):
            mine, others = clients[number % 2], clients[(number + 1) % 2]
            last = None
            while not done.is_set():
                body = asking("alice", "alice's", project("red"))
                reply = mine.post("/v3/auth/tokens?nocatalog", json=body)
                if reply.status_code != 201:
                    wrong.append(("issue", reply.status_code, reply.text))
                    continue
                text = reply.headers["X-Subject-Token"]
                for each in filter(None, (text, last)):
                    reply = Caller(others, each)("GET", "/auth/system")
                    if reply.status_code != 200:
                        wrong.append(("validate", reply.status_code, reply.text))
                last = text
                count[0] += 1

        threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for _ in range(6):
            assert verb("token-rotate")[0] == 0
            done.wait(0.1)
        done.set()
        for thread in threads:
            thread.join()
        assert wrong == []
        assert count[0] > 6
        assert turning.numbers(folder, "key") == [7]


class TestCredentials:
    @pytest.fixture
    def made(self, alice):
        return alice.make("credentials", type="note", blob="hush")

    def test_what_was_encrypted_before_is_read_and_encrypted_anew(
        self, verb, folder, alice, made, db
    ):
        assert verb("credential-rotate")[0] == 0
        later = alice.make("credentials", type="note", blob="psst")
        with db.engine.connect() as connection:
            before = connection.exec_driver_sql("SELECT id, blob FROM credentials").fetchall()
        status, said = verb("credential-migrate")
        assert status == 0
        assert said.startswith("1 encrypted anew")
        assert names(folder / "credential", ".key", ".next") == ["2.key"]
        with db.engine.connect() as connection:
            after = dict(connection.exec_driver_sql("SELECT id, blob FROM credentials").fetchall())
        assert {id_ for id_, blob in before if after[id_] != blob} == {made["id"]}
        for each in (made, later):
            path = f"/credentials/{each['id']}"
            assert alice.ok("GET", path)["credential"]["blob"] == each["blob"]
        assert verb("credential-migrate")[1].startswith("0 encrypted anew")

    def test_one_controller_may_be_ahead(self, verb, folder, db, admin, alice, tmp_path):
        verb("credential-rotate", "--stage")
        behind = shutil.copytree(folder, tmp_path / "behind")
        verb("credential-rotate")
        made = alice.make("credentials", type="note", blob="hush")
        other = Caller(client_of(process(db, behind)), admin.token)
        assert other.ok("GET", f"/credentials/{made['id']}")["credential"]["blob"] == "hush"

    def test_what_no_key_opens_is_said_and_no_key_goes(self, verb, folder, alice, made):
        verb("credential-rotate")
        (folder / "credential" / "1.key").unlink()
        assert alice("GET", f"/credentials/{made['id']}").status_code == 503
        status, _ = verb("credential-migrate")
        assert status == 1
        assert names(folder / "credential", ".key") == ["2.key"]
        status, said = verb("doctor")
        assert status == 1
        assert f"credentials {made['id']} cannot be decrypted" in said


class TestDoctor:
    @pytest.fixture
    def told(self, verb):
        """What the doctor says."""
        def told():
            return verb("doctor")[1]
        return told

    @pytest.fixture(autouse=True)
    def healthy(self, folder):
        (folder / "1.key").chmod(0o640)

    def test_all_is_well(self, verb):
        assert verb("doctor") == (0, "")

    @pytest.mark.parametrize(("statement", "sentence"), [
        ("UPDATE users SET enabled = 0", "no user that is enabled has the role admin anywhere"),
        ("DELETE FROM assignments WHERE target = 'system'", "role admin on the system"),
        ("DELETE FROM roles WHERE name = 'reader'", "there is no role reader"),
        ("UPDATE endpoints SET url = 'cloud:5000'", "is no http or https address"),
        ("UPDATE endpoints SET url = 'https://c/%(who)s'", "asks for who, which nobody knows"),
        ("UPDATE endpoints SET url = 'https://c/%(project_id'", "is not closed"),
        ("UPDATE endpoints SET enabled = 0", "has no endpoint"),
        ("INSERT INTO credentials (id, user_id, type, blob, extra) "
         "VALUES ('x', 'gone', 'note', 'x', '{}')", "1 credentials of users that are gone"),
        ("INSERT INTO assignments (actor_id, target_id, role_id, target, inherited, actor) "
         "SELECT 'gone', 'gone', id, 'project', 0, 'user' FROM roles WHERE name = 'member'",
         "1 role assignments on projects or domains that are gone"),
    ])
    def test_what_is_wrong_is_said(self, told, db, statement, sentence):
        with db.engine.begin() as connection:
            connection.exec_driver_sql(statement)
        assert sentence in told()

    def test_keys_that_others_may_read(self, told, folder):
        (folder / "1.key").chmod(0o644)
        assert "can be read by anyone" in told()

    def test_keys_that_do_not_verify(self, told, folder):
        (folder / "1.pub").unlink()
        assert "put its .pub there" in told()

    def test_a_key_that_waits(self, told, verb):
        verb("token-rotate", "--stage")
        assert "waits to be used" in told()

    def test_settings_that_do_not_go_together(self, told, conf):
        with conf.open("a") as file:
            file.write("[security_compliance]\npassword_regex = (\nminimum_password_age = 9\n"
                       "password_expires_days = 3\n[throttle]\naccount_failures = 0\n")
        said = told()
        assert "is not a regular expression" in said
        assert "passwords may be guessed" in said
        assert "expires before its user may change it" in said

    def test_a_database_that_is_away(self, told, conf, db):
        conf.write_text(conf.read_text().replace(str(db.engine.url), "sqlite:////no/where.db"))
        assert "the database does not answer" in told()

    def test_a_schema_that_is_old(self, told, conf, db, tmp_path):
        conf.write_text(conf.read_text().replace(str(db.engine.url), f"sqlite:///{tmp_path}/x.db"))
        Database(f"sqlite:///{tmp_path}/x.db").engine.connect().close()
        assert "run cairn-manage keystone db sync" in told()
