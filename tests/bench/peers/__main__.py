"""This job on several systems, side by side on one machine.

    make peers                                      # minutes to hours: every system, a million events, three rounds
    make peers ARGS="--events 20000 --rounds 1"     # small: whether it works
    make peers ARGS="--users 100000 400000 1600000 --events 2000000 --systems maalstrom kstreams flink clickhouse"
    make bench-quick                                # two minutes: ratios to ClickHouse alone and to the limit

*Linear goal attribution*: topics `engagement` and `checkout` (4 partitions, keyed by user, Segment's JSON); each
order's one conversion is shared equally among its user's touches in their windows (clicks seven days, the others one);
absolute totals by minute and campaign, once a second, to something durable. Systems run one after the other, in each
round each once, so that what changes on the machine changes for all. Writes runs.ndjson, table.md and plot.svg.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deploy.kafka.broker import cluster
from tests.bench.peers import environments, tables
from tests.bench.peers.inputs import NAMES, Broker, answer
from tests.bench.peers.processes import OTHER_CORE
from tests.bench.peers.runs import Job, Result, RunError, taskset_is_here
from tests.bench.peers.systems import FEWER, MAALSTROM, SYSTEMS

SLOW = "-slow"  # topics of the slow ones
QUICK = (MAALSTROM, "clickhouse", "decode")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--systems", nargs="+", choices=SYSTEMS, default=list(SYSTEMS), metavar="NAME")
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--users", type=int, nargs="+", default=[100_000])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=Path("out/peers"))
    parser.add_argument("--quick", action="store_true", help="ratios alone, of what needs nothing installed")
    return parser.parse_args()


@contextmanager
def _broker() -> Iterator[tuple[Broker, int]]:
    """A real Kafka on the other core, and its process."""
    with cluster(settings={"log.retention.ms": "-1", "auto.create.topics.enable": "false"}) as running:
        (only,) = running.brokers
        assert only.process
        _pin(only.process.pid)
        yield Broker(running.bootstrap), only.process.pid


def _pin(pid: int) -> None:
    for task in os.listdir(f"/proc/{pid}/task"):
        os.sched_setaffinity(int(task), {OTHER_CORE})


def _rounds(options: argparse.Namespace, filled: dict[str, str], broker: Broker, pid: int) -> Iterator[Result]:
    for users in options.users:
        jobs = {}
        for suffix, events in {"": options.events, SLOW: options.events // FEWER}.items():
            if any(SYSTEMS[name].slow == bool(suffix) for name in options.systems):
                broker.preload(events, users, suffix)
                jobs[suffix] = Job(broker, pid, filled, events, users, suffix, answer(events, users))
        for _ in range(options.rounds):
            for name in options.systems:
                broker.clean(tuple(topic + suffix for topic in NAMES for suffix in ("", SLOW)))
                suffix = SLOW if SYSTEMS[name].slow else ""
                try:
                    yield jobs[suffix].run(name, SYSTEMS[name])
                except RunError as error:
                    print(error, file=sys.stderr)


def main() -> int:
    """Returns the exit status: 1 where a system failed, or has another answer."""
    options = _options()
    if not taskset_is_here():
        print("no taskset here, to give each system one core (Debian: util-linux)", file=sys.stderr)
        return 1
    if options.quick:
        options.systems = list(QUICK)
    filled = environments.prepare({SYSTEMS[name].environment for name in options.systems}) | {"own": sys.executable}
    options.out.mkdir(parents=True, exist_ok=True)
    results = []
    with (options.out / "runs.ndjson").open("w") as file, _broker() as (broker, pid):
        for result in _rounds(options, filled, broker, pid):
            print(f"{result.system}: {tables.rate(result):,.0f} events per CPU second", file=sys.stderr, flush=True)
            print(result.line(), file=file, flush=True)
            results.append(result)
    (options.out / "table.md").write_text(tables.table(results), "utf-8")
    (options.out / "plot.svg").write_text(tables.plot(results), "utf-8")
    print(tables.table(results))
    complete = len(results) == options.rounds * len(options.systems) * len(options.users)
    return int(not complete or any(map(tables.wrong, results)))


if __name__ == "__main__":
    sys.exit(main())
