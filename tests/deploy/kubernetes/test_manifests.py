"""deploy/kubernetes: each manifest is of its kind, and what one names, another has."""

from __future__ import annotations

import copy
import importlib.util
import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from streams import config
from tests.deploy.kubernetes.manifests import (
    FOLDER,
    OVERLAYS,
    Manifest,
    built,
    container,
    faults,
    of,
    read,
    schema,
    tool,
    workloads,
)
from tests.deploy.test_prometheus import RECORDED

FILES = sorted(path for path in FOLDER.rglob("*.yaml") if path.name != "kustomization.yaml")
ROOT = FOLDER.parents[1]
generate_spec = importlib.util.spec_from_file_location("generate", FOLDER / "generate.py")
assert generate_spec
assert generate_spec.loader
generate = importlib.util.module_from_spec(generate_spec)
generate_spec.loader.exec_module(generate)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(FOLDER)))
def test_a_file_is_what_its_kinds_allow(path: Path) -> None:
    assert [fault for manifest in read(path) for fault in faults(manifest)] == []


def test_a_mistake_in_a_manifest_is_found() -> None:
    (worker,) = (each for each in read(FOLDER / "base" / "worker.yaml") if each["kind"] == "StatefulSet")
    for change in ({"replica": 3}, {"replicas": "three"}, {"selector": None}):
        wrong = copy.deepcopy(worker)
        wrong["spec"] |= change
        assert faults(wrong), change
    wrong = copy.deepcopy(worker)
    container(wrong)["livenessProbe"]["httpGet"]["paths"] = "/health"
    assert "paths" in faults(wrong)[0]


