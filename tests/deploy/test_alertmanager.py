"""Alertmanager's configuration: valid, routed as meant; a real one keeps back what follows from a broken pipeline."""

from __future__ import annotations

import json
import subprocess
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.kafka.broker import dies_with_parent, free_ports
from tests.deploy.test_prometheus import ALERTS as OF_PROMETHEUS
from tests.deploy.test_prometheus import run
from tests.unit.grafana.test_provisioning import RULES

FOLDER = Path(__file__).parents[2] / "deploy" / "alertmanager"
CONFIG = FOLDER / "alertmanager.yml"
PATIENCE = 20  # s
REPOSITORY = "https://example.org/maalstrom/"
Labels = Mapping[str, str]

OF_GRAFANA: dict[str, dict[str, Any]] = {rule["title"]: rule for rule in RULES}
ALERTS = OF_PROMETHEUS | OF_GRAFANA


def labels(alert: str, **more: str) -> dict[str, str]:
    """The labels with which an alert of ours arrives."""
    scraped = {"job": "maalstrom"} if alert in OF_PROMETHEUS else {}
    ours: dict[str, str] = ALERTS[alert]["labels"]
    return {"alertname": alert} | scraped | ours | more


def test_the_configuration_is_valid(amtool: Path) -> None:
    said = run(amtool, "check-config", CONFIG)
    assert all(part in said for part in ("5 inhibit rules", "3 receivers", "1 templates"))


@pytest.mark.parametrize("alert", ALERTS)
def test_an_alert_reaches_who_is_to_act(alert: str, amtool: Path) -> None:
    given = labels(alert)
    wanted = {"critical": "operator", "warning": "team"}[given["severity"]]
    if given["layer"] == "business":
        wanted = "business"
    pairs = [f"{name}={value}" for name, value in given.items()]
    run(amtool, "config", "routes", "test", f"--config.file={CONFIG}", f"--verify.receivers={wanted}", *pairs)


def test_no_secret_is_in_the_repository() -> None:
    receivers = yaml.safe_load(CONFIG.read_text("utf-8"))["receivers"]
    for receiver in receivers:
        (config,) = receiver["slack_configs"]
        assert config["api_url_file"] == f"/etc/alertmanager/receivers/{receiver['name']}"
        assert "api_url" not in config
    assert not (FOLDER / "receivers").exists()


class Inbox(HTTPServer):
    """Takes the messages of every receiver: the path says which."""

    def __init__(self) -> None:
        self.messages: list[tuple[str, dict[str, Any]]] = []
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: Inbox

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.messages.append((self.path, json.loads(body)))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None: ...


