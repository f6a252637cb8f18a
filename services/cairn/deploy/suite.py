"""`cairn test`: the project's checks as stages, each with its time, and one line that sums up."""

import os
import re
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from xml.etree import ElementTree

from cairn.deploy import checkout, packages
from cairn.deploy.errors import Failed, Refused

# What may be asked for by name, in the order it runs.
STAGES = ("lint", "unit", "api", "contract", "system", "molecule")
FAST = ("lint", "unit", "api", "contract")
# Suites of the tier that only runs when it is asked for by this word: they may take an hour.
ACCEPTANCE = "acceptance"
# So many failed tests are run once more, each alone. More than these are no accident.
SECOND_CHANCES = 3
# What lines look like that say why something failed, and how much of them is repeated.
WHY = re.compile(r"^(E  |FAILED |ERROR |CRITICAL |fatal: |failed: |[^ ]+\.py:\d+: )|FAILED! =>")
GIST_LINES, GIST_WIDTH = 12, 1500
PYTEST = {
    "unit": ["tests/unit", "collections/ansible_collections/cairn/cloud/tests/unit"],
    "api": ["tests/api"],
    "contract": ["tests/contract"],
    "system": ["tests/system"],
}
# The system tests in two: those with the fixture `cloud` (tests/system/conftest.py marks them).
HALVES = (" clouds", "-m cloud"), (" labs", "-m not cloud")
LINTERS = {
    "ruff": ["ruff", "check", "."],
    "mypy": ["mypy"],
    "ansible-lint": ["ansible-lint", "--offline", "-q"],
}


@dataclass
class Count:
    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def __add__(self, other: "Count") -> "Count":
        return Count(
            self.passed + other.passed, self.failed + other.failed, self.skipped + other.skipped
        )


@dataclass(frozen=True)
class Check:
    """One program that is run and judged by its exit code."""

    name: str
    command: list[str]
    directory: Path = checkout.ROOT
    # A pytest run counts its tests; any other check counts as one.
    pytest: bool = False
    # How many of its kind may run side by side; different kinds wait for each other.
    width: int = 2
    kind: str = "quick"
    # Whether what fails, a test of pytest's or the whole of another program, is run once more,
    # alone; if it passes then, it is flaky.
    again: bool = False
    # What is run, behind the command; instead of it a test that is run alone.
    paths: tuple[str, ...] = ()
    # Whether it is shown as it goes: what takes long.
    shown: bool = False


@dataclass
class Result:
    check: Check
    good: bool
    seconds: float
    count: Count
    output: str
    # Tests that failed, and passed when they were run alone.
    flaky: list[str] = field(default_factory=list)


@dataclass
class Request:
    """What the words after `cairn test` ask for."""

    stages: list[str] = field(default_factory=list)
    roles: list[str] = field(default_factory=list)
    suites: list[str] = field(default_factory=list)
    # Paths and options that pytest gets as they are.
    pytest: list[str] = field(default_factory=list)


def understand(words: Sequence[str], fast: bool) -> Request:
    request = Request()
    role_names = roles()
    rest = iter(words)
    for word in rest:
        if word == ACCEPTANCE:
            request.stages.append(word)
        elif ACCEPTANCE in request.stages and word in suites():
            request.suites.append(word)
        elif word in STAGES:
            request.stages.append(word)
        elif "molecule" in request.stages and word in role_names:
            request.roles.append(word)
        elif word.startswith("-"):
            request.pytest += [word, *rest]
        elif (checkout.ROOT / word.split("::")[0]).exists():
            request.pytest.append(word)
        else:
            raise Refused(
                f"there is nothing to test called '{word}'",
                f"Stages: {', '.join(STAGES)}. After molecule, roles: {', '.join(role_names)}. "
                f"After acceptance, suites: {', '.join(suites())}. Or paths, as for pytest.",
            )
    if fast and any(stage not in FAST for stage in request.stages):
        raise Refused("--fast leaves out molecule, system and acceptance")
    if not request.stages and not any(not word.startswith("-") for word in request.pytest):
        request.stages = list(FAST if fast else STAGES)
    return request


def roles() -> list[str]:
    """The roles that have a scenario."""
    return [path.parents[2].name for path in _scenarios()]


def suites() -> list[str]:
    """What acceptance can be asked for."""
    paths = (checkout.ROOT / "tests/acceptance").glob("test_*.py")
    return sorted(path.stem.removeprefix("test_") for path in paths)


