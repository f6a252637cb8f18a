"""Numbers as others write them: Python itself takes more for one than there is."""

MOST = 18  # Digits that fit into 64 bits.


def whole(text: str) -> int | None:
    """The number, if the text is nothing but digits and not too many."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= MOST else None
