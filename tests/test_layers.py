"""The picture of the design, kept true: what may import what, who reads the environment, how large things get."""

import ast
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

STREAMS = Path(__file__).parents[1] / "streams"
MOST_LINES, LONGEST_FUNCTION, MOST_MODULES, MOST_ARGUMENTS = 299, 40, 12, 6

# Of the standard library, what neither looks nor reaches outside the process.
PURE = frozenset({
    "__future__", "base64", "bisect", "collections", "contextlib", "copy", "csv", "dataclasses", "datetime", "decimal",
    "difflib", "enum", "fractions", "functools", "hashlib", "heapq", "itertools", "json", "math", "operator", "re",
    "statistics", "string", "struct", "tomllib", "traceback", "types", "typing", "unicodedata", "zlib",
})  # fmt: skip
# How pure modules could still reach a clock, chance or a file; `hash` differs from process to process.
IMPURE = frozenset({
    "now", "utcnow", "today", "random", "fromfile", "tofile", "loadtxt", "savetxt", "genfromtxt", "memmap",
})  # fmt: skip
IMPURE_BUILTINS = frozenset({"open", "print", "input", "breakpoint", "exec", "eval", "hash", "__import__"})
FAUST = frozenset({"faust", "mode", "aiokafka"})
# What they offer to everybody; the rest is internal, and for the transport alone.
FAUST_FOR_ALL = frozenset({
    "faust", "faust.types", "faust.types.auth", "faust.exceptions", "faust.app.base", "mode", "aiokafka",
    "aiokafka.abc", "aiokafka.admin", "aiokafka.errors",
})  # fmt: skip
# Packages of the core in the order of the pipeline: each imports only those before it.
CORE = (
    "columns", "parsing", "door", "catalogue", "events", "identity", "detection", "journeys", "orders", "lift",
    "attribution", "rows", "journal", "exchange", "privacy", "ledger", "explain",
)  # fmt: skip
# Packages and modules around it, floor by floor: each imports only floors before its own.
FLOORS = (
    ("core", "failpoints"),
    ("config", "texts"),
    ("kafka", "sinks"),
    ("sources", "telemetry"),
    ("worker", "jobs", "reports", "page", "simulate", "embedded", "collector"),
    ("agents", "demo"),
    ("app", "replay"),
    ("cli",),
    ("__main__",),
)
# Where each client library is at home; modules, or packages with all in them.
CLIENTS = {
    "faust": ("sources.kafka", "agents", "app", "worker.journal"),
    "mode": ("sources.kafka", "agents", "telemetry.server"),
    "aiokafka": ("kafka", "sources.kafka", "agents", "app"),
    "kafka": ("kafka",),
    "confluent_kafka": ("embedded", "simulate.feed", "collector.recorder"),
    "clickhouse_connect": ("sinks.clickhouse",),
    "chdb": ("embedded",),
    "pyarrow": ("sinks.clickhouse", "sources.files", "embedded"),
    "click": ("cli",),
    "rich": ("cli", "reports", "demo", "kafka.topics.render"),
    "prometheus_client": ("telemetry", "page.history"),
    "segno": ("collector.visits.qr_codes",),
    "crawleruseragents": ("collector.visits.visitors",),
}
LEANING = re.compile(
    r"(The same|Same|Those|That|These|They|Them|Their|It|Its|As `|Such|Likewise|So many|None of (it|them)|Both of them"
    r"|(Some|One|Each|All|Any|Most|Of) (of )?(it|them|those|these))\b(?! is (why|how))"
)
# What breaks a rule and may, for the reason beside it. The list only shrinks.
EXCEPTIONS = {
    "demo.demo imports confluent_kafka": "it sends a few events, and asks for what became of them",
    "jobs.drop_monitor imports aiokafka.errors": "its producer is to raise an error of ours",
    "worker.partition imports aiokafka.errors": "its producer is to raise an error of ours",
    "kafka.producer imports faust": "it sends by the application's own producer",
    "kafka.producer imports faust.exceptions": "it sends by the application's own producer",
    "kafka.access imports aiokafka.conn": "no client says why a broker does not let it in",
    "kafka.access imports aiokafka.protocol.metadata": "no client says why a broker does not let it in",
    "jobs.grow imports kafka": "it copies topics, and is to be a package of its own",
}


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
        if not module.name.startswith("sources.kafka"):
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


def imports_upwards(root: Path) -> Iterator[str]:
    """A package imports only those before it, in the core and around it."""
    for module in modules(root):
        for name in (name.removeprefix("streams.") for name in module.imports if name.startswith("streams.")):
            if not _below(module.name, name):
                yield f"{module.name} imports {name}"


def _below(name: str, imported: str) -> bool:
    """Whether what is imported lies on a floor below, or in the same package."""
    (mine, *inner), (theirs, *others) = name.split("."), imported.split(".")
    if mine == theirs == "core":
        return inner[:1] == others[:1] or not others or CORE.index(others[0]) < CORE.index(inner[0])
    return mine == theirs or _floor(theirs) < _floor(mine)


