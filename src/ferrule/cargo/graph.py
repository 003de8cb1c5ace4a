"""The packages that go into a program, known without a build: for `plan`, and for what an image needs."""

import tomllib
from collections.abc import Mapping

import msgspec

from ferrule.cargo.messages import PackageId
from ferrule.cargo.plan import BuildPlan
from ferrule.process import Command, Runner

FROM_LOCK = "Cargo.lock"


class Graph(msgspec.Struct, frozen=True, kw_only=True):
    """Packages compiled into the program, with their features where they are known.

    `source` says how it is known: "the build", "cargo tree", "Cargo.lock", or "nothing yet".
    """

    packages: tuple[PackageId, ...]
    source: str
    features: Mapping[str, tuple[str, ...]]

    def find(self, *names: str) -> PackageId | None:
        """The first of the names that is in the graph."""
        found = {package.name: package for package in self.packages}
        return next((found[name] for name in names if name in found), None)


def read_graph(runner: Runner, plan: BuildPlan) -> Graph:
    """Ask cargo, which may download crates as for any of its commands but never changes Cargo.lock.

    Where it cannot say, Cargo.lock is read as it is: for every platform and feature.
    """
    if not plan.project.workspace.lock_file.is_file():
        return Graph(packages=(), source="nothing yet", features={})
    for network in (("--offline",), ()):
        if network or not (plan.options.offline or plan.options.frozen):
            finished = runner.run(tree_command(plan, *network))
            if finished.ok:
                return _parse(finished.stdout.decode(errors="replace"))
    return _from_lock(plan)


def tree_command(plan: BuildPlan, *flags: str) -> Command:
    """`cargo tree` resolves features as a build does; `cargo metadata` counts crates that none turns on."""
    argv = (
        *("cargo", "tree", "--manifest-path", str(plan.project.manifest), "-p", plan.selection.package.id),
        *("--edges", "normal,no-proc-macro", "--target", plan.triple, "--locked"),
        *("--prefix", "none", "--format", "{p}|{f}", *plan.options.feature_flags, *flags),
    )
    return Command(argv=argv, cwd=plan.project.folder)


def _parse(text: str) -> Graph:
    """Lines such as `axum v0.8.9|http1,json`, or `shop v0.4.2 (/a/path)|`, many of them repeated."""
    features: dict[PackageId, tuple[str, ...]] = {}
    for line in dict.fromkeys(text.splitlines()):
        what, _, turned_on = line.partition("|")
        name, _, rest = what.partition(" v")
        if rest:
            package = PackageId(name=name, version=rest.split()[0])
            features[package] = tuple(turned_on.removesuffix(" (*)").split(",")) if turned_on else ()
    return Graph(
        packages=tuple(features),
        source="cargo tree",
        features={package.name: names for package, names in features.items()},
    )


def _from_lock(plan: BuildPlan) -> Graph:
    try:
        with plan.project.workspace.lock_file.open("rb") as stream:
            packages = tomllib.load(stream).get("package", [])
        found = tuple(PackageId(name=str(entry["name"]), version=str(entry["version"])) for entry in packages)
    except (OSError, tomllib.TOMLDecodeError, KeyError, TypeError):
        found = ()
    return Graph(packages=found, source=FROM_LOCK, features={})