def _scenarios() -> list[Path]:
    return sorted(checkout.ROLES.glob("*/molecule/default/molecule.yml"))


def checks(request: Request) -> Iterator[Check]:
    if "lint" in request.stages:
        for name, command in LINTERS.items():
            yield Check(name, command)
    quick = [path for stage in ("unit", "api", "contract") if stage in request.stages
             for path in PYTEST[stage] if (checkout.ROOT / path).is_dir()]
    alone = not {"system", ACCEPTANCE} & set(request.stages)
    paths = [*quick, *request.pytest] if quick or alone else []
    if paths:
        names = [stage for stage in ("unit", "api", "contract") if stage in request.stages]
        # In two processes, also beside the linters: it takes longer than all of them.
        workers = ["-n", "2"] if quick else []
        yield Check(" ".join(["pytest", *names]), ["pytest", "-q", *workers, *paths], pytest=True)
    if "system" in request.stages:
        # Tests on clouds wait for guests while those with labs of their own work, and the other way
        # round. With options it is one run: they may leave nothing of a half.
        options = [] if paths else request.pytest
        for half, mark in [("", "")] if options else HALVES:
            yield Check(f"pytest system{half}", ["pytest", "-v", *options], pytest=True,
                        kind="nodes", again=True, shown=True,
                        paths=(*mark.split(maxsplit=1), *PYTEST["system"]))
    # The longest are begun first, so that two of them fill the time together.
    if "molecule" in request.stages:
        for role in request.roles or roles():
            yield Check(f"molecule {role}", ["molecule", "test"], checkout.ROLES / role,
                        kind="nodes", again=True)
    if ACCEPTANCE in request.stages:
        options = [] if paths else request.pytest
        for suite in request.suites or suites():
            # Its figures are what it is run for: nothing that it prints is kept back.
            yield Check(f"acceptance {suite}",
                        ["pytest", "-q", "-s", f"tests/acceptance/test_{suite}.py", *options],
                        pytest=True, kind="acceptance", width=1, shown=True)


def run(request: Request, say: Callable[[str], None]) -> None:
    """Run everything, then say how it went. Raises if anything failed."""
    begun = time.monotonic()
    _prepare(say)
    results: list[Result] = []

    def begin(check: Check) -> Result:
        say(f"  ...  {check.name}")
        return perform(check, say if check.shown else None)

    for _, alike in groupby(checks(request), key=lambda check: check.kind):
        batch = list(alike)
        with ThreadPoolExecutor(batch[0].width) as pool:
            running = [pool.submit(begin, check) for check in batch]
            for done in as_completed(running):
                results.append(done.result())
                _tell(results[-1], say)
    _sum_up(results, time.monotonic() - begun, say)


def _prepare(say: Callable[[str], None]) -> None:
    lacking = packages.missing(packages.TEST)
    if lacking and os.geteuid() == 0:
        say(f"installing {' '.join(lacking)}")
        packages.install(lacking)
    elif lacking:
        say(f"missing packages (tests that need them are skipped): {' '.join(lacking)}")


def perform(check: Check, show: Callable[[str], None] | None = None) -> Result:
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as directory:
        report = Path(directory, "report.xml")
        code, output = _output(
            [*check.command, *_reporting(check, report), *check.paths], check.directory, show)
        count = _count(report) if check.pytest else None
        failed = _failed(report) if check.again else []
    # pytest's exit code 5: there was nothing to run, which is not what was asked for.
    good = code == 0
    if count is None or (not good and count.failed == 0):
        count = Count(passed=int(good), failed=int(not good))
    flaky = []
    if not good and check.pytest:
        flaky = _second_chance(check, failed, show)
    elif not good and check.again:
        code, more = _output(check.command, check.directory, show)
        flaky = [check.name] if code == 0 else []
        output += more
    if flaky:
        passed = len(flaky)
        count += Count(passed=passed, failed=-passed)
        good = count.failed == 0
    seconds = time.monotonic() - begun
    return Result(check, good, seconds, count, output, flaky)


def _reporting(check: Check, report: Path) -> list[str]:
    """Options that make pytest write what happened, in the form that names each test's file."""
    return [f"--junitxml={report}", "-o", "junit_family=xunit1"] if check.pytest else []


