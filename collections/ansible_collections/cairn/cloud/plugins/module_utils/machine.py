# Copyright: Cairn authors
# SPDX-License-Identifier: Apache-2.0
"""What a machine lets its lab nodes know of itself: package sources, certificates, pip, names.

A node is a Debian of its own, but it lives behind the machine: it installs from where the machine
installs, and trusts whom the machine trusts.
"""

from __future__ import annotations

import configparser
import glob
import os
import re

DEBIAN_COMPONENTS = {"main", "contrib", "non-free", "non-free-firmware"}
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
PUBLIC_SOURCES = """\
Types: deb
URIs: http://deb.debian.org/debian
Suites: {suite} {suite}-updates
Components: main
Signed-By: {keyring}

Types: deb
URIs: http://deb.debian.org/debian-security
Suites: {suite}-security
Components: main
Signed-By: {keyring}
"""
ENVIRONMENT = re.compile(
    r"(PIP|UV)_[A-Z_]+|(http|https|ftp|all|no)_proxy|SSL_CERT_(FILE|DIR)|(CURL|REQUESTS)_CA_BUNDLE",
    re.IGNORECASE,
)
ONE_LINE = re.compile(
    r"deb\s+(?:\[(?P<options>[^]]*)\]\s+)?(?P<uri>\S+)\s+(?P<suite>\S+)(?P<components>.*)"
)
ONE_LINE_OPTIONS = {"arch": "Architectures", "signed-by": "Signed-By", "trusted": "Trusted"}


def read(path):
    """The text of a file, or nothing where there is no such file."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def stanzas(text):
    """The stanzas of a deb822 file, comments dropped."""
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    return [part.strip("\n") for part in re.split(r"\n\s*\n", "\n".join(lines)) if part.strip()]


def field(stanza, name):
    """The words of one field of a stanza; continuation lines belong to it."""
    found = re.search(rf"^{name}:(.*(?:\n[ \t].*)*)", stanza, re.MULTILINE | re.IGNORECASE)
    return found.group(1).split() if found else []


def from_one_line(text):
    """One-line sources (C(deb uri suite component ...)) as deb822 stanzas."""
    for line in text.splitlines():
        found = ONE_LINE.match(line.split("#")[0].strip())
        if found:
            lines = [
                "Types: deb",
                f"URIs: {found['uri']}",
                f"Suites: {found['suite']}",
                f"Components: {found['components'].strip()}",
            ]
            for option in (found["options"] or "").split():
                name, _equals, value = option.partition("=")
                if name in ONE_LINE_OPTIONS:
                    lines.append(f"{ONE_LINE_OPTIONS[name]}: {value.replace(',', ' ')}")
            yield "\n".join(lines)


def is_debian(stanza, suite):
    """Whether a stanza is Debian's own archive of that suite, and not somebody else's for it."""
    suites = field(stanza, "Suites")
    return (
        "deb" in field(stanza, "Types")
        and field(stanza, "Enabled") != ["no"]
        and bool(suites)
        and all(name == suite or name.startswith(f"{suite}-") for name in suites)
        and set(field(stanza, "Components")) <= DEBIAN_COMPONENTS
        and not any(uri.startswith("cdrom:") for uri in field(stanza, "URIs"))
    )


def debian_sources(suite, root="/"):
    """The machine's own sources of that Debian, or else Debian's public ones; as deb822 text."""
    apt = os.path.join(root, "etc/apt")
    found = []
    for path in [f"{apt}/sources.list", *sorted(glob.glob(f"{apt}/sources.list.d/*.list"))]:
        found += from_one_line(read(path))
    for path in sorted(glob.glob(f"{apt}/sources.list.d/*.sources")):
        found += stanzas(read(path))
    kept = [stanza for stanza in found if is_debian(stanza, suite)]
    if not kept:
        return PUBLIC_SOURCES.format(suite=suite, keyring=KEYRING)
    return "\n\n".join(kept) + "\n"


def apt_options(root="/"):
    """The machine's settings of how apt fetches, such as a proxy; not what it runs around dpkg."""
    paths = [
        os.path.join(root, "etc/apt/apt.conf"),
        *sorted(glob.glob(os.path.join(root, "etc/apt/apt.conf.d/*"))),
    ]
    texts = [read(path) for path in paths if re.fullmatch(r"[\w.-]+", os.path.basename(path))]
    return "".join(text for text in texts if "Acquire::" in text and "Invoke" not in text)


