"""The packages that go into a program, known without a build: for `plan`, and for what an image needs."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from ferrule.cargo.messages import PackageId
from ferrule.cargo.metadata import Package, Project, metadata_command
from ferrule.process import Runner


@dataclass(frozen=True, kw_only=True, slots=True)
class Graph:
    """Packages compiled into the program, with their features where they are known.

    `source` says how it is known: "the build", "cargo metadata" or "Cargo.lock".
    """

    packages: tuple[PackageId, ...]
    source: str
    features: Mapping[str, tuple[str, ...]]

    def find(self, *names: str) -> PackageId | None:
        """The first of the names that is in the graph."""
        found = {package.name: package for package in self.packages}
        return next((found[name] for name in names if name in found), None)


class _Dependency(msgspec.Struct):
    pkg: str
    dep_kinds: tuple[Mapping[str, str | None], ...] = ()


class _Node(msgspec.Struct):
    id: str
    deps: tuple[_Dependency, ...] = ()
    features: tuple[str, ...] = ()


class _Target(msgspec.Struct):
    kind: tuple[str, ...]


class _Known(msgspec.Struct):
    id: str
    name: str
    version: str
    targets: tuple[_Target, ...]

    @property
    def is_proc_macro(self) -> bool:
        """Whether it runs in the compiler, never in the program."""
        return any("proc-macro" in target.kind for target in self.targets)


class _Resolve(msgspec.Struct):
    nodes: tuple[_Node, ...]


class _Metadata(msgspec.Struct):
    packages: tuple[_Known, ...]
    resolve: _Resolve


def read_graph(
    runner: Runner, project: Project, package: Package, triple: str, feature_flags: tuple[str, ...]
) -> Graph:
    """Ask cargo without touching network or lock file; where it can't say, read Cargo.lock as it is."""
    flags = ("--locked", "--offline", "--filter-platform", triple, *feature_flags)
    finished = runner.run(metadata_command(project.manifest, *flags))
    if finished.ok:
        return _reached(msgspec.json.decode(finished.stdout, type=_Metadata), package)
    return _from_lock(project)


def _reached(metadata: _Metadata, package: Package) -> Graph:
    known = {entry.id: entry for entry in metadata.packages}
    nodes = {node.id: node for node in metadata.resolve.nodes}
    reached: dict[str, _Known] = {}
    waiting = [package.id]
    while waiting:
        here = waiting.pop()
        if here in reached or here not in nodes or known[here].is_proc_macro:
            continue
        reached[here] = known[here]
        waiting.extend(
            dependency.pkg
            for dependency in nodes[here].deps
            if any(kind.get("kind") is None for kind in dependency.dep_kinds)
        )
    return Graph(
        packages=tuple(PackageId(name=entry.name, version=entry.version) for entry in reached.values()),
        source="cargo metadata",
        features={entry.name: nodes[identity].features for identity, entry in reached.items()},
    )


def _from_lock(project: Project) -> Graph:
    try:
        with project.workspace.lock_file.open("rb") as stream:
            packages = tomllib.load(stream).get("package", [])
    except (OSError, tomllib.TOMLDecodeError):
        packages = []
    found = tuple(PackageId(name=str(entry["name"]), version=str(entry["version"])) for entry in packages)
    return Graph(packages=found, source="Cargo.lock" if found else "nothing yet", features={})
