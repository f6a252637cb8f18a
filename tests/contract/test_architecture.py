"""Rooms keep to themselves: a component imports itself and common, nothing else of ours."""

import ast
import importlib
import re
from pathlib import Path

import pytest

import cairn
from cairn.common.manage import COMPONENTS

ROOT = Path(cairn.__file__).parent
MODULES = sorted(p for p in ROOT.rglob("*.py") if p.parent != ROOT)
# The same inside of every component: a room may be missing, it is never renamed.
FILES = {"__init__.py", "component.py", "settings.py", "policy.py", "errors.py", "rpc.py", "app.py",
         "cli.py", "processes.py"}


def imports(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def rooms(path):
    return {name.split(".")[1] for name in imports(path)
            if name.startswith("cairn.") and name.count(".")}


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_component_imports_itself_and_the_kernel(path):
    mine = path.relative_to(ROOT).parts[0]
    assert rooms(path) <= {mine, "common"}


def test_a_planted_import_would_be_found(tmp_path):
    planted = tmp_path / "planted.py"
    planted.write_text("from cairn.keystone.core import users\nimport cairn.nova.rpc\n")
    assert rooms(planted) == {"keystone", "nova"}


@pytest.mark.parametrize("component", COMPONENTS)
def test_every_component_has_the_same_inside(component):
    folder = ROOT / component
    files = {p.name for p in folder.glob("*.py")}
    assert {"__init__.py", "component.py", "settings.py", "policy.py", "errors.py", "app.py",
            "processes.py"} <= files
    assert files <= FILES
    assert (folder / "api").is_dir() and (folder / "db" / "models.py").exists()


# Those whose `api/` still holds statements. Whoever moves the last one out takes the name away.
STATEMENTS_IN_API: set[str] = set()
TRANSACTIONS = ("reading", "writing", "write")


def statements(path):
    """What in a module is SQL or a transaction."""
    for name in imports(path):
        if name.partition(".")[0] == "sqlalchemy" or re.match(r"cairn\.\w+\.db\b", name):
            if name != "cairn.common.db":
                yield name
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Attribute) and node.attr in TRANSACTIONS and (
                isinstance(node.value, ast.Attribute) and node.value.attr == "db"):
            yield f"db.{node.attr}"


@pytest.mark.parametrize("component", COMPONENTS)
def test_an_api_speaks_http_and_knows_no_sql(component):
    found = {str(path.relative_to(ROOT)): list(statements(path))
             for path in sorted((ROOT / component / "api").glob("*.py"))
             if path.name != "process.py"}  # It puts rooms together, and says where rows are.
    found = {path: names for path, names in found.items() if names}
    assert bool(found) == (component in STATEMENTS_IN_API), found


def test_a_planted_statement_would_be_found(tmp_path):
    planted = tmp_path / "planted.py"
    planted.write_text("from sqlalchemy import select\nfrom cairn.nova.db.models import Server\n"
                       "nova.db.reading()\n")
    assert list(statements(planted)) == ["sqlalchemy", "cairn.nova.db.models", "db.reading"]


def test_a_compare_and_set_asks_whether_it_changed_its_row():
    """`changed` of common/db.py: a bare count is no number where the driver has none."""
    counting = {str(path.relative_to(ROOT)) for path in MODULES if "rowcount" in path.read_text()}
    assert counting == {"common/db.py", "common/purge.py"}


# Words that say of a value only how somebody came by it. It is called what it is: the project, the
# row, the request.
EMPTY_WORDS = {"wanted", "found", "known", "remains"}


def empty_words(path):
    """Variables and fields with such names, and where. The arguments of messages keep theirs: they
    are on the wire."""
    return [f"{path.name}:{node.lineno} {node.id}" for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
            and node.id in EMPTY_WORDS]


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_value_is_called_what_it_is(path):
    assert empty_words(path) == []


def test_a_planted_empty_word_would_be_found(tmp_path):
    planted = tmp_path / "planted.py"
    planted.write_text("found = 1\nfor known in (): pass\nwith a as wanted: pass\nremains: int\n"
                       "project = 1\n")
    assert sorted(empty_words(planted)) == [
        "planted.py:1 found", "planted.py:2 known", "planted.py:3 wanted", "planted.py:4 remains"]


# What endpoint modules of a component share is called alike in all of them: rows to documents, and
# parts of schemas. Whoever renames the last one takes the name away.
MISNAMED: set[str] = set()
OTHER_NAMES = re.compile(r"words|common|answers|helpers|utils|\w+_views|\w+_schemas")


@pytest.mark.parametrize("component", COMPONENTS)
def test_what_endpoints_share_has_one_name(component):
    misnamed = [p.name for p in (ROOT / component / "api").glob("*.py")
                if OTHER_NAMES.fullmatch(p.stem)]
    assert bool(misnamed) == (component in MISNAMED), misnamed


# Those whose processes are not all made in <room>/process.py.
MADE_ELSEWHERE: set[str] = set()


def made_elsewhere(component):
    """Processes that another module than their room's makes, and what makes some besides."""
    for name, process in importlib.import_module(f"cairn.{component}.processes").PROCESSES.items():
        room = getattr(process.build, "module", "")
        if not re.fullmatch(rf"cairn\.{component}\.\w+\.process", room):
            yield name
    app = ROOT / component / "app.py"
    yield from (name for name in imports(app) if name == "cairn.common.process")


@pytest.mark.parametrize("component", COMPONENTS)
def test_a_process_is_made_in_its_room(component):
    elsewhere = list(made_elsewhere(component))
    assert bool(elsewhere) == (component in MADE_ELSEWHERE), elsewhere


# So many public functions of these say Any where they could say what they take and return. No
# number grows; who needs fewer writes it here.
ANYTHING = {"common": 13, "glance": 12, "keystone": 7, "neutron": 13, "nova": 20, "placement": 5}


def vague(path):
    """Public functions of a module with an argument or an answer that is just Any."""
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            given = [a.annotation for a in (*node.args.args, *node.args.kwonlyargs)]
            if any(isinstance(a, ast.Name) and a.id == "Any" for a in (*given, node.returns)):
                yield f"{path.relative_to(ROOT)}:{node.name}"


@pytest.mark.parametrize("component", ANYTHING)
def test_functions_say_what_they_take_and_return(component):
    rooms = ("",) if component == "common" else ("core", "db")
    found = [name for room in rooms for path in sorted((ROOT / component / room).rglob("*.py"))
             for name in vague(path)]
    assert len(found) == ANYTHING[component], "\n".join(found)
