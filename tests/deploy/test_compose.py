"""deploy/compose.yaml, as far as that can be seen without a Docker engine: its form, and that what it names exists."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator

from streams import config
from streams.core.catalogue.parse import parse
from streams.simulate import Scenario, catalogue_text
from tests.deploy.test_prometheus import RECORDED

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
TEXT = (DEPLOY / "compose.yaml").read_text("utf-8")
VARIABLE = re.compile(r"(?<!\$)\$\{(\w+)(:[?-])?([^}]*)\}")
GIVEN = {
    "MAALSTROM_TOKEN_KEY": "a secret of the tests",
    "CLICKHOUSE_PASSWORD": "one",
    "GRAFANA_CLICKHOUSE_PASSWORD": "two",
    "GRAFANA_PASSWORD": "three",
    "ALERT_RECEIVERS": "/receivers",
}

SCHEMA = "\n".join(path.read_text("utf-8") for path in sorted((ROOT / "schemas" / "clickhouse").glob("*.sql")))


def interpolated(text: str) -> dict[str, Any]:
    """The file as compose reads it, with the variables that are required."""

    def value(found: re.Match[str]) -> str:
        return GIVEN.get(found[1], found[3] if found[2] == ":-" else "")

    compose: dict[str, Any] = yaml.safe_load(VARIABLE.sub(value, text))
    return compose


COMPOSE = interpolated(TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
LASTING = [name for name, service in SERVICES.items() if service["restart"] != "no"]


def test_it_is_what_the_specification_says(compose_schema: Path) -> None:
    schema = json.loads(compose_schema.read_text("utf-8"))
    known = {part: value for part, value in COMPOSE.items() if part != "name"}  # the name is younger than this schema
    errors = [error.message for error in Draft7Validator(schema).iter_errors(known)]
    assert errors == []
    broken = known | {"services": {"worker": {"image": "maalstrom", "port": ["6066"]}}}
    assert not Draft7Validator(schema).is_valid(broken)


def test_the_parts_are_those_that_are_meant() -> None:
    assert SERVICES.keys() == {
        "kafka", "clickhouse", "worker", "collector", "simulate", "prometheus", "alertmanager", "grafana",
    }  # fmt: skip
    assert [name for name, service in SERVICES.items() if "profiles" in service] == ["collector", "simulate"]
    used = {volume.split(":")[0] for service in SERVICES.values() for volume in service.get("volumes", [])}
    assert COMPOSE["volumes"].keys() == {name for name in used if "/" not in name}


def test_no_secret_has_a_default_and_what_is_missing_is_said() -> None:
    found = VARIABLE.findall(TEXT)
    required = {name for name, kind, text in found if kind == ":?" and text.startswith("set it to ")}
    assert required == GIVEN.keys()
    assert {name for name, kind, _ in found if kind != ":?"} == {
        "CATALOGUE_FILE", "COLLECT_ORIGINS", "PAGE_USERS_FILE", "WORKERS", "WRITE_KEYS_FILE",
    }  # fmt: skip
    head = TEXT.partition("\nname:")[0]
    assert {name for name, _, _ in found} == set(re.findall(r"^#   ([A-Z_]+) +\S", head, re.MULTILINE))
    for service in SERVICES.values():
        for name, value in service.get("environment", {}).items():
            if re.search("PASSWORD|KEY|SECRET", name) and not value.startswith("/etc/"):  # a file of them
                assert value in GIVEN.values(), name


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is_pinned_watched_and_for_this_machine_alone(name: str) -> None:
    service = SERVICES[name]
    assert re.search(r":v?\d+(\.\d+)+$", service["image"]) or service["build"]
    assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))
    assert "network_mode" not in service
    assert not service.get("privileged")
    if name in LASTING:
        assert service["healthcheck"]["test"][0] == "CMD"
    for other, condition in service.get("depends_on", {}).items():
        assert condition == {"condition": "service_healthy"}
        assert "healthcheck" in SERVICES[other]


@pytest.mark.parametrize("name", SERVICES)
def test_files_that_are_mounted_exist_and_cannot_be_written(name: str) -> None:
    for volume in SERVICES[name].get("volumes", []):
        if ":" not in volume:
            assert volume.startswith("/"), "a volume without a name"
            continue
        source, target, *mode = volume.split(":")
        if source.startswith("."):
            assert (DEPLOY / source).exists(), volume
        assert target.startswith("/")
        assert mode == (["ro"] if "/" in source else []), volume


def test_workers_are_configured_by_variables_that_they_know(monkeypatch: pytest.MonkeyPatch) -> None:
    environment = SERVICES["worker"]["environment"]
    fields = config.Settings.model_fields
    known = {str(field.validation_alias or f"MAALSTROM_{name.upper()}") for name, field in fields.items()}
    assert environment.keys() | SERVICES["simulate"]["environment"].keys() <= known
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    chosen = config.load()
    assert (str(chosen.bootstrap), chosen.web_bind, chosen.web_port) == ("kafka:19092", "0.0.0.0", 6066)
    assert chosen.clickhouse == "clickhouse://maalstrom:one@clickhouse:8123/maalstrom"
    assert config.token_key(chosen.token_key)
    inside = [volume.split(":")[1] for volume in SERVICES["worker"]["volumes"] if ":" in volume]
    assert str(chosen.catalogue) in inside
    assert str(chosen.datadir) in SERVICES["worker"]["volumes"], "on disk, each replica's own"


def test_each_of_several_workers_has_a_port() -> None:
    (port,) = SERVICES["worker"]["ports"]
    first, last = map(int, re.findall(r":(\d+)-(\d+):6066$", port)[0])
    assert last - first == 9
    assert interpolated(TEXT.replace("${WORKERS:-1}", "2"))["services"]["worker"]["deploy"] == {"replicas": 2}


def test_hosts_that_configurations_name_are_services() -> None:
    text = (DEPLOY / "prometheus" / "prometheus.yml").read_text("utf-8")
    jobs = {job["job_name"]: job for job in yaml.safe_load(text)["scrape_configs"]}
    (workers,) = jobs["maalstrom"]["dns_sd_configs"]
    assert (workers["names"], workers["type"], workers["port"]) == (["worker"], "A", 6066)
    environment = json.dumps([service.get("environment", {}) for service in SERVICES.values()])
    targets = re.findall(r"\"([a-z]+):\d+\"", text)
    named = {*targets, *re.findall(r"://(?:[^/@]*@)?([a-z]+):\d+", environment)}
    assert named == {"kafka", "clickhouse", "prometheus", "alertmanager"}


def test_grafana_has_what_its_provisioning_asks_for() -> None:
    files = (ROOT / "grafana" / "provisioning").rglob("*.yaml")
    text = "\n".join(path.read_text("utf-8") for path in files)
    wanted = set(re.findall(r"(?<!\$)\$([A-Z_]+)", text))
    assert wanted
    assert wanted <= SERVICES["grafana"]["environment"].keys()
    (path,) = re.findall(r"path: (/\S+)", text)
    assert any(volume.split(":")[1] == path for volume in SERVICES["grafana"]["volumes"])
    plugins = set(re.findall(r"type: (grafana-\S+)", text))
    installed = SERVICES["grafana"]["environment"]["GF_PLUGINS_PREINSTALL_SYNC"].split(",")
    assert {plugin.split("@")[0] for plugin in installed if re.search(r"@\d+\.\d+\.\d+$", plugin)} == plugins


def test_grafana_only_reads() -> None:
    users = ElementTree.parse(DEPLOY / "clickhouse" / "grafana.xml").getroot()
    password = users.find("users/grafana/password")
    assert password is not None
    assert password.attrib == {"from_env": "GRAFANA_CLICKHOUSE_PASSWORD"}
    assert users.findtext("profiles/grafana/readonly") == "2"
    granted = [str(query.text).removeprefix("GRANT SELECT ON maalstrom.") for query in users.iter("query")]
    made = re.findall(r"^CREATE (?:TABLE|VIEW) IF NOT EXISTS (\w+)", SCHEMA, re.MULTILINE)
    unseen = {"audiences", "engagement_seen", "migrations"}  # people, what passes through, and what is ours
    assert granted == sorted(set(made) - unseen)
    assert SERVICES["grafana"]["environment"]["CLICKHOUSE_USER"] == "grafana"
    assert "GRAFANA_CLICKHOUSE_PASSWORD" in SERVICES["clickhouse"]["environment"]


def test_alerts_know_the_memory_that_a_worker_may_have() -> None:
    assert SERVICES["worker"]["mem_limit"] == "4g"
    assert RECORDED["job:process_resident_memory_bytes:limit"]["expr"] == "vector(4 * 1024 ^ 3)"


def test_kafka_is_the_one_that_is_tested_with() -> None:
    pom = (DEPLOY / "kafka" / "pom.xml").read_text("utf-8")
    assert SERVICES["kafka"]["image"].split(":")[1] == re.findall(r"<version>(4\.[\d.]+)</version>", pom)[0]


def test_the_example_catalogue_counts_what_is_simulated() -> None:
    scenario = Scenario()
    simulated = parse(catalogue_text(scenario.start, scenario.days))
    example = config.catalogue(DEPLOY / "catalogue.toml")
    assert [goal.event for goal in example.goals] == [goal.event for goal in simulated.goals]
    assert {c.id: (c.aliases, c.coupons) for c in example.campaigns} == {
        c.id: (c.aliases, c.coupons) for c in simulated.campaigns
    }
