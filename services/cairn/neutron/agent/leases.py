"""What dnsmasq promised to guests, and what of it no longer holds: its lease file, as text. Pure.

dnsmasq itself keeps a promise for the day it was made for, whoever else is to have the address
meanwhile, and answers with the name of a guest that is no more. An IPv6 address it promises to an
id that the guest made up: to the next guest of the same port it would say that there is none.
"""

# What a tag of a hosts file begins with that says which server the port is of.
DEVICE = "device-"


def kept(promised: str, before: str, now: str) -> str:
    """The lease file without the leases of addresses that are another port's, another server's or
    nobody's now. `before` and `now` are the texts of the hosts files that dnsmasq had and is to
    have."""
    had, have = _holders(before), _holders(now)
    return "".join(line for line in promised.splitlines(keepends=True)
                   if _stands(line.split(), had, have))


Holder = tuple[str, str]  # MAC address, and the server if there is one.


def _stands(words: list[str], had: dict[str, Holder], have: dict[str, Holder]) -> bool:
    """Words of a line: when it ends, MAC address (IPv6: a number of the guest's), address, name,
    the guest's id. A shorter one is the server's own id."""
    if len(words) < 4:
        return True
    holder, address = words[1].lower(), words[2]
    if address not in have:
        return False
    (mac, device), (old_mac, old_device) = have[address], had.get(address, have[address])
    if mac != old_mac or old_device not in ("", device):
        return False
    return ":" in address or holder == mac


def _holders(hosts: str) -> dict[str, Holder]:
    """By address."""
    made = {}
    for line in hosts.splitlines():
        words = line.split(",")
        device = "".join(word for word in words if word.startswith(f"set:{DEVICE}"))
        made[words[-1].strip("[]")] = words[0], device
    return made
