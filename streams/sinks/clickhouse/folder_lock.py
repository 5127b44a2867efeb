"""Who has the folder of an embedded database open: it belongs to one process."""

from __future__ import annotations

import fcntl
import os
import re
from pathlib import Path


def owner(folder: str | Path) -> int | None:
    """The id of the other process that has `folder` open; None when there is none. 0 is a process that cannot be named.

    The engine holds a lock on the folder's file `status`, which says in which process it runs.
    """
    try:
        with open(Path(folder) / "status", "rb") as status:
            if _free(status.fileno()):
                return None
            said = re.search(rb"PID: (\d+)", status.read())
    except FileNotFoundError:
        return None
    pid = int(said[1]) if said else 0
    return None if pid == os.getpid() else pid


def _free(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