def _floor(package: str) -> int:
    return next((floor for floor, names in enumerate(FLOORS) if package in names), -1)


def strays(root: Path) -> Iterator[str]:
    """Modules in no package that has a place in the order."""
    for module in modules(root):
        package, *inner = module.name.split(".")
        if package and (_floor(package) < 0 or (package == "core" and inner and inner[0] not in CORE)):
            yield f"{module.name} has no place in the order"


def clients_abroad(root: Path) -> Iterator[str]:
    """Client libraries that are imported where they are not at home."""
    for module in modules(root):
        for name in module.imports:
            homes = CLIENTS.get(name.split(".")[0], ("",))
            if homes != ("",) and not f"{module.name}.".startswith(tuple(f"{home}." for home in homes)):
                yield f"{module.name} imports {name}"


def readers_of_the_environment(root: Path) -> Iterator[str]:
    for module in modules(root):
        names = {getattr(node, "attr", getattr(node, "id", getattr(node, "name", ""))) for node in module.nodes}
        # Two hand their environment on to the processes that they start.
        if (
            names & {"environ", "environb", "getenv"}
            and module.package != "config"
            and module.name not in ("demo.demo", "worker.ledgers.processes")
        ):
            yield module.name


def too_large(root: Path) -> Iterator[str]:
    for module in modules(root):
        lines = module.text.count("\n")
        if lines > MOST_LINES:
            yield f"{module.name} has more than {MOST_LINES} lines"
        for node in module.nodes:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or 0) - node.lineno + 1
                if length > LONGEST_FUNCTION:
                    yield f"{module.name}.{node.name} has more than {LONGEST_FUNCTION} lines"


def ways_to_a_terminal(root: Path) -> Iterator[str]:
    """What is printed goes through `cli.console`, which takes out what steers a terminal."""
    for module in modules(root):
        if "rich.console" in module.imports and module.name != "cli.console":
            calls = (node for node in module.nodes if isinstance(node, ast.Call))
            lines = [call.lineno for call in calls if ast.unparse(call.func).endswith("Console")]
            yield from (f"{module.name}:{line} makes a console of its own" for line in lines)


def crowded(root: Path) -> Iterator[str]:
    """Folders of too many modules."""
    sizes = Counter(path.parent for path in root.rglob("*.py") if path.name != "__init__.py")
    for folder, size in sizes.items():
        if size > MOST_MODULES:
            yield f"{'.'.join(folder.relative_to(root).parts)} has more than {MOST_MODULES} modules"


def too_many(root: Path) -> Iterator[str]:
    """Constructors of too many arguments."""
    for module in modules(root):
        for node in module.nodes:
            if isinstance(node, ast.ClassDef):
                made = (each for each in node.body if isinstance(each, ast.FunctionDef) and each.name == "__init__")
                for arguments in (each.args for each in made):
                    count = len(arguments.posonlyargs + arguments.args + arguments.kwonlyargs) - 1
                    if count > MOST_ARGUMENTS:
                        yield f"{module.name}.{node.name} takes more than {MOST_ARGUMENTS} arguments"


def same_names(root: Path) -> Iterator[str]:
    """Types of one name in two modules."""
    homes: dict[str, set[str]] = {}
    for module in modules(root):
        for node in module.nodes:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                homes.setdefault(node.name, set()).add(module.name)
    for name, found in sorted(homes.items()):
        if len(found) > 1:
            yield f"{name} is a type in {', '.join(sorted(found))}"


def riddles(root: Path) -> Iterator[str]:
    """Docstrings that begin with a word for something unnamed: the first line stands alone."""
    for module in modules(root):
        for node in module.nodes:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Module):
                first = (ast.get_docstring(node) or "").split("\n")[0]
                if LEANING.match(first):
                    yield f"{module.name}.{getattr(node, 'name', '')} begins with {first[:30]!r}"


RULES = (
    impure_core, faust_inside, imports_upwards, strays, clients_abroad, readers_of_the_environment, too_large, crowded,
    too_many, same_names,
    ways_to_a_terminal, riddles,
)  # fmt: skip


@pytest.mark.parametrize("rule", RULES)
def test_the_tree_keeps(rule: Callable[[Path], Iterator[str]]) -> None:
    assert [fault for fault in rule(STREAMS) if fault not in EXCEPTIONS] == []


def test_every_exception_is_needed_still() -> None:
    faults = {fault for rule in RULES for fault in rule(STREAMS)}
    assert [fault for fault in EXCEPTIONS if fault not in faults] == []


def test_the_tree_is_the_one_that_is_meant() -> None:
    names = {module.name for module in modules(STREAMS)}
    assert {"core.ledger.ledger", "sources.kafka.consumer", "config", "app", "cli.main", "demo.demo"} <= names
    assert {home for homes in CLIENTS.values() for home in homes} <= names
    assert {f"core.{package}" for package in CORE} <= names


