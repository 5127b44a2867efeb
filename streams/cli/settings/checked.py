"""What is found in a file of settings, printed; a fault ends the command with 1."""

from collections.abc import Sequence
from pathlib import Path

import click

from streams.cli.console import Console
from streams.core.catalogue.faults import Finding

out = Console(soft_wrap=True)


def tell_faults(path: Path, faults: Sequence[str]) -> None:
    """Print what is wrong. Raises ClickException where anything is."""
    for fault in faults:
        out.print(fault)
    if faults:
        many, gone = ("1 fault", "it is") if len(faults) == 1 else (f"{len(faults)} faults", "they are")
        raise click.ClickException(f"{path} has {many}; what is useless in it is told once {gone} gone")


def tell_useless(path: Path, found: Sequence[Finding]) -> None:
    """Print what is useless, which is no fault."""
    for each in found:
        out.print(f"{path}:{each.line}: useless: {each.text}")
    if not found:
        out.print(f"{path} is right, and nothing in it is useless")
