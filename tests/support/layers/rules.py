"""The rules of the tree: each says what breaks it, below a folder with modules."""

import ast
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from tests.support.layers.modules import Module, modules
from tests.support.layers.picture import (
    CLIENTS,
    CORE,
    FAUST,
    FAUST_FOR_ALL,
    FLOORS,
    IMPURE,
    IMPURE_BUILTINS,
    LEANING,
    LONGEST_FUNCTION,
    MOST_ARGUMENTS,
    MOST_LINES,
    MOST_MODULES,
    PURE,
)


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
