"""The picture of the design, kept true: what may import what, who reads the environment, how large things get."""

import ast
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

STREAMS = Path(__file__).parents[1] / "streams"
MOST_LINES, LONGEST_FUNCTION = 299, 60

# Of the standard library, what neither looks nor reaches outside the process.
PURE = frozenset({
    "__future__", "bisect", "collections", "contextlib", "copy", "dataclasses", "datetime", "decimal", "enum",
    "fractions", "functools", "hashlib", "heapq", "itertools", "json", "math", "operator", "re", "statistics", "string",
    "tomllib", "traceback", "types", "typing", "zlib",
})  # fmt: skip
# How pure modules could still reach a clock, chance or a file; `hash` differs from process to process.
IMPURE = frozenset({
    "now", "utcnow", "today", "random", "fromfile", "tofile", "loadtxt", "savetxt", "genfromtxt", "memmap",
})  # fmt: skip
IMPURE_BUILTINS = frozenset({"open", "print", "input", "breakpoint", "exec", "eval", "hash", "__import__"})
FAUST = frozenset({"faust", "mode", "aiokafka"})
# What they offer to everybody; the rest is internal, and for the transport alone.
FAUST_FOR_ALL = frozenset({
    "faust", "faust.types", "faust.exceptions", "faust.app.base", "mode", "aiokafka", "aiokafka.admin",
    "aiokafka.errors",
})  # fmt: skip
COMPOSITION = ("__main__", "app", "cli", "worker", "embedded.demo")
TOOLS = frozenset({
    "arrow", "brokers", "clickhouse", "counting", "embedded.folder", "fail_points", "goal_counts", "ledgers",
    "metrics", "ndjson", "packing", "processes", "progress", "sink", "threads", "topics", "turns",
})  # fmt: skip


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


def impure_core(root: Path) -> Iterator[str]:
    for module in modules(root):
        if module.package == "core":
            yield from (f"{module.name} imports {name}" for name in module.imports if not _may_import(name))
            yield from (f"{module.name}:{line} reaches {name}" for name, line in _impure(module.nodes))


def _may_import(name: str) -> bool:
    return name.split(".")[0] in PURE | {"numpy", "msgspec"} or f"{name}.".startswith("streams.core.")


def _impure(nodes: Iterable[ast.AST]) -> Iterator[tuple[str, int]]:
    for node in nodes:
        if isinstance(node, ast.Attribute) and node.attr in IMPURE:
            yield node.attr, node.lineno
        elif isinstance(node, ast.Name) and node.id in IMPURE_BUILTINS:
            yield node.id, node.lineno


def faust_inside(root: Path) -> Iterator[str]:
    for module in modules(root):
        if module.package != "transport":
            theirs = (name for name in module.imports if name.split(".")[0] in FAUST)
            yield from (f"{module.name} imports {name}" for name in theirs if name not in FAUST_FOR_ALL)
            yield from _private(module)


def _private(module: Module) -> Iterator[str]:
    """Names with an underscore that are read from others: that is how one gets at what is internal."""
    own = {node.name for node in module.nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    for node in module.nodes:
        if isinstance(node, ast.Attribute) and node.attr.startswith("_") and not node.attr.startswith("__"):
            ours = ast.unparse(node.value) in ("self", "cls", "super()", "os") or node.attr in own | {
                "_replace",
                "_asdict",
            }
            if not ours:
                yield f"{module.name}:{node.lineno} reads {ast.unparse(node)}"


def imports_across(root: Path) -> Iterator[str]:
    """Modules that are no composition import core, tools and their own package."""
    for module in modules(root):
        if module.package != "core" and not module.name.startswith(COMPOSITION):
            names = (name.removeprefix("streams.") for name in module.imports if name.startswith("streams."))
            yield from (f"{module.name} imports {name}" for name in names if not _near(module, name))


def _near(module: Module, name: str) -> bool:
    package = name.split(".")[0]
    return package in ("core", module.package) or not TOOLS.isdisjoint({name, package})


def readers_of_the_environment(root: Path) -> Iterator[str]:
    for module in modules(root):
        names = {getattr(node, "attr", getattr(node, "id", getattr(node, "name", ""))) for node in module.nodes}
        # Two hand their environment on to the processes that they start.
        if names & {"environ", "environb", "getenv"} and module.name not in ("config", "embedded.demo", "processes"):
            yield module.name


def too_large(root: Path) -> Iterator[str]:
    for module in modules(root):
        lines = module.text.count("\n")
        if lines > MOST_LINES:
            yield f"{module.name} has {lines} lines"
        for node in module.nodes:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or 0) - node.lineno + 1
                if length > LONGEST_FUNCTION:
                    yield f"{module.name}.{node.name} has {length} lines"


