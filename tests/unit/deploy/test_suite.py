from pathlib import Path

import pytest

from cairn.deploy import packages, suite
from cairn.deploy.errors import Failed, Refused
from cairn.deploy.suite import Check, Request


@pytest.fixture
def with_roles(project: Path) -> Path:
    for role in ("nova", "pki"):
        scenario = project / "roles" / role / "molecule" / "default"
        scenario.mkdir(parents=True)
        (scenario / "molecule.yml").write_text("")
    (project / "roles" / "plain").mkdir()
    for directory in ("unit", "api", "contract", "system"):
        (project / "tests" / directory).mkdir(parents=True)
    return project


def names(request: Request) -> list[str]:
    return [check.name for check in suite.checks(request)]


def test_without_a_word_everything_is_tested(with_roles: Path) -> None:
    assert names(suite.understand([], fast=False)) == [
        "ruff", "mypy", "ansible-lint", "pytest unit api contract", "pytest system clouds",
        "pytest system labs", "molecule nova", "molecule pki",
    ]


def test_fast_leaves_out_what_needs_nodes(with_roles: Path) -> None:
    assert names(suite.understand([], fast=True)) == [
        "ruff", "mypy", "ansible-lint", "pytest unit api contract",
    ]
    with pytest.raises(Refused, match="leaves out"):
        suite.understand(["system"], fast=True)


def test_roles_stages_paths_and_options_are_told_apart(with_roles: Path) -> None:
    assert names(suite.understand(["molecule", "pki"], fast=False)) == ["molecule pki"]
    assert names(suite.understand(["molecule"], fast=False)) == ["molecule nova", "molecule pki"]
    clouds, labs = suite.checks(suite.understand(["system"], fast=False))
    assert clouds.command + list(clouds.paths) == ["pytest", "-v", "-m", "cloud", "tests/system"]
    assert labs.command + list(labs.paths) == ["pytest", "-v", "-m", "not cloud", "tests/system"]
    [check] = suite.checks(suite.understand(["system", "-k", "a"], fast=False))
    assert check.command + list(check.paths) == ["pytest", "-v", "-k", "a", "tests/system"]
    [check] = suite.checks(suite.understand(["unit", "-k", "a or b"], fast=False))
    assert check.command[-3:] == ["tests/unit", "-k", "a or b"]
    [check] = suite.checks(suite.understand(["tests/api", "-x"], fast=False))
    assert check.command[-2:] == ["tests/api", "-x"]


def test_acceptance_is_only_what_is_asked_for_by_its_name(with_roles: Path) -> None:
    folder = with_roles / "tests/acceptance"
    folder.mkdir()
    for suite_ in ("fuzz", "compute"):
        (folder / f"test_{suite_}.py").write_text("")
    assert not any("acceptance" in name for name in names(suite.understand([], fast=False)))
    assert names(suite.understand(["acceptance"], fast=False)) == [
        "acceptance compute", "acceptance fuzz"]
    [check] = suite.checks(suite.understand(["acceptance", "fuzz", "--seed", "7"], fast=False))
    assert check.command[-3:] == ["tests/acceptance/test_fuzz.py", "--seed", "7"]
    with pytest.raises(Refused, match="leaves out"):
        suite.understand(["acceptance"], fast=True)
    with pytest.raises(Refused, match="called 'fuzz'"):
        suite.understand(["fuzz"], fast=False)


@pytest.mark.parametrize("words", [["nonsense"], ["nova"], ["molecule", "plain"]])
def test_what_there_is_not_is_refused(with_roles: Path, words: list[str]) -> None:
    with pytest.raises(Refused, match=f"called '{words[-1]}'"):
        suite.understand(words, fast=False)


