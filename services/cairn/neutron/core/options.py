"""DHCP options that a port may have of its own, in dnsmasq's words."""

import re

# What `dnsmasq --help dhcp` and `--help dhcp6` list.
_FOUR = set("""
netmask time-offset router dns-server log-server lpr-server boot-file-size domain-name swap-server
root-path extension-path ip-forward-enable non-local-source-routing policy-filter
max-datagram-reassembly default-ttl mtu all-subnets-local router-discovery router-solicitation
static-route trailer-encapsulation arp-timeout ethernet-encap tcp-ttl tcp-keepalive nis-domain
nis-server ntp-server netbios-ns netbios-dd netbios-nodetype netbios-scope x-windows-fs x-windows-dm
t1 t2 vendor-class nis+-domain nis+-server tftp-server bootfile-name mobile-ip-home smtp-server
pop3-server nntp-server irc-server user-class rapid-commit client-arch client-interface-id
client-machine-id posix-timezone tzdb-timezone ipv6-only domain-search sip-server
classless-static-route vendor-id-encap tftp-server-address server-ip-address
""".split())
_SIX = set("""
sip-server-domain sip-server dns-server domain-search nis-server nis+-server nis-domain nis+-domain
sntp-server information-refresh-time posix-timezone tzdb-timezone ntp-server bootfile-url
bootfile-param
""".split())
MOST = 64  # Options of one port.
# As upstream: what an option without a value says, too.
_BLANK = {"router", "classless-static-route"}


def name(text: str, version: int) -> str:
    """An option's name, or its number. Raises ValueError."""
    if re.fullmatch(r"[0-9]{1,5}", text) and 1 <= int(text) <= (254 if version == 4 else 65535):
        return str(int(text))
    if text.lower() not in (_FOUR if version == 4 else _SIX):
        raise ValueError(f"{text!r} is no option of DHCP for IPv{version}")
    return text


def value(text: str, of: str) -> str:
    """One line of what can be printed: dnsmasq reads lines. Raises ValueError."""
    if not re.fullmatch(r"[ -~]*", text):
        raise ValueError("a value may have printable ASCII characters only")
    if not text.strip() and of not in _BLANK:
        raise ValueError("a value is needed")
    return text
