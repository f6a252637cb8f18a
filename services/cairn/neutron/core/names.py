"""Names of hosts, where nobody gave one."""


def hostname(address: str) -> str:
    """ "10.0.0.5" as host-10-0-0-5."""
    return "host-" + address.replace(".", "-").replace(":", "-")
