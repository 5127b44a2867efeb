"""The rights that docs/operations/security.md lists, as Kafka's admin client wants them."""

from __future__ import annotations

import shlex
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from kafka.admin import ACL

from tests.integration.support.secured.secured import right

PAGE = Path(__file__).parents[4] / "docs" / "operations" / "security.md"


def documented(principal: str, prefix: str) -> dict[str, list[ACL]]:
    """The rights of that principal, by the words before each block."""
    found: defaultdict[str, list[ACL]] = defaultdict(list)
    heading = ""
    for line in PAGE.read_text("utf-8").splitlines():
        heading = line if line.startswith("**") else heading
        if line.startswith(f"acl --allow-principal User:{principal} "):
            found[heading] += _rights(shlex.split(line.replace("${P}", prefix))[3:], principal)
    return dict(found)


def _rights(words: list[str], principal: str) -> Iterator[ACL]:
    options: defaultdict[str, list[str]] = defaultdict(list)
    name = ""
    for word in words:
        if word.startswith("--"):
            name = word[2:]
            options[name] += []
        else:
            options[name].append(word)
    prefixed = options.pop("resource-pattern-type", []) == ["prefixed"]
    operations = options.pop("operation")
    for kind, names in options.items():
        for each in names or ["kafka-cluster"]:
            yield from (right(principal, operation, kind, each, prefixed) for operation in operations)