@pytest.mark.parametrize("file", generate.FILES)
def test_what_is_generated_is_what_it_is_made_of_now(file: str) -> None:
    assert (FOLDER / file).read_text("utf-8") == generate.text(file), "run make kubernetes"


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_an_overlay_is_built_of_what_its_kinds_allow(overlay: str) -> None:
    manifests = built(overlay)
    assert [fault for manifest in manifests for fault in faults(manifest)] == []
    assert {each["metadata"].get("namespace", "maalstrom") for each in manifests} == {"maalstrom"}
    for workload in workloads(manifests):
        assert re.search(r"/maalstrom:\d", container(workload)["image"])


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_kubeconform_finds_nothing_in_an_overlay(overlay: str, tmp_path: Path) -> None:
    """As `kubectl apply` would be answered, without a cluster; strict, with the schemas of this folder."""
    kubeconform, manifests = tool("kubeconform"), built(overlay)
    for manifest in manifests:
        group = manifest["apiVersion"].partition("/")[0]  # of the core: its version
        (tmp_path / f"{manifest['kind'].lower()}-{group}.json").write_text(json.dumps(schema(manifest)))
    (tmp_path / "all.yaml").write_text(yaml.safe_dump_all(manifests))
    schemas = tmp_path / "{{ .ResourceKind }}-{{ .Group }}.json"
    command = [str(kubeconform), "-strict", "-summary", "-schema-location", str(schemas)]
    done = subprocess.run([*command, str(tmp_path / "all.yaml")], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"Valid: {len(manifests)}, Invalid: 0, Errors: 0, Skipped: 0" in done.stdout


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_pods_are_as_restricted_as_the_namespace_wants_them(overlay: str) -> None:
    manifests = built(overlay)
    (namespace,) = of(manifests, "Namespace")
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    for workload in workloads(manifests):
        pod = workload["spec"]["template"]["spec"]
        assert (pod["securityContext"]["runAsNonRoot"], pod["securityContext"]["runAsUser"]) == (True, 10001)
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod["automountServiceAccountToken"] is False
        assert container(workload)["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert not {"hostNetwork", "hostPID", "hostIPC"} & pod.keys()
        assert not any("hostPath" in volume for volume in pod["volumes"])


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_what_a_manifest_names_another_has(overlay: str) -> None:
    manifests = built(overlay)
    maps = {each["metadata"]["name"]: each["data"] for each in of(manifests, "ConfigMap")}
    for workload in workloads(manifests):
        pod, run = workload["spec"]["template"]["spec"], container(workload)
        volumes = {volume["name"] for volume in pod["volumes"]}
        volumes |= {claim["metadata"]["name"] for claim in workload["spec"].get("volumeClaimTemplates", ())}
        assert {mount["name"] for mount in run["volumeMounts"]} == volumes
        assert {each["configMapRef"]["name"] for each in run["envFrom"]} <= maps.keys()
        assert {volume["configMap"]["name"] for volume in pod["volumes"] if "configMap" in volume} <= maps.keys()
        assert of(manifests, "ServiceAccount", pod["serviceAccountName"])
        ports = {port["name"]: port["containerPort"] for port in run["ports"]}
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            assert run[probe]["httpGet"]["port"] in ports
        _held(manifests, workload, set(ports))
    for scaled in of(manifests, "ScaledObject"):
        target = scaled["spec"]["scaleTargetRef"]
        (scaled_workload,) = of(manifests, target["kind"], target["name"])
        assert "replicas" not in scaled_workload["spec"], "two would say how many there are"


def _held(manifests: tuple[Manifest, ...], workload: Manifest, ports: set[str]) -> None:
    """A service, a disruption budget and a network policy select its pods."""
    labels = workload["spec"]["template"]["metadata"]["labels"]

    def selects(selector: dict[str, Any]) -> bool:
        return bool(selector.items() <= labels.items())

    assert selects(workload["spec"]["selector"]["matchLabels"])
    services = [each for each in of(manifests, "Service") if selects(each["spec"]["selector"])]
    assert services
    assert {port["targetPort"] for service in services for port in service["spec"]["ports"]} <= ports
    if name := workload["spec"].get("serviceName"):
        assert name in {service["metadata"]["name"] for service in services}
    assert any(selects(each["spec"]["selector"]["matchLabels"]) for each in of(manifests, "PodDisruptionBudget"))
    held = [each["spec"] for each in of(manifests, "NetworkPolicy")]
    held = [spec for spec in held if selects(spec["podSelector"].get("matchLabels", {}))]
    assert {kind for spec in held for kind in spec["policyTypes"]} == {"Ingress", "Egress"}
    opened = {port["port"] for spec in held for rule in spec.get("ingress", ()) for port in rule["ports"]}
    assert opened == {port["containerPort"] for port in container(workload)["ports"]}


def test_the_monitor_finds_the_workers_under_the_job_that_alerts_select() -> None:
    manifests = built("production")
    (monitor,) = of(manifests, "ServiceMonitor")
    wanted = monitor["spec"]["selector"]["matchLabels"]
    (service,) = (s for s in of(manifests, "Service") if wanted.items() <= s["metadata"]["labels"].items())
    assert service["spec"]["clusterIP"] == "None", "each pod by itself, and once"
    assert service["metadata"]["labels"][monitor["spec"]["jobLabel"]] == "maalstrom"
    assert monitor["spec"]["endpoints"][0]["port"] in {port["name"] for port in service["spec"]["ports"]}


def test_alerts_know_the_memory_that_a_worker_may_have() -> None:
    (worker,) = of(tuple(read(FOLDER / "base" / "worker.yaml")), "StatefulSet")
    assert container(worker)["resources"]["limits"]["memory"] == "4Gi"
    assert RECORDED["job:process_resident_memory_bytes:limit"]["expr"] == "vector(4 * 1024 ^ 3)"


def test_no_more_workers_are_called_than_there_are_partitions() -> None:
    manifests = built("production")
    (scaled,) = of(manifests, "ScaledObject")
    partitions = [topic["spec"]["partitions"] for topic in of(manifests, "KafkaTopic")]
    assert scaled["spec"]["maxReplicaCount"] <= max(partitions)
    assert len({topic["spec"]["topicName"] for topic in of(manifests, "KafkaTopic")}) == len(partitions)
    (settings,) = (each for each in of(manifests, "ConfigMap") if "BROKER_URL" in each["data"])
    assert settings["data"]["MAALSTROM_DECLARE_TOPICS"] == "0"


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_catalogue_is_the_example_that_is_tested(overlay: str) -> None:
    path = FOLDER / "overlays" / overlay / "catalogue.toml"
    assert path.read_text("utf-8") == (ROOT / "deploy" / "catalogue.toml").read_text("utf-8")
    assert config.catalogue(path).goals