@pytest.fixture(scope="module")
def inbox() -> Iterator[Inbox]:
    with Inbox() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def api(alertmanager: list[str], inbox: Inbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real Alertmanager with our configuration, which waits for no others of a group."""
    folder, (port,) = tmp_path_factory.mktemp("alertmanager"), free_ports(1)
    text = CONFIG.read_text("utf-8").replace("active_time_intervals: [by day]", "")
    text = text.replace("group_wait: 30s", "group_wait: 0s").replace("group_wait: 1m", "group_wait: 0s")
    (folder / "alertmanager.yml").write_text(text.replace("/etc/alertmanager", str(folder)), "utf-8")
    template, unset = (FOLDER / "message.tmpl").read_text("utf-8"), '{{ define "maalstrom.repository" }}'
    assert f"{unset}{{{{ end }}}}" in template
    (folder / "message.tmpl").write_text(template.replace(unset, unset + REPOSITORY), "utf-8")
    (folder / "receivers").mkdir()
    for name in ("operator", "team", "business"):
        (folder / "receivers" / name).write_text(f"http://127.0.0.1:{inbox.server_port}/{name}")
    options = [f"--config.file={folder / 'alertmanager.yml'}", f"--storage.path={folder / 'data'}"]
    options += [f"--web.listen-address=127.0.0.1:{port}", "--cluster.listen-address=", "--log.level=warn"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(dies_with_parent([*alertmanager, *options]), stdout=log, stderr=log)
    address = f"http://127.0.0.1:{port}/api/v2"
    try:
        until(lambda: _answers(f"{address}/status"), lambda: (folder / "log").read_text())
        yield address
    finally:
        process.terminate()
        process.wait()


def _answers(address: str) -> bool:
    try:
        return bool(get(address))
    except OSError:
        return False


def get(address: str) -> Any:
    """What the API answers."""
    with urllib.request.urlopen(address, timeout=5) as answer:
        return json.load(answer)


def until(condition: Callable[[], bool], said: Callable[[], object]) -> None:
    """Wait until it is so."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, said()
        time.sleep(0.02)


def post(api: str, *alerts: Labels) -> None:
    """Send alerts as Prometheus does, with the texts of their rules."""
    body = [{"labels": each, "annotations": _texts(each["alertname"])} for each in alerts]
    headers = {"Content-Type": "application/json"}
    with urllib.request.urlopen(urllib.request.Request(f"{api}/alerts", json.dumps(body).encode(), headers), timeout=5):
        pass


def _texts(alert: str) -> dict[str, str]:
    return {name: f"{name} of {alert}." for name in ALERTS[alert]["annotations"]}


def kept_back(api: str, job: str) -> dict[str, bool]:
    """By alert of a job: whether it is inhibited."""
    found = get(f"{api}/alerts?filter=job%3D%22{job}%22")
    return {each["labels"]["alertname"]: bool(each["status"]["inhibitedBy"]) for each in found}


BROKEN = [name for name, alert in ALERTS.items() if alert["labels"].get("flow") == "broken"]
BUSINESS = [name for name, alert in ALERTS.items() if alert["labels"]["layer"] == "business"]


@pytest.mark.parametrize("cause", BROKEN)
def test_a_broken_pipeline_keeps_business_alerts_back(cause: str, api: str) -> None:
    there, elsewhere = f"broken-by-{cause}", f"whole-beside-{cause}"
    post(api, labels(cause, job=there))
    post(api, *(labels(name, job=job, goal="orders") for name in BUSINESS for job in (there, elsewhere)))
    until(lambda: all(kept_back(api, there).get(name) for name in BUSINESS), lambda: kept_back(api, there))
    assert kept_back(api, elsewhere) == dict.fromkeys(BUSINESS, False)
    assert kept_back(api, there)[cause] is False


@pytest.mark.parametrize("alert", OF_GRAFANA)
def test_a_broken_pipeline_keeps_alerts_of_grafana_back_as_they_are_sent(alert: str, api: str) -> None:
    post(api, labels("MaalstromSinkStale"), labels(alert, goal="orders"))
    until(lambda: kept_back(api, "maalstrom").get(alert, False), lambda: kept_back(api, "maalstrom"))


def test_what_does_not_stop_the_flow_keeps_nothing_back(api: str) -> None:
    follow = {"MaalstromSinkFailing", "MaalstromMemoryGrows"}
    others = [name for name in ALERTS if name not in {*BROKEN, *BUSINESS, *follow}]
    assert {"MaalstromWorkerDown", "MaalstromJournalGap"} <= set(others)
    post(api, *(labels(name, job="whole", instance="w1") for name in (*others, *BUSINESS)))
    assert kept_back(api, "whole") == dict.fromkeys((*others, *BUSINESS), False)


@pytest.mark.parametrize(
    ("cause", "follows", "equal"),
    [
        ("MaalstromNoWorker", "MaalstromWorkerDown", {}),
        ("MaalstromSinkStale", "MaalstromSinkFailing", {"instance": "w1"}),
        ("MaalstromConsumerStuck", "MaalstromConsumerLagGrows", {"topic": "checkout"}),
        ("MaalstromConsumerStuck", "MaalstromEventTimeLagHigh", {"topic": "checkout"}),
        ("MaalstromMemoryHigh", "MaalstromMemoryGrows", {"instance": "w1"}),
    ],
)
def test_one_cause_is_told_once(cause: str, follows: str, equal: Labels, api: str) -> None:
    job = f"{cause}-{follows}"
    post(api, labels(cause, job=job, **equal))
    post(api, labels(follows, job=job, **equal), labels(follows, job=f"{job}-2", **equal))
    until(lambda: kept_back(api, job).get(follows, False), lambda: kept_back(api, job))
    assert kept_back(api, job)[cause] is kept_back(api, f"{job}-2")[follows] is False


@pytest.mark.parametrize(
    ("alert", "receiver"),
    [
        ("MaalstromJournalGap", "operator"),
        ("MaalstromMisroutedShareHigh", "team"),
        ("MaalstromConversionsDropped", "business"),
    ],
)
def test_a_message_says_what_is_the_matter_and_where_to_read_on(
    alert: str, receiver: str, api: str, inbox: Inbox
) -> None:
    job = f"told-{receiver}"
    wanted = f"summary of {alert}. description of {alert}. {REPOSITORY}runbook_url of {alert}."

    def told() -> list[dict[str, Any]]:
        parts = [part for path, message in inbox.messages if path == f"/{receiver}" for part in message["attachments"]]
        return [part for part in parts if part["title"] == f"summary of {alert}." and part["text"].strip() == wanted]

    post(api, labels(alert, job=job))
    until(lambda: bool(told()), lambda: inbox.messages)
