"""Modules of a folder as their syntax trees say them: names, texts and imports."""

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple


class Module(NamedTuple):
    """A module below streams/, named without `streams.`: its text, its nodes and the modules that it imports."""

    name: str
    text: str
    nodes: list[ast.AST]
    imports: list[str]

    @property
    def package(self) -> str:
        return self.name.split(".")[0]


def modules(root: Path) -> list[Module]:
    paths = {_name(path.relative_to(root)): path for path in sorted(root.rglob("*.py"))}
    texts = {name: path.read_text("utf-8") for name, path in paths.items()}
    nodes = {name: list(ast.walk(ast.parse(text))) for name, text in texts.items()}
    return [Module(name, texts[name], nodes[name], list(_imports(nodes[name], set(paths)))) for name in paths]


def _name(path: Path) -> str:
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _imports(nodes: Iterable[ast.AST], known: set[str]) -> Iterator[str]:
    """`from x import y` imports x.y where that is a module of ours, else x."""
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parent = "." * node.level + (node.module or "")
            for name in (f"{parent}.{alias.name}" for alias in node.names):
                yield name if name.removeprefix("streams.") in known else parent
