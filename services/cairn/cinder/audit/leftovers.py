"""What served a work for a moment, and is there still."""

from collections.abc import Iterator

from cairn.cinder.audit.contents import removal
from cairn.cinder.audit.finding import Finding, about
from cairn.cinder.audit.look import Look
from cairn.cinder.audit.rows import record_of_nobody


def check(look: Look) -> Iterator[Finding]:
    """None of this is anybody's data: who made it died, and its work has ended."""
    for name, inventory in look.storage.once():
        for each in inventory["leftovers"]:
            # Of what is about nobody only its age says that nobody is making it.
            if each["id"] or each["age"] is None or each["age"] >= look.grace:
                yield Finding("leftover", each["name"], "it is removed", "", f"{name} has it",
                              about=about(each["id"])).mended(
                                  removal("leftover", name, each["name"]))
        for id_ in inventory["volumes"].keys() & look.rows.backups.keys():
            volume = look.rows.backups[id_].volume_id
            yield Finding("leftover", id_, "the clone is removed; the backup stays",
                          "a backup's, and no work is open for it", f"{name} has a clone for it",
                          about=about(id_, volume)).mended(
                              removal("volume", name, id_, record_of_nobody(id_, name)))
    for host, room in look.storage.storerooms.items():
        for id_, age in room["scratch"].items():
            if age >= look.grace and id_ not in look.rows.open_works:
                yield Finding("leftover", id_, "it is removed", "no such work is open",
                              f"{host} has what it converted", about=about(id_)).mended(
                                  removal("scratch", f"{host}@", id_))
