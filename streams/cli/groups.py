"""Groups of commands that say what each is for, and which one may have been meant."""

from difflib import get_close_matches

import click


class Suggesting(click.Group):
    """A group whose commands are suggested for one that does not exist."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write what each is for: its first sentence, uncut."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, self._purpose(ctx, name)) for name in self.list_commands(ctx)])

    def _purpose(self, ctx: click.Context, name: str) -> str:
        command = self.get_command(ctx, name)
        text = " ".join((command.help if command and command.help else "").partition("\n\n")[0].split())
        return text.partition(". ")[0].rstrip(".") + "."

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that is asked for. Raises UsageError, with the nearest names, where there is none."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            near = get_close_matches(args[0], self.list_commands(ctx))
            if near and "Did you mean" not in error.message:
                error.message = f"{error.message} Did you mean {' or '.join(near)}?"
            raise
