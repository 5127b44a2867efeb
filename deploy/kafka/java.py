"""The Java that brokers run on: found on PATH, its class path resolved by Maven, what takes long kept in `.cache`."""

from __future__ import annotations

import fcntl
import functools
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).resolve().parent
CACHE = HERE / ".cache"
FLAGS = ("-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Dlog4j.shutdownHookEnabled=false")


class UnavailableError(RuntimeError):
    """This machine cannot run a broker; the message says what is missing and what to do."""


def require_java() -> None:
    """Raise `UnavailableError` unless Java 17 or newer, and Maven, are on PATH."""
    java = shutil.which("java")
    if java is None:
        raise UnavailableError(
            "no `java` on PATH: a Kafka broker needs Java 17 or newer (Debian: openjdk-17-jre-headless)"
        )
    version = re.search(r'version "(\d+)', _about(java))
    if version is None or int(version[1]) < 17:
        raise UnavailableError(
            f"{java} is too old for Kafka 4, which needs Java 17 or newer: {_about(java).splitlines()[:1]}"
        )
    if shutil.which("mvn") is None:
        raise UnavailableError("no `mvn` on PATH: the broker is resolved with Maven (Debian: maven)")


@functools.cache
def _about(java: str) -> str:
    return subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr


def command(main: str, *arguments: str, record: Path | None = None) -> list[str]:
    """Return the command that runs a class of Kafka, with the archive of classes if there is one; with `record`, it
    writes one there as it ends."""
    if record:
        shared = [f"-XX:ArchiveClassesAtExit={record}"]
    else:
        shared = [f"-XX:SharedArchiveFile={archive()}", "-Xshare:auto"] if archive().exists() else []
    logging = f"-Dlog4j2.configurationFile={HERE / 'log4j2.properties'}"
    return ["java", *FLAGS, *shared, logging, "-cp", classpath(), main, *arguments]


@functools.cache
def classpath() -> str:
    """Return the broker's class path, resolved by Maven once for each version of `pom.xml`."""
    require_java()
    cached = kept("classpath")
    if not _resolved(cached):
        with alone():
            if not _resolved(cached):
                keep(cached, _resolve)
    return cached.read_text()


def _resolved(cached: Path) -> bool:
    return cached.exists() and all(Path(jar).exists() for jar in cached.read_text().split(os.pathsep))


@functools.cache
def archive() -> Path:
    """Where the classes that a broker loads are kept as Java has them once they are loaded (class data sharing). It
    fits this Java, these jars and these flags only."""
    jars = [(jar, os.stat(jar).st_mtime_ns) for jar in classpath().split(os.pathsep)]
    return kept(f"{_digest(repr((_about('java'), FLAGS, jars)).encode())}.classes")


def kept(name: str) -> Path:
    """Where something of that name is kept for this version of `pom.xml`."""
    return CACHE / f"{_digest((HERE / 'pom.xml').read_bytes())}.{name}"


def _digest(what: bytes) -> str:
    return hashlib.sha256(what).hexdigest()[:16]


def keep(target: Path, make: Callable[[Path], None]) -> None:
    """Have `make` write a file or folder, and keep it as `target` once it is whole. Raises OSError where it cannot."""
    with tempfile.TemporaryDirectory(dir=CACHE) as scratch:
        make(Path(scratch) / target.name)
        (Path(scratch) / target.name).replace(target)


@contextmanager
def alone() -> Iterator[None]:
    """Keep other processes from making the same meanwhile. Raises OSError where nothing can be kept."""
    CACHE.mkdir(exist_ok=True)
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _resolve(target: Path) -> None:
    goal = ["dependency:build-classpath", f"-Dmdep.outputFile={target}", "-Dmdep.includeScope=runtime"]
    command = ["mvn", "--batch-mode", "--quiet", "--file", str(HERE / "pom.xml"), *goal]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=1200)
    if done.returncode != 0:
        raise UnavailableError(f"Maven could not resolve the broker: {(done.stdout + done.stderr).strip()[-2000:]}")