def test_it_ends_with_a_line_as_pytests(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(packages, "missing", lambda wanted: [])
    tests = tmp_path / "test_some.py"
    tests.write_text(
        "import pytest\ndef test_a(): pass\ndef test_b(): assert 0, 'boo'\n"
        "def test_c(): pytest.skip('why')\n"
    )
    monkeypatch.setattr(suite, "checks", lambda wanted: iter([
        Check("good", ["true"]), Check("alone", ["sh", "-c", "echo words; exit 1"], kind="other"),
        Check("gone", ["no-such-program"]),
        Check("pytest", ["pytest", "-p", "no:cacheprovider", "-c", "/dev/null", str(tests)],
              pytest=True, directory=tmp_path),
    ]))
    said: list[str] = []
    with pytest.raises(Failed, match="did not pass: .*alone"):
        suite.run(Request(), said.append)
    assert said[-1].strip("= ").startswith("3 failed, 2 passed, 1 skipped in ")
    assert any("words" in line for line in said)
    assert any("boo" in line for line in said)
    # Why it failed is said again at the end, where everybody looks.
    assert any("boo" in line for line in said[said.index("\npytest:"):])


def test_a_pytest_that_found_nothing_has_not_passed(tmp_path: Path) -> None:
    check = Check("pytest", ["pytest", "-c", "/dev/null", "-p", "no:cacheprovider", str(tmp_path)],
                  pytest=True, directory=tmp_path)
    result = suite.perform(check)
    assert (result.good, result.count.failed) == (False, 1)


def flaky_check(folder: Path, tests: str) -> Check:
    (folder / "test_some.py").write_text(
        "import pathlib, pytest\n"
        "def once(name):\n"
        "    mark = pathlib.Path(name)\n"
        "    first = not mark.exists()\n"
        "    mark.touch()\n"
        "    assert not first, name\n" + tests)
    return Check("pytest system", ["pytest", "-q", "-p", "no:cacheprovider", "-c", "/dev/null",
                                   "--rootdir", "."],
                 pytest=True, directory=folder, kind="system", again=True,
                 paths=("test_some.py",))


def test_what_fails_once_is_flaky_and_named_in_the_closing_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    check = flaky_check(tmp_path, "class TestOne:\n    @pytest.mark.parametrize('n', ['a'])\n"
                                  "    def test_a(self, n): once('mark')\ndef test_b(): pass\n")
    monkeypatch.setattr(packages, "missing", lambda wanted: [])
    monkeypatch.setattr(suite, "checks", lambda wanted: iter([check]))
    said: list[str] = []
    suite.run(Request(), said.append)
    assert said[-1].strip("= ").startswith(
        "2 passed, FLAKY test_some.py::TestOne::test_a[a] in ")


def test_what_fails_twice_has_failed(tmp_path: Path) -> None:
    result = suite.perform(flaky_check(
        tmp_path, "def test_a(): once('mark')\ndef test_b(): assert 0\n"))
    assert not result.good
    assert (result.count.passed, result.count.failed) == (1, 1)
    assert result.flaky == ["test_some.py::test_a"]


def test_what_is_skipped_at_its_second_chance_has_failed(tmp_path: Path) -> None:
    result = suite.perform(flaky_check(
        tmp_path, "def test_a():\n    if pathlib.Path('mark').exists(): pytest.skip('no')\n"
                  "    pathlib.Path('mark').touch(); assert 0\n"))
    assert (result.good, result.count.failed, result.flaky) == (False, 1, [])


def test_what_fails_all_over_gets_no_second_chance(tmp_path: Path) -> None:
    result = suite.perform(flaky_check(tmp_path, "".join(
        f"def test_{n}(): once('{n}')\n" for n in range(4))))
    assert (result.count.failed, result.flaky) == (4, [])


def test_a_role_that_fails_once_is_flaky_and_says_why(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    once = "[ -e mark ] && exit; touch mark; echo 'fatal: [node]: FAILED! => no room'; exit 1"
    monkeypatch.setattr(packages, "missing", lambda wanted: [])
    monkeypatch.setattr(suite, "checks", lambda wanted: iter([
        Check("molecule some", ["sh", "-c", once], tmp_path, kind="nodes", again=True)]))
    said: list[str] = []
    suite.run(Request(), said.append)
    assert said[-1].strip("= ").startswith("1 passed, FLAKY molecule some in ")
    assert any("no room" in line for line in said)


def test_a_role_that_fails_twice_has_failed(tmp_path: Path) -> None:
    result = suite.perform(Check("molecule some", ["false"], tmp_path, again=True))
    assert (result.good, result.count.failed, result.flaky) == (False, 1, [])
