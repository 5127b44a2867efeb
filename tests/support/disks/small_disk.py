"""A file system of 5 MiB, and how to fill it."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_MOUNT = ("mount", "-t", "tmpfs", "-o", "size=5m", "tmpfs")


class NotAllowedError(Exception):
    """Nothing may be mounted here."""


@contextmanager
def small_disk(place: Path) -> Iterator[Path]:
    """Mount it at `place` while the block runs. Raises NotAllowedError."""
    place.mkdir()
    made = subprocess.run([*_MOUNT, str(place)], capture_output=True, text=True, check=False)
    if made.returncode:
        raise NotAllowedError(f"no small file system may be mounted here: {made.stderr.strip()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


def fill(file: Path) -> None:
    """Write to `file` until its disk is full."""
    with open(file, "wb", buffering=0) as out:
        try:
            while True:
                out.write(bytes(4096))
        except OSError:
            return
