"""What dnsmasq promised to guests, and what of it no longer holds: its lease file, as text. Pure.

dnsmasq itself keeps a promise for the day it was made for, whoever else is to have the address
meanwhile, and answers with the name of a guest that is no more.
"""


def kept(promised: str, before: str, now: str) -> str:
    """The lease file without the leases of addresses that are another port's or nobody's now.
    `before` and `now` are the texts of the hosts files that dnsmasq had and is to have."""
    had, have = _holders(before), _holders(now)
    return "".join(line for line in promised.splitlines(keepends=True)
                   if _stands(line.split(), had, have))


def _stands(words: list[str], had: dict[str, str], have: dict[str, str]) -> bool:
    """Words of a line: when it ends, MAC address (IPv6: a number of the guest's), address, name,
    the guest's id. A shorter one is the server's own id."""
    if len(words) < 4:
        return True
    holder, address = words[1].lower(), words[2]
    if address not in have or had.get(address, have[address]) != have[address]:
        return False
    return ":" in address or holder == have[address]


def _holders(hosts: str) -> dict[str, str]:
    """MAC address by address."""
    lines = (line.split(",") for line in hosts.splitlines())
    return {words[-1].strip("[]"): words[0] for words in lines}
