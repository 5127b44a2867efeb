"""`maalstrom holdout`: who is not to be shown a campaign."""

import click

from streams import config
from streams.cli.forms import format_option, tell
from streams.core.lift.holdout import Holdouts
from streams.core.parsing.printable import one_line

_COLUMNS = ("campaign", "answer")


@click.command("holdout")
@click.argument("token")
@format_option
def command(token: str, form: str) -> None:
    """Say which campaigns are not to be shown to the user with that token (MAALSTROM_CATALOGUE, MAALSTROM_TOKEN_KEY).

    One line for each [[holdout]] of the catalogue: the campaign, a tab, and `hold` or `show`.
    """
    chosen = config.load()
    goals = config.catalogue(chosen.catalogue)
    if not goals.holdouts:
        click.echo(f"{chosen.catalogue} has no [[holdout]]: every campaign is shown to everybody", err=True)
    held = Holdouts(goals, config.token_key(chosen.token_key)).of(token)
    said = [(each.campaign.id, "hold" if each.campaign.id in held else "show") for each in goals.holdouts]
    if form == "text":
        for campaign, what in said:
            click.echo(f"{one_line(campaign)}\t{what}")
    else:
        tell(form, _COLUMNS, (dict(zip(_COLUMNS, row, strict=True)) for row in said))