def _second_chance(
    check: Check, failed: list[str], show: Callable[[str], None] | None
) -> list[str]:
    """Those of the failed tests that pass alone; one that is left out then has not passed."""
    if len(failed) > SECOND_CHANCES:
        return []
    flaky = []
    for test in failed:
        if show:
            show(f"  ...  once more, alone: {test}")
        with tempfile.TemporaryDirectory() as directory:
            report = Path(directory, "report.xml")
            code, _ = _output(
                [*check.command, *_reporting(check, report), test], check.directory, show)
            count = _count(report)
        if code == 0 and count == Count(passed=1):
            flaky.append(test)
    return flaky


def _output(
    command: list[str], directory: Path, show: Callable[[str], None] | None
) -> tuple[int, str]:
    """The exit code and everything that was printed, shown line by line if that is wanted."""
    lines = []
    try:
        with subprocess.Popen(
            command, cwd=directory, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, errors="replace", env=_environment(),
        ) as process:
            assert process.stdout is not None
            for line in process.stdout:
                lines.append(line)
                if show:
                    show(line.rstrip("\n"))
    except FileNotFoundError:
        return 127, f"{command[0]} is not installed"
    return process.returncode, "".join(lines)


def _environment() -> dict[str, str]:
    return {
        **os.environ,
        "ANSIBLE_NOCOLOR": "1", "NO_COLOR": "1", "PY_COLORS": "0",
        "ANSIBLE_COLLECTIONS_PATH": str(checkout.ROOT / "collections"),
        "ANSIBLE_ROLES_PATH": str(checkout.ROLES),
    }


def _failed(report: Path) -> list[str]:
    """The tests that failed, as pytest is told to run them."""
    try:
        cases = ElementTree.parse(report).getroot().iter("testcase")
    except (OSError, ElementTree.ParseError):
        return []
    failed: dict[str, None] = {}
    for case in cases:
        if case.find("failure") is None and case.find("error") is None:
            continue
        file = case.get("file", "")
        module = file.removesuffix(".py").replace("/", ".")
        inside = case.get("classname", "").removeprefix(module).strip(".").split(".")
        failed["::".join([file, *filter(None, inside), case.get("name", "")])] = None
    return list(failed)


def _count(report: Path) -> Count | None:
    try:
        suites = ElementTree.parse(report).getroot().iter("testsuite")
    except (OSError, ElementTree.ParseError):
        return None
    total = Count()
    for suite in suites:
        tests, skipped = int(suite.get("tests", 0)), int(suite.get("skipped", 0))
        bad = int(suite.get("failures", 0)) + int(suite.get("errors", 0))
        total += Count(tests - skipped - bad, bad, skipped)
    return total


def _tell(result: Result, say: Callable[[str], None]) -> None:
    say(f"{'  ok  ' if result.good else 'FAILED'} {result.check.name:<32} {result.seconds:7.1f} s")
    if result.check.shown:
        return
    if not result.good:
        say(result.output.rstrip())
    elif result.flaky:
        for line in gist(result.output):
            say(f"       {line}")
    elif result.check.pytest:
        # Skipped tests are named with their reason; then pytest's own last line.
        lines = result.output.rstrip().splitlines()
        for line in lines:
            if line.startswith(("SKIPPED", "XFAIL")) or line is lines[-1]:
                say(f"       {line}")


def gist(output: str) -> list[str]:
    """Of what a program printed that failed, the lines that say why, as pytest and Ansible mark
    them."""
    return [line[:GIST_WIDTH] for line in output.splitlines() if WHY.search(line)][:GIST_LINES]


def _sum_up(results: list[Result], seconds: float, say: Callable[[str], None]) -> None:
    total = sum((result.count for result in results), Count())
    say("\n" + " times ".center(60, "-"))
    for result in results:
        name = re.sub(r"\s+", " ", result.check.name)
        say(f"{name:<40} {result.seconds:9.1f} s  {'ok' if result.good else 'FAILED'}")
    # Once more where everybody looks: a log of thousands of lines is before this.
    for result in results:
        if not result.good:
            say(f"\n{result.check.name}:")
            for line in gist(result.output):
                say(f"  {line}")
    words = [f"{total.failed} failed"] if total.failed else []
    words.append(f"{total.passed} passed")
    words += [f"{total.skipped} skipped"] if total.skipped else []
    flaky = [test for result in results for test in result.flaky]
    words += [f"FLAKY {test}" for test in flaky]
    say(f" {', '.join(words)} in {seconds:.2f}s ".center(60, "="))
    bad = [result.check.name for result in results if not result.good]
    if bad:
        raise Failed(f"these did not pass: {', '.join(bad)}")
