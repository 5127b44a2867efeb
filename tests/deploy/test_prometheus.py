"""Prometheus' configuration, rules and alerts, checked by promtool; every alert is tried, and has its runbook."""

from __future__ import annotations

import asyncio
import re
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from click import Context, Group
from prometheus_client import generate_latest

from streams.cli.main import main
from streams.core.events.batch import Batch
from streams.sinks.clickhouse.client import connect
from streams.telemetry import metrics
from streams.worker.ports import Kafka
from streams.worker.worker import Worker
from tests.support.messages import order, touch
from tests.support.worker.parts import RULES, Journal, Producer
from tests.support.worker.parts import Group as ConsumerGroup

ROOT = Path(__file__).parents[2]
PROMETHEUS = ROOT / "deploy" / "prometheus"
TESTS = sorted((Path(__file__).parent / "prometheus").glob("*.yml"))
RUNBOOK = ROOT / "docs" / "operations" / "runbook.md"
SEVERITIES = {"critical", "warning"}


def rules(kind: str) -> dict[str, dict[str, Any]]:
    """Every rule of a kind, `alert` or `record`, by name."""
    files = [yaml.safe_load(path.read_text("utf-8")) for path in sorted((PROMETHEUS / "rules").glob("*.yml"))]
    found = [rule for file in files for group in file["groups"] for rule in group["rules"] if kind in rule]
    names = [rule[kind] for rule in found]
    assert len(names) == len(set(names))
    return dict(zip(names, found, strict=True))


ALERTS, RECORDED = rules("alert"), rules("record")


def run(command: Path, *arguments: str | Path, text: str | None = None) -> str:
    """Run a tool, which must succeed."""
    done = subprocess.run([command, *arguments], input=text, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_the_configuration_and_the_rules_it_names_are_valid(promtool: Path) -> None:
    said = run(promtool, "check", "config", "--lint=all", "--lint-fatal", PROMETHEUS / "prometheus.yml")
    assert said.count("rules found") == len(list((PROMETHEUS / "rules").glob("*.yml")))
    run(promtool, "check", "rules", "--lint=all", "--lint-fatal", *(PROMETHEUS / "rules").glob("*.yml"))


@pytest.mark.parametrize("tests", TESTS, ids=lambda path: path.stem)
def test_alerts_fire_stay_silent_and_recover(tests: Path, promtool: Path) -> None:
    assert "SUCCESS" in run(promtool, "test", "rules", tests)


def test_every_alert_is_tried_in_every_way() -> None:
    groups = [group for path in TESTS for group in yaml.safe_load(path.read_text("utf-8"))["tests"]]
    for alert in ALERTS:
        (fires,) = [group for group in groups if group["name"] == f"{alert} fires and recovers"]
        assert [bool(look["exp_alerts"]) for look in fires["alert_rule_test"]] == [False, True, False], alert
        silent = [group for group in groups if group["name"].startswith(f"{alert} is silent - ")]
        assert silent, alert
        assert all(look["alertname"] == alert for group in silent for look in group["alert_rule_test"]), alert
    absent = next(group for group in groups if group["name"] == "without any series only the workers are missed")
    assert absent["input_series"] == []


@pytest.mark.parametrize("name", ALERTS)
def test_an_alert_says_what_it_is_and_where_to_read_on(name: str) -> None:
    alert = ALERTS[name]
    assert re.fullmatch("Maalstrom[A-Z][A-Za-z]+", name)
    assert alert["labels"]["severity"] in SEVERITIES
    assert alert["labels"]["layer"] in {"pipeline", "business"}
    assert alert["annotations"].keys() == {"summary", "description", "runbook_url"}
    path, _, anchor = alert["annotations"]["runbook_url"].partition("#")
    assert ROOT / path == RUNBOOK
    assert anchor in sections()


def sections() -> dict[str, str]:
    """The runbook's sections by their anchors, as the usual renderers make them of headings."""
    parts = re.split(r"^## (.+)\n", RUNBOOK.read_text("utf-8"), flags=re.MULTILINE)[1:]
    return {title.lower().replace(" ", "-"): text for title, text in zip(parts[::2], parts[1::2], strict=True)}


def of_grafana() -> list[str]:
    """The alerts that Grafana raises from the database."""
    file = yaml.safe_load((ROOT / "grafana/provisioning/alerting/goals.yaml").read_text("utf-8"))
    return [rule["title"] for group in file["groups"] for rule in group["rules"]]


def test_the_runbook_has_a_section_for_each_alert_and_no_other() -> None:
    assert sections().keys() == {name.lower() for name in (*ALERTS, *of_grafana())}
    for anchor, text in sections().items():
        assert "**See**" in text, anchor
        assert re.search(r"\*\*[Dd]o\*\*", text), anchor
    assert set(re.findall(r"\]\(#([^)]+)\)", RUNBOOK.read_text("utf-8"))) <= sections().keys()


def test_the_runbook_names_commands_and_options_that_exist() -> None:
    text = re.sub(r"\s+", " ", RUNBOOK.read_text("utf-8"))
    named = re.findall(r"`maalstrom ([^`]+)`", text)
    assert len(named) > 10
    for words in map(str.split, named):
        command: Any = main
        while isinstance(command, Group):
            command = command.get_command(Context(command), words.pop(0))
        options = {option for parameter in command.params for option in parameter.opts}
        assert {word for word in words if word.startswith("--")} <= options, named


def test_recorded_names_are_level_metric_operation_and_used() -> None:
    texts = [rule["expr"] + str(rule.get("annotations", "")) for rule in (ALERTS | RECORDED).values()]
    for name, rule in RECORDED.items():
        level, metric, _operation = name.split(":")
        inside = set(re.findall(r"by \(([^)]+)\)", rule["expr"])) or {"job"}
        assert "job, le" in inside or set(level.split("_")) == {part for by in inside for part in by.split(", ")}, name
        assert metric.startswith(("maalstrom_", "process_"))
        assert any(name in text for text in texts), f"{name} is not used"


def exposed() -> str:
    """What a worker that worked serves at /metrics."""

    async def work(worker: Worker) -> None:
        now = time.time_ns() // 1_000_000
        await worker.assign({0})
        await worker.take(Batch("engagement", [touch("p1", now)], [b"u"], [0]), [now], lambda: None)
        await worker.take(Batch("checkout", [order("p2", now, "1")], [b"u"], [0]), [now], lambda: None)
        await worker.flush()
        worker.measure()

    with connect("chdb://memory") as client:
        asyncio.run(work(Worker(RULES, client, Kafka(Journal(), Producer(), ConsumerGroup()), 1)))
    return generate_latest(metrics.REGISTRY).decode()


def test_a_workers_metrics_pass_promtool_and_are_those_of_the_rules(promtool: Path) -> None:
    text = exposed()
    assert run(promtool, "check", "metrics", text=text) == ""
    served = set(re.findall(r"^# TYPE (\S+)", text, re.MULTILINE))
    for name, rule in (ALERTS | RECORDED).items():
        for metric in re.findall(r"\b(?<!:)(?:maalstrom|process)_\w+\b(?!:)", rule["expr"]):
            assert metric.removesuffix("_bucket") in served, f"{name} asks for {metric}"
