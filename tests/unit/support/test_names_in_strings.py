"""Programs that tests keep in strings import what there is: with a name of before they would do nothing, unnoticed."""

import ast
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[2]


def programs(tree: ast.AST) -> Iterator[ast.Module]:
    """The strings that are programs with imports of ours; none of those that have places to be filled in."""
    texts = (node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str))
    for text in texts:
        if "from streams" in text or "import streams" in text:
            try:
                yield ast.parse(text)
            except SyntaxError:
                continue


def missing(program: ast.Module) -> Iterator[str]:
    """What such a program imports of ours and is not there."""
    for node in ast.walk(program):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "streams":
            defined = _defined(node.module)
            for alias in node.names:
                if alias.name not in defined and _defined(f"{node.module}.{alias.name}") == set():
                    yield f"{node.module}.{alias.name}"


def _defined(module: str) -> set[str]:
    """The names in a module, its own and those that it imports; empty where there is none."""
    try:
        spec = find_spec(module)
    except ModuleNotFoundError:
        return set()
    if spec is None or not spec.origin:
        return set()
    nodes = list(ast.walk(ast.parse(Path(spec.origin).read_text("utf-8"))))
    named = {getattr(node, "name", None) or getattr(node, "id", None) for node in nodes}
    return {str(name) for name in named} | {"__file__"}


FOUND = [
    (path.relative_to(TESTS).as_posix(), program)
    for path in sorted(TESTS.rglob("*.py"))
    if path.name != "test_layers.py" and path != Path(__file__)
    for program in programs(ast.parse(path.read_text("utf-8")))
]


@pytest.mark.parametrize(("where", "program"), FOUND, ids=[where for where, _ in FOUND])
def test_a_program_in_a_string_imports_what_there_is(where: str, program: ast.Module) -> None:
    assert list(missing(program)) == [], where


def test_a_name_of_before_is_found() -> None:
    (program,) = programs(ast.parse("TEXT = 'from streams.agents.partition_queues import Lanes'"))
    assert list(missing(program)) == ["streams.agents.partition_queues.Lanes"]
    (moved,) = programs(ast.parse("TEXT = 'from streams.agents import lanes'"))
    assert list(missing(moved)) == ["streams.agents.lanes"]
