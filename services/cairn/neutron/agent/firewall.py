"""Security groups and anti-spoofing, as two nftables tables that are replaced in one transaction.

`table bridge` sees every frame: it drops what a tap may not send, and marks the rest with the
numbers of the taps it comes from (high 16 bits) and goes to (low 16). `table inet`, reached through
br_netfilter, tracks connections and applies the groups by these marks. A zone for each bridge
keeps equal addresses of different networks apart.
"""

import hashlib
from ipaddress import ip_network
from typing import Any

from cairn.neutron.agent.commands import CommandFailed, run

State = dict[str, Any]
TABLE = "cairn_sg"
# Neighbour discovery and multicast listening: without them there is no IPv6 to filter.
ND_OUT = "icmpv6 type { 130, 131, 132, 133, 135, 136, 143 } accept"
ND_IN = "icmpv6 type { 130, 131, 132, 134, 135, 136, 143 } accept"


class Firewall:
    def apply(self, state: State, bridges: dict[str, str]) -> None:
        text = ruleset(state, bridges)
        mark = f"rev_{hashlib.sha256(text.encode()).hexdigest()[:16]}"
        if self.in_force() == mark:
            return
        # The empty chain carries the text's name: what is in force can be told from outside.
        run("nft", "-f", "-", stdin=f"{text}\nadd chain inet {TABLE} {mark}\n")

    def in_force(self) -> str | None:
        """The name of the text that the kernel has; None when a table is missing."""
        try:
            run("nft", "list", "chain", "bridge", TABLE, "forw")
            listed = run("nft", "-t", "list", "table", "inet", TABLE)
        except CommandFailed:
            return None
        words = listed.split()
        return next((word for word in words if word.startswith("rev_")), None)

    def remove(self) -> None:
        run("nft", "-f", "-", stdin=_anew("bridge") + _anew("inet"))
        for family in ("bridge", "inet"):
            run("nft", "delete", "table", family, TABLE)


def _anew(family: str) -> str:
    """An empty table, whatever there was: deleting one that is not there would fail."""
    table = f"table {family} {TABLE}"
    return f"add {table}\ndelete {table}\nadd {table}\n"


def ruleset(state: State, bridges: dict[str, str]) -> str:
    """The whole of both tables for the host's ports. Pure."""
    secured = {
        port_id: port for port_id, port in sorted(state["ports"].items())
        if port["port_security_enabled"]
    }
    numbers = {port_id: number for number, port_id in enumerate(secured, start=1)}
    return "\n".join([
        _anew("bridge") + _anew("inet"), f"table bridge {TABLE} {{",
        *_bridge_table(secured, numbers, [p["tap"] for p in state["ports"].values()]), "}",
        f"table inet {TABLE} {{", *_inet_table(state, secured, numbers, bridges), "}",
    ])


def _bridge_table(
    ports: dict[str, State], numbers: dict[str, int], taps: list[str]
) -> list[str]:
    lines = []
    for port_id, port in ports.items():
        lines += [f"  chain as_{numbers[port_id]} {{", *_anti_spoof(port), "  }",
                  f"  chain out_{numbers[port_id]} {{ "
                  f"meta mark set meta mark or {numbers[port_id]:#x}; }}"]
    lines += [
        "  chain pre { type filter hook prerouting priority -200; policy accept;",
        *([f"    iifname vmap {_map(ports, numbers, 'jump as_{}')}"] if ports else []), "  }",
        "  chain forw { type filter hook forward priority -200; policy accept;",
        "    meta mark set 0;",
        *([f"    meta mark set iifname map {_map(ports, numbers, '{:#x}', 16)}",
           f"    oifname vmap {_map(ports, numbers, 'jump out_{}')}"] if ports else []), "  }",
        # A guest has no business with the host itself.
        "  chain inp { type filter hook input priority -200; policy accept;",
        *([f"    iifname {{ {', '.join(_quoted(t) for t in sorted(taps))} }} drop"]
          if taps else []), "  }",
    ]
    return lines


def _map(ports: dict[str, State], numbers: dict[str, int], form: str, shift: int = 0) -> str:
    pairs = (f"{_quoted(port['tap'])} : {form.format(numbers[port_id] << shift)}"
             for port_id, port in ports.items())
    return "{ " + ", ".join(pairs) + " }"


def _quoted(name: str) -> str:
    return f'"{name}"'


def _anti_spoof(port: State) -> list[str]:
    pairs = [(ip["ip"], port["mac"]) for ip in port["fixed_ips"]]
    pairs += [(p["ip_address"], p["mac_address"]) for p in port["allowed_address_pairs"]]
    macs = sorted({port["mac"], *(mac for _, mac in pairs)})
    v4 = sorted({ip for ip, _ in pairs if ":" not in ip})
    v6 = sorted({ip for ip, _ in pairs if ":" in ip})
    lines = [f"    ether saddr != {{ {', '.join(macs)} }} drop"]
    four = _merged([*v4, "0.0.0.0"])
    lines += [
        f"    ether type arp arp saddr ether {{ {', '.join(macs)} }} arp saddr ip "
        f"{{ {four} }} return",
        "    ether type arp drop",
        "    ip saddr 0.0.0.0 udp sport 68 udp dport 67 return",
        "    udp sport 67 udp dport 68 drop", "    udp sport 547 udp dport 546 drop",
        "    icmpv6 type { nd-router-advert, nd-redirect } drop",
    ]
    if v4:
        lines.append(f"    ip saddr {{ {_merged(v4)} }} return")
    six = _merged([*v6, "fe80::/10", "::"])
    lines += [f"    ip6 saddr {{ {six} }} return", "    drop"]
    return lines


