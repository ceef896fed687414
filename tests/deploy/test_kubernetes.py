"""The manifests as kustomize builds them: valid by Kubernetes' schemas, and as strict as its standard "restricted"."""

from __future__ import annotations

import shutil
import subprocess
from typing import Any

import kubernetes_validate
import pytest
import yaml

from app.config.settings import setting_name
from app.config.settings import settings as all_settings
from tests.load.gateway import ROOT

VERSIONS = ("1.29", "1.37")
OVERLAY = ROOT / "deploy" / "kubernetes" / "overlays" / "example"


@pytest.fixture(scope="module")
def built() -> list[dict[str, Any]]:
    program = shutil.which("kubectl") or shutil.which("kustomize")
    if program is None:
        pytest.skip("neither kubectl nor kustomize here")
    command = [program, "kustomize" if program.endswith("kubectl") else "build", OVERLAY]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return list(yaml.safe_load_all(done.stdout))


def of_kind(built: list[dict[str, Any]], kind: str) -> dict[str, dict[str, Any]]:
    return {each["metadata"]["name"]: each for each in built if each["kind"] == kind}


@pytest.mark.parametrize("version", VERSIONS)
def test_every_manifest_is_valid(built: list[dict[str, Any]], version: str) -> None:
    for manifest in built:
        kubernetes_validate.validate(manifest, version, strict=True)


def test_every_pod_keeps_the_standard_that_its_namespace_enforces(built: list[dict[str, Any]]) -> None:
    (namespace,) = of_kind(built, "Namespace").values()
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    for deployment in of_kind(built, "Deployment").values():
        pod = deployment["spec"]["template"]["spec"]
        assert pod["securityContext"]["runAsNonRoot"] and pod["securityContext"]["runAsUser"] == 10001
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod["automountServiceAccountToken"] is False
        (container,) = pod["containers"]
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}
        }  # fmt: skip
        assert container["livenessProbe"] and container["startupProbe"] and container["resources"]["limits"]["memory"]


def test_a_pod_has_the_time_that_a_stop_takes(built: list[dict[str, Any]]) -> None:
    for deployment in of_kind(built, "Deployment").values():
        pod = deployment["spec"]["template"]["spec"]
        lifecycle = pod["containers"][0].get("lifecycle")
        pause = int(lifecycle["preStop"]["exec"]["command"][1]) if lifecycle else 0
        assert pod["terminationGracePeriodSeconds"] >= pause + 30


def test_what_selects_pods_selects_those_that_there_are(built: list[dict[str, Any]]) -> None:
    pods = [each["spec"]["template"]["metadata"]["labels"] for each in of_kind(built, "Deployment").values()]
    selectors = [each["spec"]["selector"] for each in of_kind(built, "Service").values()]
    selectors += [each["spec"]["selector"]["matchLabels"] for each in of_kind(built, "PodDisruptionBudget").values()]
    selectors += [each["spec"]["podSelector"]["matchLabels"] for each in of_kind(built, "NetworkPolicy").values()]

    assert len(selectors) == 4
    assert [wanted for wanted in selectors if not any(wanted.items() <= labels.items() for labels in pods)] == []
    (scaler,) = of_kind(built, "HorizontalPodAutoscaler").values()
    assert scaler["spec"]["scaleTargetRef"]["name"] in of_kind(built, "Deployment")
    assert "replicas" not in of_kind(built, "Deployment")["whatsapp-web"]["spec"]


def test_only_settings_that_exist_are_set_and_no_secret_is_written_down(built: list[dict[str, Any]]) -> None:
    known = {setting_name(each): each.metadata["secret"] for each in all_settings()}
    (config,) = of_kind(built, "ConfigMap").values()

    names = set(config["data"])
    assert {name for name in names if name.removesuffix("_FILE") not in known} == set()
    assert [name for name in names if known.get(name)] == []
    assert not of_kind(built, "Secret")
