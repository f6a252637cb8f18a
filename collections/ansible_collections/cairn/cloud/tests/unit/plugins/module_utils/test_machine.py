# Copyright: Cairn authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
from ansible_collections.cairn.cloud.plugins.module_utils import machine


@pytest.fixture
def root(tmp_path):
    """A machine of which nothing is known yet."""
    for directory in ("etc/apt/sources.list.d", "etc/apt/apt.conf.d", "etc/ssl/certs"):
        (tmp_path / directory).mkdir(parents=True)
    return tmp_path


DEBIAN = """# a comment
Types: deb
URIs: http://mirror.example/debian
Suites: bookworm
  bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
"""


@pytest.mark.parametrize(
    ("stranger"),
    [
        "Types: deb\nURIs: https://deb.example/node\nSuites: nodistro\nComponents: main\n",
        "Types: deb\nURIs: https://d.example/docker\nSuites: bookworm\nComponents: stable\n",
        "Types: deb\nURIs: http://old.example\nSuites: bullseye\nComponents: main\n",
        "Types: deb-src\nURIs: http://src.example\nSuites: bookworm\nComponents: main\n",
        "Types: deb\nURIs: http://off.example\nSuites: bookworm\nComponents: main\nEnabled: no\n",
        "Types: deb\nURIs: cdrom:[Debian]\nSuites: bookworm\nComponents: main\n",
    ],
)
def test_a_node_installs_from_debian_and_nobody_else(root, stranger):
    (root / "etc/apt/sources.list.d/debian.sources").write_text(DEBIAN + "\n" + stranger)
    sources = machine.debian_sources("bookworm", root)
    assert "http://mirror.example/debian" in sources
    assert machine.field(stranger, "URIs")[0] not in sources


def test_one_line_sources_are_understood(root):
    line = "deb [arch=amd64 signed-by=/etc/k.gpg] http://m.example/debian bookworm main contrib # x"
    (root / "etc/apt/sources.list").write_text(f"# first\n{line}\ndeb-src http://s.example x y\n")
    assert machine.debian_sources("bookworm", root) == (
        "Types: deb\nURIs: http://m.example/debian\nSuites: bookworm\nComponents: main contrib\n"
        "Architectures: amd64\nSigned-By: /etc/k.gpg\n"
    )


def test_a_machine_without_debian_sources_uses_the_public_ones(root):
    assert "http://deb.debian.org/debian" in machine.debian_sources("bookworm", root)


def test_how_apt_fetches_is_taken_over_but_not_what_it_runs(root):
    directory = root / "etc/apt/apt.conf.d"
    (directory / "10proxy").write_text('Acquire::http::Proxy "http://proxy.example:3128";\n')
    (directory / "20kit").write_text('APT::Update::Post-Invoke-Success { "kit"; };\n')
    (directory / "30old.bak~").write_text('Acquire::http::Proxy "http://old.example";\n')
    assert machine.apt_options(root) == 'Acquire::http::Proxy "http://proxy.example:3128";\n'


def test_pip_finds_what_it_finds_on_the_machine(root, monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "index" / "simple").mkdir(parents=True)
    (root / "etc/pip.conf").write_text("[global]\ntimeout = 1\ncert = /machine.pem\n")
    (root / "mine.conf").write_text(
        f"[global]\ntimeout = 9\nextra-index-url = file://{tmp_path}/index/simple\n  http://i.example\n"
    )
    settings = machine.pip_settings({"PIP_CONFIG_FILE": str(root / "mine.conf")}, root)
    assert settings["global"]["timeout"] == "9" and settings["global"]["cert"] == "/machine.pem"
    assert machine.package_directories(settings, {}) == [str(tmp_path / "index")]
    (root / "again.conf").write_text(machine.pip_file(settings))
    assert machine.pip_settings({"PIP_CONFIG_FILE": str(root / "again.conf")}, root) == settings


def test_of_the_environment_only_what_leads_to_packages_is_taken_over():
    environ = {"PIP_CERT": "/ca", "https_proxy": "http://p", "SSL_CERT_FILE": "/ca"}
    assert (
        machine.environment({**environ, "HOME": "/root", "AWS_SECRET_ACCESS_KEY": "s"}) == environ
    )


def test_a_stub_resolver_on_loopback_is_not_a_nodes_resolver(root):
    (root / "etc/resolv.conf").write_text("nameserver 127.0.0.53\n")
    (root / "run/systemd/resolve").mkdir(parents=True)
    (root / "run/systemd/resolve/resolv.conf").write_text("nameserver 192.0.2.53\n")
    assert machine.nameservers(root) == "nameserver 192.0.2.53\n"


@pytest.mark.parametrize(("flags", "kvm"), [("fpu vmx", True), ("fpu svm", True), ("fpu", False)])
def test_kvm_is_shared_only_where_the_processor_has_it(root, flags, kvm):
    for path in ("dev/net/tun", "dev/fuse", "dev/kvm", "proc/cpuinfo"):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(f"flags\t: {flags}\n")
    assert machine.devices(root)[:2] == ["/dev/net/tun", "/dev/fuse"]
    assert ("/dev/kvm" in machine.devices(root)) is kvm


def test_certificates_passwords_and_keys_come_along(root):
    (root / "etc/ssl/certs/ca-certificates.crt").write_text("bundle")
    (root / "usr/local/share/ca-certificates/firm").mkdir(parents=True)
    (root / "usr/local/share/ca-certificates/firm/ca.crt").write_text("firm")
    (root / "etc/apt/auth.conf.d").mkdir()
    (root / "etc/apt/auth.conf.d/mirror.conf").write_text("machine m login l password p")
    (root / "etc/apt/k.gpg").write_text("key")
    line = "deb [signed-by=/etc/apt/k.gpg] http://m.example/debian bookworm main\n"
    (root / "etc/apt/sources.list").write_text(line)
    files = machine.machine_files("bookworm", {}, root)
    assert files["etc/ssl/certs/ca-certificates.crt"] == (0o644, b"bundle")
    assert files["usr/local/share/ca-certificates/firm/ca.crt"] == (0o644, b"firm")
    assert files["etc/apt/auth.conf.d/mirror.conf"][0] == 0o600
    assert files["etc/apt/k.gpg"] == (0o644, b"key")
