"""Limits: how large a record may be before it is `oversized`, and how long names and ids."""

LIMIT = 64 * 1024  # bytes of a record with its key, of a message, of a batch each item
LARGEST = 1024 * 1024  # bytes of a record at most, whatever `max_bytes` a topic has
ID_BYTES = 1024  # what is kept of names and ids is bounded where they are taken in


def identifier(text: str | None) -> str | None:
    """An id; None where it is too long to be one."""
    return None if text and len(text) * 4 > ID_BYTES and len(text.encode()) > ID_BYTES else text
