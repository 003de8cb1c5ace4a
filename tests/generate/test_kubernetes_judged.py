"""The manifests before their judges, none of which has a word against them, and each of which can."""

from pathlib import Path

import pytest

from ferrule.generate import kubernetes
from ferrule.generate.marked import drafted
from ferrule.generate.service import Service
from tests.generate.deployed import FULL, SERVICES
from tests.generate.judge_kubernetes import findings


def written(service: Service, folder: Path) -> Path:
    """The files as they lie in a project, with their marks."""
    for draft in kubernetes.drafts(service):
        path = folder / draft.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(drafted(None, draft.kind, draft.text, force=False))
    return folder


@pytest.mark.real
@pytest.mark.parametrize("service", SERVICES, ids=lambda each: each.name)
def test_no_judge_finds_a_fault(tmp_path: Path, service: Service) -> None:
    assert findings(written(service, tmp_path)) == ()


@pytest.mark.real
def test_each_judge_finds_a_fault_where_there_is_one(tmp_path: Path) -> None:
    place = written(FULL, tmp_path) / "deploy" / "kubernetes"
    spoil(place / "resources" / "deployment.yaml", "readOnlyRootFilesystem: true", "readOnlyRoot: true")
    spoil(place / "kustomization.yaml", "  - resources/service.yaml\n", "")
    found = findings(tmp_path)
    assert [each.split()[0].strip(":") for each in found] == [
        *(["kubernetes-validate"] * 3),
        "kubectl",
        "checkov",
    ]
    assert "readOnlyRoot" in found[0]
    assert found[3] == "kubectl kustomize: Service/shop is not in both"
    assert "CKV_K8S_22" in found[4]


def spoil(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))
