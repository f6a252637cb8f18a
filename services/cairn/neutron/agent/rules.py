"""What nftables is told of ports and groups: two tables, as values. Pure.

`table bridge` sees every frame: it drops what a tap may not send, and marks the rest with the
numbers of the taps it comes from (high 16 bits) and goes to (low 16). `table inet`, reached through
br_netfilter, tracks connections and applies the groups by these marks. A zone for each tenant
network keeps equal addresses of different networks apart; physical networks have none, because the
host itself may route and translate there.

Of ports whose groups are stateful, answers pass by the connection they belong to, and only they:
what goes the way the connection was opened is held against the groups each time, so a rule taken
away ends what it had let in.
"""

import re
from collections.abc import Collection
from ipaddress import IPv6Address
from typing import Any

from cairn.neutron.agent import names
from cairn.neutron.agent.nft import Chain, Set, Tables
from cairn.neutron.core import ips

State = dict[str, Any]
# A thing of the desired state: (PORT, GROUP or MEMBERS, its id).
Key = tuple[str, str]
PORT, GROUP, MEMBERS = "port", "security_group", "members"
CONNECTIONS = ("ct state related accept", "ct state established ct direction reply accept")
# Neighbour discovery and multicast listening: without them there is no IPv6 to filter.
ND_OUT = "icmpv6 type { 130, 131, 132, 133, 135, 136, 143 } accept"
ND_IN = "icmpv6 type { 130, 131, 132, 134, 135, 136, 143 } accept"
SHUT = Chain(("drop",))
# What is a protocol to a rule and a header before the protocol to IPv6: l4proto is never these.
HEADERS = {43: "exthdr rt exists", 44: "exthdr frag exists", 51: "ip6 nexthdr 51",
           60: "exthdr dst exists"}


def things(state: State) -> dict[Key, Any]:
    """What the tables are made of, each part of which is somebody's alone."""
    return {
        **{(PORT, id_): port for id_, port in sorted(state["ports"].items())
           if port["port_security_enabled"]},
        **{(GROUP, id_): group for id_, group in sorted(state["security_groups"].items())},
        **{(MEMBERS, id_): members for id_, members in sorted(state["members"].items())},
    }


def unreadable(state: State) -> dict[Key, str]:
    """What no rules can be made of, and why."""
    unreadable: dict[Key, str] = {}
    for key, thing in things(state).items():
        try:
            if key[0] == PORT:
                anti_spoof(thing)
            elif key[0] == GROUP:
                for rule in thing["rules"]:
                    text(rule)
        except (KeyError, TypeError, ValueError) as wrong:
            unreadable[key] = f"{type(wrong).__name__}: {wrong}"
    return unreadable


def ruleset(
    state: State, bridges: dict[str, str], isolated: Collection[Key] = frozenset()
) -> Tables:
    """Both tables for the host's ports. What is `isolated` has none of its own text in them: a
    port sends and gets nothing, a group lets nothing through, members are not known."""
    secured = {port_id: port for port_id, port in sorted(state["ports"].items())
               if port["port_security_enabled"]}
    numbers = numbered(secured)
    open_ports = {id_: port for id_, port in secured.items() if (PORT, id_) not in isolated}
    tables = _bridge_table(state, secured, numbers, bridges)
    for port_id, port in open_ports.items():
        number = numbers[port_id]
        tables["bridge", f"as_{number}"] = Chain(tuple(anti_spoof(port)))
        tables["bridge", f"to_{number}"] = Chain((f"meta mark set meta mark or {number:#x}",))
    return (tables | _inet_table(numbers, bridges)
            | _groups(state, isolated)
            | {key: chain for id_, port in open_ports.items()
               for key, chain in _filters(state, port, numbers[id_]).items()}
            | _from_the_host(open_ports, numbers, bridges))


