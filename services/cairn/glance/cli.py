"""cairn-manage glance: what an operator may do by hand."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

import orjson
from sqlalchemy import select
from sqlalchemy.orm import Session

from cairn.common.db import Database
from cairn.common.errors import Invalid, Problem
from cairn.common.settings import load
from cairn.glance.api.schemas import check_namespace
from cairn.glance.core import definitions
from cairn.glance.db.metadefs import Namespace
from cairn.glance.settings import Settings


def metadefs_load(rest: list[str], conf: Path) -> int:
    """Bring in metadata definitions: a JSON file with a namespace, or a folder of such files."""
    parser = _parser("metadefs-load", metadefs_load)
    parser.add_argument("path", type=Path)
    parser.add_argument("--merge", action="store_true", help="add what namespaces lack")
    parser.add_argument("--prefer-new", action="store_true", help="with --merge: replace, too")
    parser.add_argument("--overwrite", action="store_true", help="make namespaces anew")
    options = parser.parse_args(rest)
    try:
        documents = definitions.read(options.path)
        for file, document in documents:
            _checked(file, document)
    except Problem as wrong:
        print(wrong, file=sys.stderr)
        return 1

    def write(session: Session) -> int:
        return sum(definitions.load(
            session, document, merge=options.merge, prefer_new=options.prefer_new,
            overwrite=options.overwrite) for _, document in documents)

    changed = _database(conf).write(write)
    print(f"changed: {changed} namespaces" if changed else "ok")
    return 0


def _checked(file: Path, document: dict[str, object]) -> None:
    try:
        check_namespace(document)
    except Invalid as wrong:
        raise Invalid(reason=f"{file}: {wrong}") from wrong


def metadefs_unload(rest: list[str], conf: Path) -> int:
    """Forget namespaces of metadata definitions, or all of them."""
    parser = _parser("metadefs-unload", metadefs_unload)
    parser.add_argument("namespace", nargs="*")
    options = parser.parse_args(rest)
    gone = _database(conf).write(lambda s: definitions.unload(s, options.namespace))
    print(f"changed: {gone} namespaces" if gone else "ok")
    return 0


def metadefs_export(rest: list[str], conf: Path) -> int:
    """Write the metadata definitions into a folder, a file for each namespace."""
    parser = _parser("metadefs-export", metadefs_export)
    parser.add_argument("folder", type=Path)
    options = parser.parse_args(rest)
    options.folder.mkdir(parents=True, exist_ok=True)
    with _database(conf).reading() as session:
        for namespace in session.scalars(select(Namespace).order_by(Namespace.namespace)):
            file = options.folder / f"{namespace.namespace.replace('/', '_')}.json"
            file.write_bytes(orjson.dumps(
                definitions.export(session, namespace),
                option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
            print(file)
    return 0


def _parser(verb: str, func: Callable[..., int]) -> argparse.ArgumentParser:
    return argparse.ArgumentParser(prog=f"cairn-manage glance {verb}", description=func.__doc__)


def _database(conf: Path) -> Database:
    return Database(load(Settings, conf).database.url)


VERBS: dict[str, Callable[[list[str], Path], int]] = {
    "metadefs-load": metadefs_load, "metadefs-unload": metadefs_unload,
    "metadefs-export": metadefs_export,
}
