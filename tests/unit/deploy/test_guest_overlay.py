"""Our files in the guest, as far as they can be tried outside of it."""

import json
import subprocess
from pathlib import Path

import pytest

from cairn.deploy.guest.initramfs import initramfs
from cairn.deploy.guest.tree import OVERLAY

SCRIPTS = sorted(
    p
    for p in (*OVERLAY.rglob("*"), *(OVERLAY.parent / "early").iterdir())
    if p.is_file() and (p.name == "common" or p.read_bytes().startswith(b"#!"))
)
CLOUD_CONFIG = """\
#cloud-config
# a comment
ssh_authorized_keys:
  - ssh-ed25519 AAAA me@there
write_files:
- path: "{folder}/new/motd"   # where
  permissions: '0600'
  content: |
    it's
      two lines

- content: "one\\ntwo\\n"
  path: {folder}/log
  append: true
runcmd:
- echo "it's $((1 + 1))"
- [ printf, '%s|', "a, b", c ]
- |
  if true; then
    echo yes
  fi
final_message: bye
"""


def awk(program: str, text: str) -> str:
    command = ["awk", "-f", str(OVERLAY / "usr/lib/guest" / program)]
    # busybox's awk, the guest's, thinks in bytes.
    done = subprocess.run(
        command, input=text.encode(), capture_output=True, check=True, env={"LC_ALL": "C"}
    )
    return done.stdout.decode()


def shell(script: str) -> str:
    command = ["sh", "-c", script]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def assignments(document: object) -> dict[str, str]:
    """What a script that evaluates them has in its variables."""
    script = awk("metadata.awk", json.dumps(document))
    out = shell(script + '\nprintf "%s\\0" "$id" "$name" "$password" "$keys"')
    return dict(zip(("id", "name", "password", "keys"), out.split("\0"), strict=False))


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda p: p.name)
def test_every_script_is_one_to_a_shell(script):
    subprocess.run(["sh", "-n", script], check=True)


def test_metadata_becomes_variables():
    assert assignments(
        {
            "uuid": "u-1",
            "meta": {"hostname": "not this", "list": [1, {}, [], None, {"uuid": "nor this"}]},
            "name": "my server",
            "hostname": "my-server.novalocal",
            "public_keys": {"a": "ssh-rsa A\n", "b": "ssh-rsa B c"},
        }
    ) == {
        "id": "u-1",
        "name": "my-server.novalocal",
        "password": "",
        "keys": "ssh-rsa A\nssh-rsa B c\n",
    }


@pytest.mark.parametrize("text", ["it's", '"; rm -rf /', "a\\b", "$(id)", "späße €", "a\tb/c"])
def test_no_text_of_the_metadata_is_taken_for_shell(text):
    assert assignments({"uuid": "u", "admin_pass": text})["password"] == text


def test_metadata_that_is_no_json_gives_nothing():
    assert assignments("<html>")["id"] == ""


def test_a_cloud_config_becomes_a_script(tmp_path):
    (tmp_path / "log").write_text("zero\n")
    script = awk("cloud-config.awk", CLOUD_CONFIG.format(folder=tmp_path))
    assert "/usr/lib/guest/instance key 'ssh-ed25519 AAAA me@there'\n" in script
    out = shell(script.replace("/usr/lib/guest/instance", "true"))
    assert out == "it's 2\na, b|c|yes\n"
    motd = tmp_path / "new/motd"
    assert motd.read_text() == "it's\n  two lines\n\n"
    assert motd.stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "log").read_text() == "zero\none\ntwo\n"


def test_a_cloud_configs_hostname_is_given():
    assert "instance name 'web'" in awk("cloud-config.awk", "#cloud-config\nhostname: web\n")


def test_the_initramfs_starts_with_our_init(tmp_path):
    class NoModules:
        files: dict[str, Path] = {}

        def closure(self, names: object) -> list[str]:
            return []

    (tmp_path / "busybox").write_bytes(b"shell")
    assert initramfs(tmp_path / "busybox", NoModules()).startswith(b"\x1f\x8b")
