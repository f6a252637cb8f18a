"""The levels of this process's loggers. Clients know two processes in it: what is below BACKUPS is
cinder-backup's, the rest cinder-volume's."""

import logging

BACKUPS = "cairn.cinder.volume.backups"


def of(prefix: str, binary: str) -> dict[str, str]:
    """What each logger of that name, or below it, writes."""
    return {name: logging.getLevelName(logging.getLogger(name).getEffectiveLevel())
            for name in _names(prefix, binary)}


def put(prefix: str, level: str, binary: str) -> None:
    """Let them write what is of that level or graver."""
    if binary == "cinder-backup":
        top = _deeper(prefix, BACKUPS)
        _put(top, level)
        return
    # Those of the other stay as they are: they would follow what is above them.
    theirs = {name: logging.getLogger(name).getEffectiveLevel()
              for name in _names(BACKUPS, "cinder-backup")}
    _put(prefix, level)
    for name, kept in theirs.items():
        logging.getLogger(name).setLevel(kept)


def _put(prefix: str, level: str) -> None:
    logging.getLogger(prefix).setLevel(level)
    for name in list(logging.root.manager.loggerDict):
        if _is_below(name, prefix):
            logging.getLogger(name).setLevel(logging.NOTSET)


def _names(prefix: str, binary: str) -> list[str]:
    ours = binary == "cinder-backup"
    top = _deeper(prefix, BACKUPS) if ours else prefix
    names = {top, *(name for name in logging.root.manager.loggerDict if _is_below(name, top))}
    return sorted(name for name in names
                  if (name == BACKUPS or _is_below(name, BACKUPS)) == ours)


def _deeper(one: str, other: str) -> str:
    return one if _is_below(one, other) else other


def _is_below(name: str, prefix: str) -> bool:
    return name.startswith(f"{prefix}.")
