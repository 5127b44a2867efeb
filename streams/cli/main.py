"""The command line: which commands there are. Each is the `command` of a module of its name, in one of the rooms beside
this one, imported when it is asked for, so that help and a mistyped option are answered at once."""

import sys
from importlib import import_module

import click

from streams.cli import interruptions
from streams.cli.groups import Suggesting
from streams.core.parsing.printable import one_line

COMMANDS = {
    "audience": "Lists of customers, members or residents.",
    "catalogue": "Check the goals and campaigns in catalogue.toml.",
    "clickhouse": "Serve an embedded ClickHouse over its HTTP interface.",
    "collect": "Take events over HTTP into Kafka until stopped.",
    "costs": "What campaigns cost, in money and in hours.",
    "demo": "Play a simulated campaign month on this machine.",
    "dlq": "Look at dead letters, and replay them.",
    "erase": "Forget a user: journeys, rows and dead letters.",
    "explain": "Say what each record of a file would be taken for.",
    "holdout": "Say which campaigns are not to be shown to a user.",
    "journal": "Save what workers know, and load it again.",
    "links": "QR codes of the short links in catalogue.toml.",
    "migrate": "Make or update the tables.",
    "page-user": "Make a line of the file of who may look at the page.",
    "page": "Show the dashboards of a database, without Kafka.",
    "plan": "Say how large a deployment has to be.",
    "rates": "What currencies were worth, day by day.",
    "rekey": "Make way for another token key.",
    "replay": "Attribute events from files, and print the report.",
    "report": "Print what was reached, and whether it paid.",
    "simulate": "Write events with known causes, and a catalogue.",
    "sources": "Check how topics are read, in sources.toml.",
    "topics": "Make and check the Kafka topics; show the lag.",
    "worker": "Consume events from Kafka until stopped.",
}
_ROOMS = {
    "database": ("audience", "costs", "migrate", "rates", "report"),
    "events": ("explain", "replay", "simulate"),
    "kafka": ("dlq", "erase", "journal", "rekey", "topics"),
    "run": ("clickhouse", "collect", "demo", "page", "page-user", "plan", "worker"),
    "settings": ("catalogue", "holdout", "links", "sources"),
}
_MODULES = {name: f"streams.cli.{room}.{name.replace('-', '_')}" for room, names in _ROOMS.items() for name in names}
_FAILURES = {
    "streams.config": "ConfigError",
    "streams.demo.demo": "DemoError",
    "streams.embedded.engine": "EngineError",
    "streams.kafka.clients": "BrokerError",
    "streams.sinks.clickhouse.client": "DatabaseError",
}


class Commands(Suggesting):
    """The commands by name. One that fails says so in one line and ends with 1."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of all commands."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, None where there is none."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(_MODULES[cmd_name]).command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write what each is for, and import none."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def invoke(self, ctx: click.Context) -> object:
        """Run the command; an error that people can do something about becomes one line."""
        interruptions.keep()
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise interruptions.stopped() from None
        except Exception as error:
            if interruptions.caused(error):
                raise interruptions.stopped() from None
            if isinstance(error, _failures()):
                raise click.ClickException(_one_line(error)) from None
            raise


def _failures() -> tuple[type[Exception], ...]:
    """Errors whose texts are for people. One is there only where its module was imported: none is for this alone, since
    clients take longer than an answer should."""
    found = (getattr(sys.modules.get(module), name, None) for module, name in _FAILURES.items())
    return (*filter(None, found), OSError, ValueError)


def _one_line(error: Exception) -> str:
    if isinstance(error, OSError) and error.filename:
        return one_line(f"{error.filename}: {error.strerror}")
    return one_line(str(error))


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="maalstrom")
def main() -> None:
    """Count goals, and say which campaigns brought them, and whether they paid.

    \b
    Try it:      maalstrom demo
    From files:  maalstrom replay --engagement clicks.ndjson --checkout orders.ndjson --catalogue catalogue.toml
    Look at it:  maalstrom report, or maalstrom page
    """
