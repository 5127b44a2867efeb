"""`maalstrom demo`: all of it on one machine."""

import signal
import sys
from pathlib import Path
from shutil import which

import click

from streams.cli.console import Console
from streams.demo.demo import Demo
from streams.demo.screen import watch
from streams.reports import render
from streams.sinks.clickhouse.client import connect

out = Console()


@click.command("demo")
@click.option("--exit", "leave", is_flag=True, help="End after the report.")
def command(leave: bool) -> None:
    """Play a simulated campaign month through a collector, Kafka, the worker and ClickHouse, all on this machine."""
    # Asked to end, as by Ctrl-C: its processes end with it, and leave no port taken.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    out.print("Starting a broker, ClickHouse, a collector and a worker (nothing leaves this machine) ...")
    with Demo() as running, connect(running.dsn) as client:
        out.print(f"Watch it in a browser: {running.web}/", highlight=False)
        watch(running, client, out)
        render.render(client, None, render.DEFAULT_MODEL, out)
        site = running.play.site
        said = f"{site.sent:,} messages of the shop on the web came through the collector; it refused {site.refused:,}"
        out.print(f"{said} that nobody can use.", highlight=False, soft_wrap=True)
        if not leave:
            _stay(running)


def _command() -> str:
    """How this program was called, so that the line can be pasted where it is not on the PATH."""
    called = Path(sys.argv[0])
    if called.name != "maalstrom":
        return f"{sys.executable} -m streams"
    return "maalstrom" if which("maalstrom") else str(called)


def _stay(running: Demo) -> None:
    dsn, web = running.dsn, running.web
    out.print("Still running; another terminal can ask, for example:", highlight=False)
    out.print(
        f"  {_command()} report --goal new-customers --model time_decay --clickhouse {dsn}",
        highlight=False,
        soft_wrap=True,
    )
    out.print(f"The dashboards are at {web}/ and metrics at {web}/metrics.", highlight=False)
    out.print(f"Follow {running.link}: it leads there, and is counted. Ctrl-C ends all of it.", highlight=False)
    try:
        signal.pause()
    except KeyboardInterrupt:
        out.print("Stopping ...")
