"""The picture of the design, kept true: what may import what, who reads the environment, how large things get."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.layers.modules import modules
from tests.support.layers.picture import CLIENTS, CORE, EXCEPTIONS, STREAMS
from tests.support.layers.rules import (
    RULES,
    clients_abroad,
    crowded,
    faust_inside,
    imports_upwards,
    impure_core,
    readers_of_the_environment,
    riddles,
    same_names,
    strays,
    too_large,
    too_many,
    ways_to_a_terminal,
)


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


@pytest.mark.parametrize("rule", [crowded, too_large])
def test_the_tests_keep_these_sizes_too(rule: Callable[[Path], Iterator[str]]) -> None:
    assert list(rule(Path(__file__).parent)) == []


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