@pytest.mark.parametrize(
    ("rule", "path", "text"),
    [
        (impure_core, "core/rows/new.py", "import os"),
        (impure_core, "core/rows/new.py", "from pathlib import Path"),
        (impure_core, "core/rows/new.py", "import time"),
        (impure_core, "core/rows/deep/new.py", "from random import choice"),
        (impure_core, "core/rows/new.py", "from streams import config"),
        (impure_core, "core/rows/new.py", "from streams.sinks.writer import Sink"),
        (impure_core, "core/rows/new.py", "from . import ledger"),
        (impure_core, "core/rows/new.py", "def f():\n    import asyncio"),
        (impure_core, "core/rows/new.py", "from datetime import datetime\nx = datetime.now()"),
        (impure_core, "core/rows/new.py", "import datetime\nx = datetime.date.today()"),
        (impure_core, "core/rows/new.py", "import numpy as np\nx = np.random.default_rng()"),
        (impure_core, "core/rows/new.py", "x = open('f')"),
        (impure_core, "core/rows/new.py", "x = hash('token')"),
        (faust_inside, "worker/journal.py", "from faust.tables.manager import TableManager"),
        (faust_inside, "worker/journal.py", "import faust.transport.consumer"),
        (faust_inside, "app.py", "from faust.transport import drivers"),
        (faust_inside, "telemetry/server.py", "import mode.loop"),
        (faust_inside, "app.py", "def f(consumer):\n    return consumer._thread"),
        (imports_upwards, "kafka/dlq.py", "from streams.worker.journal import Journal"),
        (imports_upwards, "sinks/writer.py", "from streams.worker import journal"),
        (imports_upwards, "embedded/engine.py", "import streams.worker.worker"),
        (imports_upwards, "config.py", "def f():\n    from streams.kafka.dlq import replay"),
        (imports_upwards, "core/orders/new.py", "from streams.core.ledger.ledger import Ledger"),
        (imports_upwards, "core/events/new.py", "def f():\n    from streams.core.rows.tables import Table"),
        (strays, "new.py", ""),
        (strays, "core/deep/new.py", ""),
        (clients_abroad, "worker/worker.py", "def f():\n    import kafka.admin"),
        (clients_abroad, "reports/render.py", "import click"),
        (too_many, "jobs/new.py", f"class C:\n    def __init__(self, {', '.join('abcdefg')}):\n        pass"),
        (same_names, "jobs/new.py", "class LedgerStatus:\n    pass"),
        (readers_of_the_environment, "sinks/writer.py", "import os\nx = os.environ['HOME']"),
        (readers_of_the_environment, "core/rows/new.py", "from os import environ"),
        (readers_of_the_environment, "cli/main.py", "import os\nx = os.getenv('HOME')"),
        (too_large, "app.py", "x = 1\n" * 300),
        (too_large, "app.py", "def f():\n" + "    x = 1\n" * 40),
        (too_large, "app.py", "class C:\n    async def f(self):\n" + "        x = 1\n" * 40),
        (riddles, "jobs/new.py", 'def f():\n    """Those of the other one."""'),
        (riddles, "jobs/new.py", 'class C:\n    """Its rows."""'),
        (ways_to_a_terminal, "cli_new.py", "from rich.console import Console\nout = Console()"),
    ],
)
def test_a_module_that_breaks_a_rule_is_found(
    rule: Callable[[Path], Iterator[str]], path: str, text: str, tmp_path: Path
) -> None:
    for name in ("config", "kafka/dlq", "worker/journal", "worker/worker", "sinks/writer"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / f"{name}.py").touch()
    (tmp_path / "worker/worker.py").write_text("class LedgerStatus:\n    pass\n")
    broken = tmp_path / path
    broken.parent.mkdir(parents=True, exist_ok=True)
    broken.write_text(text)
    assert len(list(rule(tmp_path))) == 1


def test_no_folder_of_tests_is_crowded_either() -> None:
    assert list(crowded(Path(__file__).parent)) == []


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (
            "core/rows/new.py",
            "from collections.abc import Sequence\nimport numpy as np\nfrom streams.core.parsing.units import MICRO",
        ),
        ("app.py", "import faust\nfrom faust.types import TP\nfrom aiokafka.errors import KafkaError"),
        ("sources/kafka/new.py", "from faust.transport.consumer import ensure_TP\nx = ensure_TP._y"),
        (
            "sinks/writer.py",
            "from streams.sinks.clickhouse.client import Client\nfrom streams.core.rows.tables import Rows",
        ),
        ("embedded/engine.py", "from streams.embedded import native\nimport chdb"),
        ("cli/more.py", "import click\nfrom streams import config, worker"),
        ("config.py", "import os\nx = os.environ"),
        ("app.py", "def f():\n" + "    x = 1\n" * 39 + "\n" * 259),
    ],
)
def test_a_module_that_keeps_the_rules_is_let_be(path: str, text: str, tmp_path: Path) -> None:
    (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / path).write_text(text)
    assert [fault for rule in RULES for fault in rule(tmp_path)] == []
