"""cairn-manage glance metadefs-load, -unload, -export."""

import json

import pytest

from cairn.common import migrate
from cairn.common.db import Database
from cairn.glance.cli import VERBS

NAMESPACE = {
    "namespace": "Ours", "visibility": "public", "description": "d",
    "resource_type_associations": [{"name": "OS::Nova::Flavor", "prefix": "hw:"}],
    "properties": {"p": {"title": "P", "type": "string"}},
    "objects": [{"name": "o", "properties": {"q": {"title": "Q", "type": "integer"}}}],
    "tags": [{"name": "t"}],
}


@pytest.fixture
def run(tmp_path, capsys):
    """run(verb, *arguments) -> what it said; its database is its own."""
    url = f"sqlite:///{tmp_path}/g.db"
    conf = tmp_path / "glance-api.conf"
    conf.write_text(f"[database]\nurl = {url}\n")
    db = Database(url)
    migrate.sync("glance", db)
    db.engine.dispose()
    capsys.readouterr()

    def run(verb, *arguments):
        code = VERBS[verb]([str(a) for a in arguments], conf)
        said = capsys.readouterr()
        return said.out.strip() if code == 0 else said.err.strip()

    return run


@pytest.fixture
def files(tmp_path):
    folder = tmp_path / "files"
    folder.mkdir()

    def write(**changes):
        (folder / "ours.json").write_text(json.dumps(NAMESPACE | changes))
        return folder

    return write


def exported(run, tmp_path):
    run("metadefs-export", tmp_path / "out")
    return json.loads((tmp_path / "out" / "Ours.json").read_text())


def test_what_was_loaded_comes_out_the_same(run, files, tmp_path):
    assert run("metadefs-load", files()) == "changed: 1 namespaces"
    assert exported(run, tmp_path) == NAMESPACE | {"owner": "admin", "protected": False}
    assert run("metadefs-load", files(description="other")) == "ok"
    assert run("metadefs-unload") == "changed: 1 namespaces"
    assert run("metadefs-unload", "Ours") == "ok"
    assert run("metadefs-load", tmp_path / "out") == "changed: 1 namespaces"


def test_a_merge_adds_and_replaces_only_when_told(run, files, tmp_path):
    run("metadefs-load", files())
    more = {"description": "new", "tags": [{"name": "u"}],
            "properties": {"p": {"title": "other", "type": "string"}}}
    assert run("metadefs-load", "--merge", files(**more)) == "changed: 1 namespaces"
    merged = exported(run, tmp_path)
    assert [t["name"] for t in merged["tags"]] == ["t", "u"]
    assert (merged["description"], merged["properties"]["p"]["title"]) == ("d", "P")
    assert run("metadefs-load", "--merge", files(**more)) == "ok"
    run("metadefs-load", "--merge", "--prefer-new", files(**more))
    merged = exported(run, tmp_path)
    assert (merged["description"], merged["properties"]["p"]["title"]) == ("new", "other")
    assert run("metadefs-load", "--merge", "--prefer-new", files(**more)) == "ok"
    run("metadefs-load", "--overwrite", files())
    assert exported(run, tmp_path) == NAMESPACE | {"owner": "admin", "protected": False}


@pytest.mark.parametrize(("text", "says"), [
    ("{", "ours.json"), ("{}", "no namespace"),
    ('{"namespace": "N", "properties": {"p": {}}}', "properties.p")])
def test_a_bad_file_is_named_and_nothing_is_loaded(run, files, tmp_path, text, says):
    folder = files()
    (folder / "ours.json").write_text(text)
    (folder / "good.json").write_text(json.dumps(NAMESPACE))
    said = run("metadefs-load", folder)
    assert says in said and "ours.json" in said
    assert run("metadefs-unload") == "ok"
