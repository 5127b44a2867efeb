"""A disk that is slow: fsync takes as long as a test says, in processes that load a library of ours before C's."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_LIBRARY = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int later(const char *name, int fd) {
    unsigned int microseconds = 0;
    FILE *delay = fopen(getenv("SLOW_DISK"), "r");
    if (delay) {
        if (fscanf(delay, "%u", &microseconds) == 1) usleep(microseconds);
        fclose(delay);
    }
    return ((int (*)(int))dlsym(RTLD_NEXT, name))(fd);
}

int fsync(int fd) { return later("fsync", fd); }
int fdatasync(int fd) { return later("fdatasync", fd); }
"""


_CC = ("cc", "-shared", "-fPIC", "-x", "c", "-", "-ldl", "-o")


class NoCompilerError(Exception):
    """There is none here."""


class SlowDisk:
    """What makes fsync slow in processes whose environment has `environment`."""

    def __init__(self, folder: Path) -> None:
        """Build the library in `folder`. Raises NoCompilerError."""
        if not shutil.which("cc"):
            raise NoCompilerError("no `cc` here to build what slows fsync down")
        library, self._delay = folder / "slow_disk.so", folder / "slow_disk.delay"
        subprocess.run([*_CC, str(library)], input=_LIBRARY, text=True, check=True)
        self.environment = {"LD_PRELOAD": str(library), "SLOW_DISK": str(self._delay)}

    @contextmanager
    def slow(self, seconds: float) -> Iterator[None]:
        """Let each fsync that begins now take so long."""
        scratch = self._delay.with_suffix(".new")
        scratch.write_text(f"{seconds * 1e6:.0f}")
        os.replace(scratch, self._delay)
        try:
            yield
        finally:
            self._delay.unlink()