def numbered(ports: Any) -> dict[str, int]:
    """A number of 1..65535 for each id: the same after a restart, and whatever else there is
    (but for the few that meet)."""
    numbers: dict[str, int] = {}
    taken: set[int] = set()
    for port_id in sorted(ports):
        number = int(_plain(port_id)[-8:], 16) % 65535 + 1
        while number in taken:
            number = number % 65535 + 1
        taken.add(number)
        numbers[port_id] = number
    return numbers


def _bridge_table(
    state: State, ports: dict[str, State], numbers: dict[str, int], bridges: dict[str, str]
) -> Tables:
    def pairs(form: str, shift: int = 0) -> frozenset[str]:
        return frozenset(f"{_quoted(port['tap'])} : {form.format(numbers[id_] << shift)}"
                         for id_, port in ports.items())

    own = {names.bridge(network_id) for network_id in bridges}
    tenants = frozenset(_quoted(p["tap"]) for p in state["ports"].values()
                        if bridges.get(p["network_id"]) in own)
    tables: Tables = {
        ("bridge", "senders"): Set("ifname : verdict", pairs("jump as_{}"), "map"),
        ("bridge", "from"): Set("ifname : mark", pairs("{:#x}", 16), "map"),
        ("bridge", "receivers"): Set("ifname : verdict", pairs("jump to_{}"), "map"),
        ("bridge", "tenants"): Set("ifname", tenants),
        ("bridge", "pre"): Chain(("iifname vmap @senders",),
                                 "type filter hook prerouting priority -200"),
        ("bridge", "forw"): Chain(
            ("meta mark set 0", "meta mark set iifname map @from", "oifname vmap @receivers"),
            "type filter hook forward priority -200"),
        # A guest, here or beyond a tunnel, has no business with the host itself, be it an ARP
        # question. Unless a physical network leads there.
        ("bridge", "inp"): Chain(
            ("iifname @tenants drop", *(f'iifname "{tunnel}*" drop' for tunnel in ("vxl", "vln")),
             "meta mark set iifname map @from"),
            "type filter hook input priority -200"),
    }
    for number in numbers.values():
        tables["bridge", f"as_{number}"] = tables["bridge", f"to_{number}"] = SHUT
    return tables


def anti_spoof(port: State) -> list[str]:
    """What the port may send. Raises ValueError where that is no address."""
    pairs = [(ip["ip"], port["mac"]) for ip in port["fixed_ips"]]
    pairs += [(p["ip_address"], p["mac_address"]) for p in port["allowed_address_pairs"]]
    macs = sorted({ips.mac(port["mac"]), *(ips.mac(mac) for _, mac in pairs)})
    texts = {_written(ip) for ip, _ in pairs}
    v4 = sorted(ip for ip in texts if ":" not in ip)
    v6 = sorted({ip for ip in texts if ":" in ip} | {link_local(mac) for mac in macs})
    listed = ", ".join(macs)
    rules = [
        f"ether saddr != {{ {listed} }} drop",
        f"ether type arp arp saddr ether {{ {listed} }} arp saddr ip "
        f"{{ {_merged([*v4, '0.0.0.0'])} }} return",
        "ether type arp drop",
        "ip saddr 0.0.0.0 udp sport 68 udp dport 67 return",
        "udp sport 67 udp dport 68 drop", "udp sport 547 udp dport 546 drop",
        "icmpv6 type { nd-router-advert, nd-redirect } drop",
    ]
    if not any("/" in ip for ip in v6):
        # The address that a neighbour advertisement speaks of; this nft has no word for it.
        targets = ", ".join(f"{int(ips.address(ip)):#034x}" for ip in v6)
        rules.append(f"icmpv6 type nd-neighbor-advert @th,64,128 != {{ {targets} }} drop")
    if v4:
        rules.append(f"ip saddr {{ {_merged(v4)} }} return")
    return [*rules, f"ip6 saddr {{ {_merged(v6)} }} return",
            "ip6 saddr :: meta l4proto 58 return", "drop"]


