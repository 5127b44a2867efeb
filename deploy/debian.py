"""Programs and files of Debian packages, unpacked and not installed: no daemon starts, and nothing needs root.

For tests of what runs elsewhere: promtool, amtool, the schema of compose files. Imports the standard library only.
"""

from __future__ import annotations

import functools
import shutil
import subprocess
import tempfile
from pathlib import Path

CACHE = Path(__file__).resolve().parent / ".cache"


class UnavailableError(RuntimeError):
    """This machine cannot have the package; the message says what is missing and what to do."""


def program(name: str, package: str) -> Path:
    """The program on PATH, else that of the package. Raises UnavailableError."""
    found = shutil.which(name)
    return Path(found) if found else unpacked(package) / "usr" / "bin" / name


@functools.cache
def unpacked(package: str) -> Path:
    """The folder with the files of a package, downloaded the first time. Raises UnavailableError."""
    folder = CACHE / package
    if not folder.exists():
        if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
            raise UnavailableError(f"no apt-get here to have Debian's package {package} from; install it by hand")
        CACHE.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE) as scratch:
            _unpack(package, Path(scratch))
            try:
                (Path(scratch) / "files").rename(folder)
            except OSError:
                if not folder.exists():  # another process was first
                    raise
    return folder


def _unpack(package: str, scratch: Path) -> None:
    download = ["apt-get", "--quiet", "download", package]
    if _run(download, scratch).returncode != 0:
        _run(["apt-get", "--quiet", "update"], scratch)  # a new machine has no lists of packages
        done = _run(download, scratch)
        if done.returncode != 0:
            raise UnavailableError(
                f"apt-get cannot download {package}: {done.stderr.strip()}; run apt-get update as root"
            )
    (archive,) = scratch.glob("*.deb")
    done = _run(["dpkg-deb", "--extract", str(archive), "files"], scratch)
    if done.returncode != 0:
        raise UnavailableError(f"{archive.name} cannot be unpacked: {done.stderr.strip()}; is the disk full?")


def _run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
