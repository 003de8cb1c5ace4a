"""Manifests for Kubernetes: a service goes in, plain YAML and a kustomize base come out.

The pod is one that the restricted level of Pod Security lets in. Decision 40 has the reasons, and what
judges are not followed in.
"""

import hashlib
import re
from typing import Any
from urllib.parse import urlsplit

import msgspec

from ferrule.generate.given import variables_of, volumes_of
from ferrule.generate.kubernetes_probe import probes, unexpanded
from ferrule.generate.service import LONGEST_LABEL, Draft, Service
from ferrule.generate.template import render

KIND = "kubernetes"
FOLDER = "deploy/kubernetes"
RESOURCES = "resources"
"""Below FOLDER. The kustomization lies above them: `kubectl apply -f` of a folder takes no such file."""

REPLICAS = 2
RESTRICTED = frozenset(("NET_BIND_SERVICE",))
"""The capabilities that the restricted level of Pod Security lets a container have."""

POSTGRES_PORT = 5432
PORTS = {
    "amqp": 5672,
    "amqps": 5671,
    "http": 80,
    "https": 443,
    "mongodb": 27017,
    "mysql": 3306,
    "nats": 4222,
    "postgres": POSTGRES_PORT,
    "postgresql": POSTGRES_PORT,
    "redis": 6379,
    "rediss": 6379,
}
"""Scheme of a URL → the port that is meant when it names none."""


class NamedPort(msgspec.Struct, frozen=True, kw_only=True):
    """A port, and the name that manifests refer to it by: small letters, digits and hyphens, 15 at most."""

    name: str
    number: int
    protocol: str


def drafts(service: Service) -> tuple[Draft, ...]:
    """One file for each resource, below `deploy/kubernetes/resources`, and the kustomization above them."""
    facts = _facts(service)
    names = (
        *(("migrate",) if service.migrate is not None else ()),
        "serviceaccount",
        *(("persistentvolumeclaim",) if service.volumes else ()),
        "deployment",
        *(("service",) if service.ports else ()),
        *(("poddisruptionbudget",) if facts["replicas"] > 1 else ()),
        "networkpolicy",
    )
    files = [f"{RESOURCES}/{name}.yaml" for name in names]
    texts = {
        f"{RESOURCES}/{name}.yaml": _migrate(facts) if name == "migrate" else _rendered(name, facts)
        for name in names
    }
    texts["kustomization.yaml"] = _rendered("kustomization", facts | {"files": files})
    return tuple(Draft(kind=KIND, path=f"{FOLDER}/{path}", text=text) for path, text in sorted(texts.items()))


def _facts(service: Service) -> dict[str, Any]:
    return {
        "service": service,
        "image": service.reference,
        "version": _label_value(service.version),
        # What is written to a disk of one node is there for one pod.
        "replicas": 1 if service.volumes else REPLICAS,
        "ports": _ports(service),
        "probes": probes(service),
        "volumes": volumes_of(service),
        "needs_tmp": "/tmp" not in service.volumes,  # noqa: S108 - a folder of the image
        "references": variables_of(service),
        "beyond": sorted(set(service.capabilities) - RESTRICTED),
        "lowest_port": service.lowest_port,
        "architecture": _architecture(service),
        "egress": _egress(service),
    }


def _rendered(name: str, facts: dict[str, Any]) -> str:
    return render(f"{KIND}/{name}.yaml", **facts)


def _migrate(facts: dict[str, Any]) -> str:
    """A Job's pod cannot be changed, so that its name has what is in it: another image is another Job."""
    service: Service = facts["service"]
    facts = facts | {"arguments": [unexpanded(word) for word in service.migrate or ()]}
    digest = hashlib.sha256(_rendered("migrate", facts | {"job": ""}).encode()).hexdigest()
    end = f"-migrate-{digest[:8]}"
    begin = service.label[: LONGEST_LABEL - len(end)].rstrip("-")
    return _rendered("migrate", facts | {"job": begin + end})


def _ports(service: Service) -> tuple[NamedPort, ...]:
    """The port of a health path is known to speak HTTP; the others are named by their protocol."""
    path = service.health.path if service.health else None
    speaks_http = service.health_port if path is not None else None

    def name(number: int, protocol: str) -> str:
        return f"{'http' if (number, protocol) == (speaks_http, 'tcp') else protocol}-{number}"

    return tuple(
        NamedPort(name=name(port.number, port.protocol), number=port.number, protocol=port.protocol.upper())
        for port in service.ports
    )


def _egress(service: Service) -> tuple[int, ...]:
    """The ports of what the service calls, as far as it is known: its database, and URLs of its variables."""
    urls = (each.example or each.default or "" for each in service.contract if each.type == "url")
    found = {POSTGRES_PORT} if service.database else set()
    return tuple(sorted(found.union(*map(_port_of, urls))))


def _port_of(url: str) -> set[int]:
    try:
        split = urlsplit(url)
        port = split.port or PORTS.get(split.scheme)
    except ValueError:
        return set()
    return {port} if port and split.netloc else set()


def _architecture(service: Service) -> str | None:
    """The processor, where the image is for a single one."""
    known = {platform.split("/")[1] for platform in service.platforms if platform.count("/") >= 1}
    return known.pop() if len(known) == 1 else None


def _label_value(text: str) -> str:
    """As the value of a label: 63 letters, digits, `-`, `_` and `.`, a letter or digit at both ends."""
    return re.sub(r"[^A-Za-z0-9._-]+", "_", text)[:LONGEST_LABEL].strip("._-")
