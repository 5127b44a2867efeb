"""The table and the plot, from the runs alone."""

from __future__ import annotations

import html
import os
import platform
import statistics
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from tests.bench.peers.runs import Result
from tests.bench.peers.systems import MAALSTROM, SYSTEMS, System

QUIET = 0.5  # cores that others may use, beside the clients of the benchmark itself
SAME = 0.01  # share of conversions that may lie elsewhere
Groups = dict[tuple[int, str], list[Result]]


def grouped(results: Sequence[Result]) -> Groups:
    """By number of users and system."""
    found: Groups = defaultdict(list)
    for each in results:
        found[each.users, each.system].append(each)
    return dict(sorted(found.items(), key=lambda item: (item[0][0], -_median(item[1], rate))))


def rate(result: Result) -> float:
    """Events per CPU second of the system."""
    return result.events / max(result.cpu, 1e-9)


def rate_with_sink(result: Result) -> float:
    """Events per CPU second of the system and its database."""
    return result.events / max(result.cpu + result.sink_cpu, 1e-9)


def _median(results: Sequence[Result], value: Callable[[Result], float]) -> float:
    return statistics.median(map(value, results))


def machine() -> str:
    """What it was measured on."""
    model = next(
        (line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line),
        platform.machine(),
    )
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{model}, {os.cpu_count()} cores, {memory:.0f} GiB, Linux {platform.release()}, Python "
        f"{platform.python_version()}, maalstrom {version('maalstrom')}, chdb {version('chdb')}, "
        f"confluent-kafka {version('confluent-kafka')}; {datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
    )


def table(results: Sequence[Result]) -> str:
    """Markdown: medians, and in brackets the range."""
    groups = grouped(results)
    lines = [
        "Linear attribution of a simulated month, one core for the system, the broker on another. Medians (range).",
        "",
        machine(),
        "",
        *_warnings(results),
        "| users | system | runs | events | events per CPU second | with its database | × maalstrom | "
        "events per second | start, s | memory, MiB | same answer |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
        *(_row(users, name, runs, groups) for (users, name), runs in groups.items()),
        "",
        "| system | more than the others | less than the others |",
        "|---|---|---|",
        *(f"| {each.title} | {each.more} | {each.less} |" for name, each in SYSTEMS.items() if _has(groups, name)),
    ]
    return "\n".join(lines) + "\n"


def _has(groups: Groups, name: str) -> bool:
    return any(system == name for _, system in groups)


def _warnings(results: Sequence[Result]) -> list[str]:
    loud = sum(each.others > QUIET for each in results)
    if not loud:
        return []
    return [
        f"**In {loud} of {len(results)} runs other programs used more than {QUIET:g} cores: figures are to be measured "
        "again on a quiet machine.**",
        "",
    ]


def _row(users: int, name: str, runs: list[Result], groups: Groups) -> str:
    own = groups.get((users, MAALSTROM))
    ratio = f"{_median(runs, rate) / _median(own, rate):.2f}" if own else "-"
    apart = max(each.deviation for each in runs)
    same = "-" if SYSTEMS[name].result == "none" else _same(SYSTEMS[name], apart)
    cells = [
        f"{users:,}",
        SYSTEMS[name].title,
        str(len(runs)),
        f"{runs[0].events:,}",
        _span(runs, rate),
        f"{_median(runs, rate_with_sink):,.0f}",
        ratio,
        _span(runs, lambda each: each.events / each.seconds),
        f"{_median(runs, lambda each: each.start):.1f}",
        f"{_median(runs, lambda each: each.memory / 2**20):,.0f}",
        same,
    ]
    return f"| {' | '.join(cells)} |"


def _same(system: System, apart: float) -> str:
    if apart <= SAME:
        return "yes"
    return f"**no: {apart:.1%} lie elsewhere**" if system.restates else f"{apart:.1%} lie elsewhere: late touches"


def wrong(result: Result) -> bool:
    """Whether the answer is another than it should be, and not for a reason that the table says."""
    return result.deviation > SAME and SYSTEMS[result.system].restates


def _span(runs: list[Result], value: Callable[[Result], float]) -> str:
    found = sorted(map(value, runs))
    middle = f"{statistics.median(found):,.0f}"
    return middle if len(found) == 1 else f"{middle} ({found[0]:,.0f} to {found[-1]:,.0f})"


def plot(results: Sequence[Result]) -> str:
    """SVG: a bar for each system and number of users, its length the median, its whisker the range."""
    groups = grouped(results)
    most = max(rate(each) for each in results)
    rows, y, last = [], 40, -1
    for (users, name), runs in groups.items():
        if users != last:
            rows.append(f'<text x="10" y="{y + 12}" class="h">{users:,} users</text>')
            y, last = y + 22, users
        rows += _bar(y, name, runs, 440 / most)
        y += 22
    style = "text{font:12px sans-serif;fill:#1a1d24}.h{font-weight:600}"
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="860" height="{y + 30}" role="img"><style>{style}</style>'
    title = '<rect width="100%" height="100%" fill="#fff"/><text x="10" y="20" class="h">Events per CPU second</text>'
    foot = f'<text x="10" y="{y + 16}" fill="#5b6270">{html.escape(machine()[:130])}</text></svg>'
    return "\n".join([head, title, *rows, foot]) + "\n"


def _bar(y: int, name: str, runs: list[Result], scale: float) -> list[str]:
    found = sorted(map(rate, runs))
    length, low, high = (value * scale for value in (statistics.median(found), found[0], found[-1]))
    colour = "#0072b2" if name == MAALSTROM else "#a2a9b8"
    return [
        f'<text x="20" y="{y + 12}">{html.escape(SYSTEMS[name].title)}</text>',
        f'<rect x="240" y="{y + 2}" width="{length:.1f}" height="14" fill="{colour}"/>',
        f'<path d="M{240 + low:.1f} {y + 9}H{240 + high:.1f}" stroke="#1a1d24"/>',
        f'<text x="{248 + high:.1f}" y="{y + 13}">{statistics.median(found):,.0f}</text>',
    ]