def _merged(addresses: list[str]) -> str:
    """As elements of a set: overlaps would be refused."""
    networks = sorted({ip_network(a, strict=False) for a in addresses},
                      key=lambda n: (n.prefixlen, int(n.network_address)))
    kept: list[Any] = []
    for network in networks:
        if not any(network.subnet_of(wider) for wider in kept):
            kept.append(network)
    return ", ".join(
        str(n.network_address if n.prefixlen == n.max_prefixlen else n) for n in kept)


def _inet_table(
    state: State, ports: dict[str, State], numbers: dict[str, int], bridges: dict[str, str]
) -> list[str]:
    lines = []
    for group_id, members in sorted(state["members"].items()):
        for family, kind in (("4", "ipv4_addr"), ("6", "ipv6_addr")):
            elements = _merged(members.get(family, []))
            content = f" elements = {{ {elements} }};" if elements else ""
            lines.append(f"  set m{family}_{_plain(group_id)} {{ type {kind}; "
                         f"flags interval;{content} }}")
    for group_id, group in sorted(state["security_groups"].items()):
        for direction in ("ingress", "egress"):
            rules = [f"    {text(rule)}" for rule in group["rules"]
                     if rule["direction"] == direction]
            lines += [f"  chain {direction[0]}sg_{_plain(group_id)} {{", *rules, "  }"]
    for port_id, port in ports.items():
        number, groups = numbers[port_id], [_plain(g) for g in sorted(port["security_groups"])]
        lines += [
            f"  chain e_{number} {{ udp sport 68 udp dport 67 accept; "
            f"udp sport 546 udp dport 547 accept; {ND_OUT}; "
            + "".join(f"jump esg_{g}; " for g in groups) + "drop; }",
            f"  chain i_{number} {{ udp sport 67 udp dport 68 accept; "
            f"udp sport 547 udp dport 546 accept; {ND_IN}; "
            + "".join(f"jump isg_{g}; " for g in groups) + "drop; }",
        ]
    zones = [f"    iifname {_quoted(bridge)} ct zone set {_zone(network_id)}"
             for network_id, bridge in sorted(bridges.items())]
    out = ", ".join(f"{n << 16:#x} : jump e_{n}" for n in numbers.values())
    into = ", ".join(f"{n:#x} : jump i_{n}" for n in numbers.values())
    lines += [
        "  chain zones { type filter hook prerouting priority -300; policy accept;",
        *zones, "  }",
        "  chain egress { type filter hook forward priority 0; policy accept;",
        "    meta mark 0 accept", "    ct state established,related accept",
        *([f"    meta mark & 0xffff0000 vmap {{ {out} }}"] if out else []), "  }",
        "  chain ingress { type filter hook forward priority 1; policy accept;",
        "    meta mark 0 accept", "    ct state established,related accept",
        *([f"    meta mark & 0x0000ffff vmap {{ {into} }}"] if into else []), "  }",
    ]
    return lines


def _plain(identifier: str) -> str:
    return identifier.replace("-", "")


def _zone(network_id: str) -> int:
    """A conntrack zone of 1..65535 that is the network's on every host."""
    return int(_plain(network_id)[:8], 16) % 65535 + 1


def text(rule: State) -> str:
    """One rule of a group as nft has it. The API has checked every field."""
    six = rule["ethertype"] == "IPv6"
    words = [f"meta nfproto {'ipv6' if six else 'ipv4'}"]
    side = "saddr" if rule["direction"] == "ingress" else "daddr"
    family = "ip6" if six else "ip"
    if rule["remote_group_id"]:
        words.append(f"{family} {side} @m{'6' if six else '4'}_{_plain(rule['remote_group_id'])}")
    elif rule["remote_ip_prefix"]:
        prefix = ip_network(rule["remote_ip_prefix"], strict=False)
        if prefix.prefixlen:
            words.append(f"{family} {side} {prefix}")
    words += _protocol(rule["protocol"], rule["port_range_min"], rule["port_range_max"])
    return " ".join([*words, "accept"])


def _protocol(number: int | None, low: int | None, high: int | None) -> list[str]:
    if number is None:
        return []
    if number in (1, 58):
        name = "icmp" if number == 1 else "icmpv6"
        words = [f"meta l4proto {number}"]
        if low is not None:
            words.append(f"{name} type {low}")
        if high is not None:
            words.append(f"{name} code {high}")
        return words
    name = {6: "tcp", 17: "udp", 33: "dccp", 132: "sctp", 136: "udplite"}.get(number, "")
    if not name or low is None:
        return [f"meta l4proto {number}"]
    return [f"{name} dport {low}" if high in (None, low) else f"{name} dport {low}-{high}"]
