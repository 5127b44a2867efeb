"""What the demo shows while it runs: goals against their targets, and how fast events are worked on."""

import time
from collections import deque
from dataclasses import dataclass, field

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from streams.demo.demo import PATIENCE, Demo, DemoError
from streams.reports.goal_progress import Progress, progress
from streams.sinks.clickhouse.client import Client, DatabaseError

REFRESH = 0.5  # s
PLAIN_REFRESH = 3.0  # s between lines where there is no terminal
AT_REST = 3.5  # s: three flushes
_RATE_OVER = 3.0  # s


@dataclass
class Pace:
    """Records worked on over the last seconds."""

    seen: deque[tuple[float, int]] = field(default_factory=deque)

    def at(self, now: float, count: int) -> float:
        """Records a second, now that `count` have been worked on."""
        self.seen.append((now, count))
        while now - self.seen[0][0] > _RATE_OVER and len(self.seen) > 2:
            self.seen.popleft()
        (since, before), (until, after) = self.seen[0], self.seen[-1]
        return (after - before) / (until - since) if until > since else 0.0


def watch(demo: Demo, client: Client, console: Console) -> None:
    """Show the demo's progress until everything is played, worked on and in ClickHouse. Raises DemoError."""
    pace = Pace()
    with Live(console=console, auto_refresh=False, transient=True) as live:
        while not _finished(demo, client):
            demo.check()
            done = demo.worked_on()
            line = _line(demo, done, pace.at(time.monotonic(), done))
            if console.is_terminal:
                live.update(_picture(_goals(client), line), refresh=True)
            else:
                console.print(line)
            time.sleep(REFRESH if console.is_terminal else PLAIN_REFRESH)


def _finished(demo: Demo, client: Client) -> bool:
    return demo.play.done and demo.worked_on() >= demo.play.sent and _settled(client)


def _settled(client: Client) -> bool:
    """Whether the figures stay the same for longer than what partitions publish to each other takes to be written."""
    deadline = time.monotonic() + PATIENCE
    before = None
    while (now := _figures(client)) != before:
        if time.monotonic() > deadline:
            raise DemoError("the figures in ClickHouse do not come to rest")
        before = now
        time.sleep(AT_REST)
    return True


def _figures(client: Client) -> list[dict[str, object]]:
    return client.query("SELECT count() AS n, groupBitXor(cityHash64(*)) AS all FROM conversions FINAL")


def _goals(client: Client) -> list[Progress]:
    try:
        return progress(client)
    except DatabaseError:
        return []  # still starting


def _line(demo: Demo, done: int, rate: float) -> Text:
    play = demo.play
    share = f"{play.sent:,} of {play.total:,} events played"
    return Text(f"{play.day or 'starting':>10}   {share}   {rate:,.0f} a second   lag {max(0, play.sent - done):,}")


def _picture(goals: list[Progress], line: Text) -> RenderableType:
    table = Table.grid(padding=(0, 2))
    for goal in goals:
        target = float(goal.target or 0)
        bar = ProgressBar(total=target or 1, completed=min(float(goal.reached), target or 1), width=30)
        table.add_row(goal.name, bar, f"{goal.reached:,.0f} of {target:,.0f}" if target else f"{goal.reached:,.0f}")
    return Group(Text("A campaign month, played at high speed\n"), table, Text(), line)
