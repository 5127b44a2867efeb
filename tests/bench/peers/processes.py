"""Processes of a run: pinned to a core, ended as a group, their CPU and memory read from /proc."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
CORES = sorted(os.sched_getaffinity(0))
SYSTEM_CORE, OTHER_CORE = CORES[0], CORES[-1]


def pinned(core: int) -> list[str]:
    """What goes before a command that is to run on that core alone."""
    return ["taskset", "-c", str(core)]


def start(command: Sequence[str], variables: Mapping[str, str], log: Path, core: int) -> subprocess.Popen[bytes]:
    """A command in a session of its own."""
    with log.open("wb") as output:
        return subprocess.Popen(
            [*pinned(core), *command],
            cwd=Path(__file__).parent / "programs",
            env=os.environ | dict(variables),
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def stop(process: subprocess.Popen[bytes]) -> None:
    """End it, and then whatever is left of its session."""
    if process.poll() is None:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(10)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


class Tree:
    """A process and its children: CPU seconds, of which ended ones keep what they had used, and resident bytes."""

    def __init__(self, root: int) -> None:
        self._root, self._used, self.most_memory = root, dict[int, float](), 0

    def cpu(self) -> float:
        """Seconds used so far."""
        todo, memory = [self._root], 0
        while todo:
            pid = todo.pop()
            with suppress(OSError, IndexError):
                fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
                self._used[pid] = (int(fields[11]) + int(fields[12])) / TICKS
                memory += int(fields[21]) * _PAGE
                for task in os.listdir(f"/proc/{pid}/task"):
                    todo += map(int, Path(f"/proc/{pid}/task/{task}/children").read_text().split())
        self.most_memory = max(self.most_memory, memory)
        return sum(self._used.values())


def busy() -> float:
    """CPU seconds that all processes of the machine have used."""
    user, nice, system, _, _, irq, softirq = map(int, Path("/proc/stat").read_text().split("\n")[0].split()[1:8])
    return (user + nice + system + irq + softirq) / TICKS


class Sampler(threading.Thread):
    """Looks at trees ten times a second, so that CPU between any two moments is known afterwards."""

    def __init__(self, trees: Mapping[str, Tree]) -> None:
        super().__init__(daemon=True)
        self._trees, self._stopped = dict(trees), threading.Event()
        self._samples: list[tuple[float, dict[str, float]]] = []

    def run(self) -> None:
        """Until it is stopped."""
        while not self._stopped.wait(0.1):
            self.sample()

    def sample(self) -> None:
        """Look once."""
        seen = {name: tree.cpu() for name, tree in self._trees.items()} | {"machine": busy()}
        self._samples.append((time.time(), seen))

    def stop(self) -> None:
        """Look once more, and end."""
        self._stopped.set()
        self.join()
        self.sample()

    def used(self, name: str, begun: float, ended: float) -> float:
        """CPU seconds of that tree between two moments, straight lines between samples."""
        return self._at(name, ended) - self._at(name, begun)

    def _at(self, name: str, when: float) -> float:
        before = [(at, seen[name]) for at, seen in self._samples if at <= when]
        after = [(at, seen[name]) for at, seen in self._samples if at > when]
        if not before or not after:
            return (before[-1:] or after[:1])[0][1]
        (left, low), (right, high) = before[-1], after[0]
        return low + (high - low) * (when - left) / (right - left)