def link_local(mac: str) -> str:
    """The address that a MAC address makes for itself."""
    parts = [int(part, 16) for part in mac.split(":")]
    parts = [parts[0] ^ 2, *parts[1:3], 0xFF, 0xFE, *parts[3:]]
    return str(IPv6Address((0xFE80 << 112) + int.from_bytes(bytes(parts), "big")))


def _written(address: str) -> str:
    """An address or a prefix in the form that nft reads as we do. Raises ValueError."""
    return str(ips.network(address) if "/" in address else ips.address(address))


def _merged(addresses: list[str]) -> str:
    return ", ".join(_apart(addresses))


def _apart(addresses: list[str]) -> list[str]:
    """As elements of a set: overlaps would be refused."""
    networks = sorted({ips.network(a) for a in addresses},
                      key=lambda n: (n.version, n.prefixlen, int(n.network_address)))
    kept: dict[tuple[int, int], Any] = {}
    lengths: set[int] = set()
    for net in networks:
        whole, bits = int(net.network_address), net.max_prefixlen
        if not any((whole >> (bits - length), length) in kept for length in lengths):
            kept[whole >> (bits - net.prefixlen), net.prefixlen] = net
            lengths.add(net.prefixlen)
    return [str(n.network_address if n.prefixlen == n.max_prefixlen else n)
            for n in kept.values()]


def _inet_table(numbers: dict[str, int], bridges: dict[str, str]) -> Tables:
    tables: Tables = {}
    for number in numbers.values():
        tables["inet", f"e_{number}"] = tables["inet", f"i_{number}"] = SHUT
    out = frozenset(f"{n << 16:#x} : jump e_{n}" for n in numbers.values())
    into = frozenset(f"{n:#x} : jump i_{n}" for n in numbers.values())
    leaving = "meta mark & 0xffff0000 vmap @leaving"
    tables |= {
        ("inet", "leaving"): Set("mark : verdict", out, "map"),
        ("inet", "arriving"): Set("mark : verdict", into, "map"),
        ("inet", "zones"): Chain(
            tuple(f"iifname {_quoted(bridge)} ct zone set {zone(network_id)}"
                  for network_id, bridge in sorted(bridges.items())
                  if bridge == names.bridge(network_id)),
            "type filter hook prerouting priority -300"),
        ("inet", "egress"): Chain(
            (leaving,), "type filter hook forward priority 0"),
        ("inet", "ingress"): Chain(
            ("meta mark & 0x0000ffff vmap @arriving",), "type filter hook forward priority 1"),
        # To the host itself.
        ("inet", "input"): Chain(
            (leaving,), "type filter hook input priority 0"),
    }
    return tables


def _filters(state: State, port: State, number: int) -> Tables:
    groups = [_plain(g) for g in sorted(port["security_groups"])]
    answers = CONNECTIONS if all(
        state["security_groups"].get(g, {}).get("stateful", True)
        for g in port["security_groups"]) else ()
    return {
        ("inet", f"e_{number}"): Chain((
            *answers, "udp sport 68 udp dport 67 accept",
            "udp sport 546 udp dport 547 accept", ND_OUT,
            *(f"jump esg_{group}" for group in groups), "drop")),
        ("inet", f"i_{number}"): Chain((
            *answers, "udp sport 67 udp dport 68 accept",
            "udp sport 547 udp dport 546 accept", ND_IN,
            *(f"jump isg_{group}" for group in groups), "drop")),
    }


