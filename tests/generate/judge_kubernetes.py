"""Kubernetes' manifests before their judges: a project's folder goes in, what they find fault with comes out.

There is no API server to be had: what one would refuse beyond its schema (a name that is taken, a Pod
Security level of the namespace) is told by checkov's rules and by Podman, which runs the pod.
"""

import json
from pathlib import Path
from typing import Any

import msgspec
import yaml

from tests.parts.judges import judged

VERSIONS = ("1.30.0", "1.33.0", "1.37.0")
"""The oldest that the manifests are for, one in between, and the newest that the judge knows."""

CHECKOV = ("--framework", "kubernetes", "--compact", "--quiet", "--skip-download", "-o", "json")


class Accepted(msgspec.Struct, frozen=True, kw_only=True):
    """A rule that is not followed, with its reason; only in files that lack `without`."""

    reason: str
    without: str | None = None


ACCEPTED = {
    "CKV_K8S_8": Accepted(reason="a program without a TCP port has nothing to ask", without="protocol: TCP"),
    "CKV_K8S_9": Accepted(reason="without a health check too", without="protocol: TCP"),
    "CKV_K8S_11": Accepted(reason="a limit of CPU holds a pod back while its node has time"),
    "CKV_K8S_15": Accepted(reason="a tag is all that is known before the push", without="@sha256:"),
    "CKV_K8S_21": Accepted(reason="the namespace is said by who applies: kubectl -n, or an overlay"),
    "CKV_K8S_25": Accepted(
        reason="a program with a file capability does not start without it",
        without="allowPrivilegeEscalation: true",
    ),
    "CKV_K8S_35": Accepted(reason="a program that reads variables reads no files: the contract says which"),
    "CKV_K8S_43": Accepted(reason="a tag is all that is known before the push", without="@sha256:"),
}
"""Rule of checkov → why its finding is no fault. docs/decisions/0040 has them too."""


def findings(folder: Path) -> tuple[str, ...]:
    """Everything that kubernetes-validate, kustomize and checkov say against the manifests below `folder`."""
    place = folder / "deploy" / "kubernetes"
    return (*_of_schemas(place), *_of_kustomize(place), *_of_checkov(place))


def _of_schemas(place: Path) -> tuple[str, ...]:
    files = sorted((place / "resources").glob("*.yaml"))
    assert files, place
    found = []
    for version in VERSIONS:
        said = judged("kubernetes-validate", "--strict", "-k", version, *files)
        if said.returncode != 0:
            found.append(f"kubernetes-validate {version}: {said.stdout}{said.stderr}")
    return tuple(found)


def _of_kustomize(place: Path) -> tuple[str, ...]:
    """It renders every resource that the files hold, and no other."""
    said = judged("kubectl", "kustomize", place)
    if said.returncode != 0:
        return (f"kubectl kustomize: {said.stderr}",)
    files = (place / "resources").glob("*.yaml")
    missing = {_name(each) for file in files for each in yaml.safe_load_all(file.read_text())} ^ {
        _name(each) for each in yaml.safe_load_all(said.stdout)
    }
    return tuple(f"kubectl kustomize: {name} is not in both" for name in sorted(missing))


def _name(document: dict[str, Any]) -> str:
    return f"{document['kind']}/{document['metadata']['name']}"


def _of_checkov(place: Path) -> tuple[str, ...]:
    said = judged("checkov", "--directory", place / "resources", *CHECKOV)
    report = json.loads(said.stdout)
    summary = report["summary"]
    assert summary["passed"] > 50, summary
    assert summary["parsing_errors"] == 0, said.stderr
    return tuple(
        f"checkov: {each['check_id']} {each['check_name']} ({each['resource']})"
        for each in report["results"]["failed_checks"]
        if not _is_accepted(each["check_id"], place / "resources" / each["file_path"].lstrip("/"))
    )


def _is_accepted(rule: str, file: Path) -> bool:
    accepted = ACCEPTED.get(rule)
    return accepted is not None and (accepted.without is None or accepted.without not in file.read_text())
