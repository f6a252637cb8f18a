"""The levels of this process's loggers."""

import logging


def of(prefix: str) -> dict[str, str]:
    """What each logger of that name, or below it, writes."""
    names = {prefix, *(name for name in logging.root.manager.loggerDict if _below(name, prefix))}
    return {name: logging.getLevelName(logging.getLogger(name).getEffectiveLevel())
            for name in sorted(names)}


def put(prefix: str, level: str) -> None:
    """Let them write what is of that level or graver."""
    logging.getLogger(prefix).setLevel(level)
    for name in list(logging.root.manager.loggerDict):
        if _below(name, prefix):
            logging.getLogger(name).setLevel(logging.NOTSET)


def _below(name: str, prefix: str) -> bool:
    return name.startswith(f"{prefix}.")