def pip_settings(environ, root="/"):
    """pip's configuration files of the machine and of this user as one; the later win."""
    paths = [
        os.path.join(root, "etc/pip.conf"),
        os.path.expanduser("~/.pip/pip.conf"),
        os.path.expanduser("~/.config/pip/pip.conf"),
        environ.get("PIP_CONFIG_FILE", ""),
    ]
    merged = configparser.RawConfigParser()
    for path in filter(os.path.exists, paths):
        merged.read(path)
    return {section: dict(merged[section]) for section in merged.sections()}


def pip_file(settings):
    """The text of a pip.conf; the lines of a value that has several are indented."""
    lines = []
    for section, options in settings.items():
        lines.append(f"[{section}]")
        for name, value in options.items():
            indented = value.replace("\n", "\n  ")
            lines.append(f"{name} = {indented}")
    return "".join(f"{line}\n" for line in lines)


def environment(environ):
    """The variables of this process by which programs find proxies, packages and certificates."""
    return {k: v for k, v in sorted(environ.items()) if ENVIRONMENT.fullmatch(k) and "\n" not in v}


def package_directories(settings, variables):
    """Local directories from which pip installs here: a node needs to see them too."""
    values = [value for section in settings.values() for value in section.values()]
    values += [value for name, value in variables.items() if name.startswith(("PIP_", "UV_"))]
    found = set()
    for word in " ".join(values).split():
        path = word.removeprefix("file://").rstrip("/")
        if path.startswith("/") and os.path.isdir(path):
            # The pages of a "simple" index point to files beside it.
            found.add(os.path.dirname(path) if os.path.basename(path) == "simple" else path)
    return sorted(found)


def nameservers(root="/"):
    """resolv.conf as a node can use it: a stub on the machine's loopback is out of its reach."""
    text = read(os.path.join(root, "etc/resolv.conf"))
    servers = re.findall(r"^nameserver\s+(\S+)", text, re.MULTILINE)
    if servers and all(server.startswith("127.") or server == "::1" for server in servers):
        return read(os.path.join(root, "run/systemd/resolve/resolv.conf")) or text
    return text


def devices(root="/"):
    """The devices that virtual machines and their networks need, as far as they work here."""
    wanted = ["/dev/net/tun", "/dev/fuse"]
    if re.search(r"^flags.*\b(vmx|svm)\b", read(os.path.join(root, "proc/cpuinfo")), re.MULTILINE):
        # Without these flags /dev/kvm may still open, and then whoever uses it hangs.
        wanted += ["/dev/kvm", "/dev/vhost-net"]
    return [path for path in wanted if os.path.exists(os.path.join(root, path.lstrip("/")))]


def machine_files(suite, environ, root="/"):
    """Every file a node gets from the machine: path to (mode, bytes)."""
    pip = pip_file(pip_settings(environ, root))
    variables = "".join(f'{name}="{value}"\n' for name, value in environment(environ).items())
    sources = debian_sources(suite, root)
    files = {
        "etc/apt/sources.list.d/debian.sources": (0o644, sources.encode()),
        "etc/apt/apt.conf.d/90machine": (0o644, apt_options(root).encode()),
        "etc/resolv.conf": (0o644, nameservers(root).encode()),
        "etc/pip.conf": (0o644, pip.encode()),
        "etc/environment": (0o644, variables.encode()),
    }
    copied = ["etc/ssl/certs/ca-certificates.crt"]
    for pattern in ("usr/local/share/ca-certificates/**/*.crt", "etc/apt/auth.conf.d/*.conf"):
        found = glob.glob(os.path.join(root, pattern), recursive=True)
        copied += [os.path.relpath(path, root) for path in sorted(found)]
    copied += [path.lstrip("/") for path in field_paths(sources) if path != KEYRING]
    for path in copied:
        whole = os.path.join(root, path)
        if os.path.isfile(whole):
            with open(whole, "rb") as file:
                files[path] = (0o600 if "auth.conf" in path else 0o644, file.read())
    return files


def field_paths(sources):
    """Files that the sources name as their keys."""
    words = [word for stanza in stanzas(sources) for word in field(stanza, "Signed-By")]
    return sorted({word for word in words if word.startswith("/")})
