"""Environments of the peers: made the first time, in `.cache` of the repository, each by itself, none ours."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

HERE = Path(__file__).resolve().parent
PROGRAMS = HERE / "programs"
CACHE = Path(os.environ.get("PEERS_CACHE", HERE.parents[2] / ".cache" / "peers"))


class UnavailableError(RuntimeError):
    """A peer cannot be had here; the text says what is missing."""


def prepare(kinds: Iterable[str]) -> dict[str, str]:
    """What commands have filled in: {python} and {classpath} of those kinds. Raises UnavailableError."""
    CACHE.mkdir(parents=True, exist_ok=True)
    found = {"programs": str(PROGRAMS), "python": sys.executable, "classpath": ""}
    if "python" in kinds:
        found["python"] = str(_python())
    if "java" in kinds:
        found["classpath"] = _java()
    return found


def _python() -> Path:
    folder, wanted = CACHE / "python", (PROGRAMS / "requirements.txt").read_text("utf-8")
    python, done = folder / "bin" / "python", folder / "requirements.txt"
    if not done.exists() or done.read_text("utf-8") != wanted:
        print("installing the peers in Python (once) ...", file=sys.stderr)
        _run([sys.executable, "-m", "venv", "--clear", str(folder)])
        _run([str(python), "-m", "pip", "install", "--quiet", "-r", str(PROGRAMS / "requirements.txt")])
        done.write_text(wanted, "utf-8")
    return python


def _java() -> str:
    missing = [name for name in ("java", "mvn") if not shutil.which(name)]
    if missing:
        raise UnavailableError(f"Kafka Streams and Flink need {' and '.join(missing)} on PATH")
    sources = [HERE / "java" / "pom.xml", *sorted((HERE / "java").rglob("*.java"))]
    state = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:16]
    classes, listed = CACHE / "java" / "classes", CACHE / f"java-{state}.classpath"
    if not listed.exists():
        print("building the peers in Java (once) ...", file=sys.stderr)
        maven = ["mvn", "-q", "-B", "-f", str(HERE / "java" / "pom.xml")]
        found = CACHE / "java.found"
        output = [f"-Dmdep.outputFile={found}", "-Dmdep.includeScope=runtime"]
        _run([*maven, *output, "dependency:build-classpath"])
        _run([*maven, "compile"])
        found.rename(listed)
    return f"{classes}:{listed.read_text('utf-8').strip()}"


def _run(command: list[str]) -> None:
    """Raises UnavailableError with the end of what it said."""
    done = subprocess.run(command, env=os.environ | {"PEERS": str(CACHE)}, capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stdout + done.stderr).strip()[-800:]
        raise UnavailableError(f"{' '.join(command[:4])} ... failed: {said}")