RULES = (impure_core, faust_inside, imports_across, readers_of_the_environment, too_large)


@pytest.mark.parametrize("rule", RULES)
def test_the_tree_keeps(rule: Callable[[Path], Iterator[str]]) -> None:
    assert list(rule(STREAMS)) == []


def test_the_tree_is_the_one_that_is_meant() -> None:
    names = {module.name for module in modules(STREAMS)}
    assert {"core.ledger", "transport.consumer", "config", "app", "cli", "embedded.demo"} <= names
    assert TOOLS | set(COMPOSITION) <= names


@pytest.mark.parametrize(
    ("rule", "path", "text"),
    [
        (impure_core, "core/new.py", "import os"),
        (impure_core, "core/new.py", "from pathlib import Path"),
        (impure_core, "core/new.py", "import time"),
        (impure_core, "core/deep/new.py", "from random import choice"),
        (impure_core, "core/new.py", "from streams import config"),
        (impure_core, "core/new.py", "from streams.sink import Sink"),
        (impure_core, "core/new.py", "from . import ledger"),
        (impure_core, "core/new.py", "def f():\n    import asyncio"),
        (impure_core, "core/new.py", "from datetime import datetime\nx = datetime.now()"),
        (impure_core, "core/new.py", "import datetime\nx = datetime.date.today()"),
        (impure_core, "core/new.py", "import numpy as np\nx = np.random.default_rng()"),
        (impure_core, "core/new.py", "x = open('f')"),
        (impure_core, "core/new.py", "x = hash('token')"),
        (faust_inside, "journal.py", "from faust.tables.manager import TableManager"),
        (faust_inside, "journal.py", "import faust.transport.consumer"),
        (faust_inside, "app.py", "from faust.transport import drivers"),
        (faust_inside, "web.py", "import mode.loop"),
        (faust_inside, "app.py", "def f(consumer):\n    return consumer._thread"),
        (imports_across, "journal.py", "from streams.dlq import replay"),
        (imports_across, "sink.py", "from streams import journal"),
        (imports_across, "embedded/engine.py", "import streams.worker"),
        (imports_across, "report.py", "def f():\n    from streams.config import settings"),
        (readers_of_the_environment, "sink.py", "import os\nx = os.environ['HOME']"),
        (readers_of_the_environment, "core/new.py", "from os import environ"),
        (readers_of_the_environment, "cli.py", "import os\nx = os.getenv('HOME')"),
        (too_large, "new.py", "x = 1\n" * 300),
        (too_large, "new.py", "def f():\n" + "    x = 1\n" * 60),
        (too_large, "new.py", "class C:\n    async def f(self):\n" + "        x = 1\n" * 60),
    ],
)
def test_a_module_that_breaks_a_rule_is_found(
    rule: Callable[[Path], Iterator[str]], path: str, text: str, tmp_path: Path
) -> None:
    for name in ("config", "dlq", "journal", "sink", "worker"):
        (tmp_path / f"{name}.py").touch()
    broken = tmp_path / path
    broken.parent.mkdir(parents=True, exist_ok=True)
    broken.write_text(text)
    assert len(list(rule(tmp_path))) == 1


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (
            "core/new.py",
            "from collections.abc import Sequence\nimport numpy as np\nfrom streams.core.ledger import Ledger",
        ),
        ("journal.py", "import faust\nfrom faust.types import TP\nfrom aiokafka.errors import KafkaError"),
        ("transport/new.py", "from faust.transport.consumer import ensure_TP\nx = ensure_TP._y"),
        ("sink.py", "from streams.clickhouse import Client\nfrom streams.core.rows import Rows"),
        ("embedded/engine.py", "from streams.embedded import native"),
        ("cli_more.py", "from streams import config, worker"),
        ("config.py", "import os\nx = os.environ"),
        ("new.py", "def f():\n" + "    x = 1\n" * 59 + "\n" * 239),
    ],
)
def test_a_module_that_keeps_the_rules_is_let_be(path: str, text: str, tmp_path: Path) -> None:
    (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / path).write_text(text)
    assert [fault for rule in RULES for fault in rule(tmp_path)] == []
