"""ELF programs: which libraries one needs."""

import struct
from pathlib import Path

LOAD, DYNAMIC, INTERPRETER = 1, 2, 3
NEEDED, STRING_TABLE = 1, 5


def needed(path: Path) -> list[str]:
    """File names of its libraries and of its loader; none for what is no 64-bit ELF file."""
    data = path.read_bytes()
    if data[:5] != b"\x7fELF\x02":
        return []
    (table,) = struct.unpack_from("<Q", data, 32)
    size, count = struct.unpack_from("<HH", data, 54)
    names: list[str] = []
    loads: list[tuple[int, int, int]] = []
    dynamic = b""
    for at in range(table, table + size * count, size):
        kind, _, offset, address, _, length = struct.unpack_from("<IIQQQQ", data, at)
        if kind == LOAD:
            loads.append((address, offset, length))
        elif kind == DYNAMIC:
            dynamic = data[offset : offset + length]
        elif kind == INTERPRETER:
            names.append(Path(data[offset : offset + length - 1].decode()).name)
    entries: list[tuple[int, int]] = list(struct.iter_unpack("<qQ", dynamic))
    strings = next((v for tag, v in entries if tag == STRING_TABLE), 0)
    # The table is given by its address in memory; the segment that covers it says where it lies.
    for address, offset, length in loads:
        if address <= strings < address + length:
            strings += offset - address
            break
    for tag, value in entries:
        if tag == NEEDED:
            at = strings + value
            names.append(data[at : data.index(b"\0", at)].decode())
    return names
