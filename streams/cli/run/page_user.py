"""`maalstrom page-user`: a line of the file that MAALSTROM_PAGE_USERS names."""

import click

from streams.page.access.passwords import PasswordError, hashed
from streams.page.access.users import NAME
from streams.page.access.viewers import LEADER, ROLES


@click.command("page-user")
@click.argument("name")
@click.option("--role", type=click.Choice(ROLES), default=LEADER, show_default=True, help="An operator sees all.")
def command(name: str, role: str) -> None:
    """Ask for a password and print the line of a user: maalstrom page-user NAME >> page-users.

    Leaders see how far the goals are, operators see all; nobody can change anything on the page.
    """
    if not NAME.fullmatch(name):
        raise click.BadParameter("1 to 64 letters, digits and . _ @ -", param_hint="NAME")
    password = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    try:
        click.echo(f"{name}:{hashed(password)}:{role}")
    except PasswordError as error:
        raise click.ClickException(str(error)) from None
