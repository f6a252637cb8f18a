"""The shell file `cairn`, with a `uv` that stands for the real one and no network."""

import os
import signal
import subprocess
import time
import zipfile
from hashlib import sha256
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
# Stands for uv: says that it was called, takes its time, installs nothing.
UV = '#!/bin/sh\necho installed >>"$FAKE_UV_LOG"\nsleep "${FAKE_UV_SECONDS:-0}"\n'
MAIN = "import sys\nprint(' '.join(['ran', *sys.argv[1:]]))\n"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    root = tmp_path / "checkout"
    package = root / "services" / "cairn" / "deploy"
    package.mkdir(parents=True)
    (package / "__main__.py").write_text(MAIN)
    (root / "cairn").write_bytes((ROOT / "cairn").read_bytes())
    (root / "cairn").chmod(0o755)
    wheel = tmp_path / "wheels" / "uv-1.0-py3-none-any.whl"
    wheel.parent.mkdir()
    with zipfile.ZipFile(wheel, "w") as file:
        script = zipfile.ZipInfo("uv-1.0.data/scripts/uv")
        script.external_attr = 0o100755 << 16  # A file that may be run.
        file.writestr(script, UV)
        for name, text in {
            "METADATA": "Metadata-Version: 2.1\nName: uv\nVersion: 1.0\n",
            "WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
            "RECORD": "",
        }.items():
            file.writestr(f"uv-1.0.dist-info/{name}", text)
    digest = sha256(wheel.read_bytes()).hexdigest()
    (root / "requirements").mkdir()
    for name in ("deploy", "test"):
        pin = f"uv==1.0 \\\n    --hash=sha256:{digest}\n"
        lock = f"before==1 \\\n    --hash=sha256:0\n{pin}yarl==1\n"
        (root / "requirements" / f"{name}.txt").write_text(lock)
    return root


def environment(checkout: Path, **more: str) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"], "HOME": str(checkout),
        "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(checkout.parent / "wheels"),
        "PIP_CONFIG_FILE": "/dev/null", "FAKE_UV_LOG": str(checkout / "log"), **more,
    }


def run(checkout: Path, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(checkout / "cairn"), *words], env=environment(checkout, **more),
        capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False,
    )


def installs(checkout: Path) -> int:
    log = checkout / "log"
    return len(log.read_text().splitlines()) if log.exists() else 0


def test_it_makes_an_environment_once_per_lock_and_passes_the_words_on(checkout: Path) -> None:
    first = run(checkout, "status", "--a b", "*")
    assert (first.stdout, first.returncode) == ("ran status --a b *\n", 0), first.stderr
    assert run(checkout).stdout == "ran\n"
    assert installs(checkout) == 1
    with (checkout / "requirements" / "test.txt").open("a") as lock:
        lock.write("# another\n")
    assert run(checkout, "test", "--fast").stdout == "ran test --fast\n"
    assert run(checkout, "up").stdout == "ran up\n"
    assert installs(checkout) == 2


def test_two_calls_at_once_make_it_once(checkout: Path) -> None:
    calls = [
        subprocess.Popen(
            [str(checkout / "cairn"), "status"], stdout=subprocess.PIPE, text=True,
            stderr=subprocess.DEVNULL, env=environment(checkout, FAKE_UV_SECONDS="1"),
        )
        for _ in range(3)
    ]
    assert [call.communicate()[0] for call in calls] == ["ran status\n"] * 3
    assert installs(checkout) == 1


def test_killed_half_way_it_begins_anew(checkout: Path) -> None:
    call = subprocess.Popen(
        [str(checkout / "cairn"), "status"], env=environment(checkout, FAKE_UV_SECONDS="60"),
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )
    deadline = time.monotonic() + 60
    while not installs(checkout) and time.monotonic() < deadline:
        time.sleep(0.05)
    os.killpg(call.pid, signal.SIGKILL)
    call.wait()
    assert run(checkout, "status").stdout == "ran status\n"
    assert installs(checkout) == 2


def test_a_file_that_is_not_the_locked_one_is_refused(checkout: Path) -> None:
    lock = checkout / "requirements" / "deploy.txt"
    lock.write_text(lock.read_text().replace("sha256:", "sha256:f", 2))
    failed = run(checkout)
    assert failed.returncode == 1 and "pip could not fetch uv" in failed.stderr
    assert failed.stdout == ""


def test_an_incomplete_checkout_is_told(checkout: Path) -> None:
    (checkout / "requirements" / "deploy.txt").unlink()
    failed = run(checkout)
    assert failed.returncode == 1 and "this checkout is not complete" in failed.stderr


def test_it_is_plain_posix_shell() -> None:
    for shell in ("dash", "sh"):
        subprocess.run([shell, "-n", str(ROOT / "cairn")], check=True)