def _groups(state: State, isolated: Collection[Key]) -> Tables:
    tables: Tables = {}
    groups = {id_: group["rules"] if (GROUP, id_) not in isolated else []
              for id_, group in sorted(state["security_groups"].items())}
    remote = {rule["remote_group_id"] for rules in groups.values() for rule in rules
              if rule["remote_group_id"]}
    for group_id in sorted(remote | state["members"].keys()):
        shut = (MEMBERS, group_id) in isolated
        members = {} if shut else state["members"].get(group_id, {})
        for version, kind in (("4", "ipv4_addr"), ("6", "ipv6_addr")):
            addresses = [a for a in members.get(version, []) if readable(a)]
            tables["inet", f"m{version}_{_plain(group_id)}"] = Set(
                kind, frozenset(_apart(addresses)), interval=True)
    for group_id, rules in groups.items():
        for direction in ("ingress", "egress"):
            texts = dict.fromkeys(
                text(rule) for rule in rules if rule["direction"] == direction)
            tables["inet", f"{direction[0]}sg_{_plain(group_id)}"] = Chain(tuple(texts))
    return tables


def readable(address: str) -> bool:
    """Of the members of a group, one is as good as another: what is no address is left out."""
    try:
        ips.network(address)
    except ValueError:
        return False
    return True


def _from_the_host(
    ports: dict[str, State], numbers: dict[str, int], bridges: dict[str, str]
) -> Tables:
    """What the host sends or routes into a physical network passes no bridge's forward hook: the
    tap it will leave by is known by its address alone."""
    jumps: dict[str, dict[str, str]] = {"ip": {}, "ip6": {}}
    for port_id, port in ports.items():
        bridge = bridges.get(port["network_id"])
        if bridge is None or bridge == names.bridge(port["network_id"]):
            continue
        for address in port["fixed_ips"]:
            family = "ip6" if ":" in address["ip"] else "ip"
            key = f"{_quoted(bridge)} . {_written(address['ip'])}"
            jumps[family][key] = f"jump i_{numbers[port_id]}"
    return {
        **{("inet", f"routed_{family}"): Set(
            f"ifname . {kind} : verdict",
            frozenset(f"{key} : {verdict}" for key, verdict in jumps[family].items()), "map")
           for family, kind in (("ip", "ipv4_addr"), ("ip6", "ipv6_addr"))},
        ("inet", "routed"): Chain(
            ("meta mark & 0x0000ffff != 0 accept",
             "oifname . ip daddr vmap @routed_ip", "oifname . ip6 daddr vmap @routed_ip6"),
            "type filter hook postrouting priority 0"),
    }


def _quoted(name: str) -> str:
    return f'"{name}"'


def _plain(identifier: str) -> str:
    """An id as part of a chain's or set's name. Raises ValueError."""
    plain = identifier.replace("-", "")
    if not re.fullmatch("[0-9a-z]{1,32}", plain):
        raise ValueError(f"{identifier[:64]!r} is no id")
    return plain


def zone(network_id: str) -> int:
    """A conntrack zone of 1..65535 that is the network's on every host."""
    return int(_plain(network_id)[:8], 16) % 65535 + 1


def text(rule: State) -> str:
    """One rule of a group as nft has it, made of what was read of it. Raises ValueError."""
    six = rule["ethertype"] == "IPv6"
    words = [f"meta nfproto {'ipv6' if six else 'ipv4'}"]
    side = "saddr" if rule["direction"] == "ingress" else "daddr"
    family = "ip6" if six else "ip"
    if rule["remote_group_id"]:
        words.append(f"{family} {side} @m{'6' if six else '4'}_{_plain(rule['remote_group_id'])}")
    elif rule["remote_ip_prefix"]:
        prefix = ips.network(rule["remote_ip_prefix"])
        if (prefix.version == 6) != six:
            raise ValueError(f"{prefix} is not {rule['ethertype']}")
        if prefix.prefixlen:
            words.append(f"{family} {side} {prefix}")
    words += _protocol(six, *(None if rule[name] is None else int(rule[name]) for name in (
        "protocol", "port_range_min", "port_range_max")))
    return " ".join([*words, "accept"])


def _protocol(six: bool, number: int | None, low: int | None, high: int | None) -> list[str]:
    """Words for a protocol: 0 is any, and ICMP is of the IP version that the rule is of."""
    if not number:
        return []
    if six and number in HEADERS:
        return [HEADERS[number]]
    if six and number == 1:
        number = 58
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
