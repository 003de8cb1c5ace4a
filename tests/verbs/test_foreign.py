"""What cannot be linked for another processor is refused before anything is compiled, by the crate's name."""

from pathlib import Path

import pytest

from ferrule.cargo.plan import CargoOptions
from ferrule.errors import BuildError, ProjectError
from ferrule.tables import Table
from ferrule.verbs.build import build_image
from ferrule.verbs.deliver import Destinations
from tests.cargo_projects import context_of, manifest, request_for, write_project
from tests.fakes.report import Notes
from tests.parts.targets import need_targets

pytestmark = pytest.mark.real

ARM64 = Table(link="musl", platforms=("linux/arm64",))


def project_with(folder: Path, crate: str, build_script: str = "fn main() {}\n") -> Path:
    """A project that depends on a crate of this name, which is beside it."""
    need_targets()
    files = {
        "Cargo.toml": manifest(extra=f'[dependencies]\n{crate} = {{ path = "{crate}" }}\n'),
        f"{crate}/Cargo.toml": manifest(crate, "[features]\nbundled = []\nstatic = []\nvendored = []\n"),
        f"{crate}/build.rs": build_script,
        f"{crate}/src/lib.rs": "",
    }
    return write_project(folder / "project", files)


@pytest.mark.parametrize(
    ("crate", "libraries", "feature"),
    [("pq-sys", "pq", "bundled"), ("openssl-sys", "crypto and ssl", "vendored"), ("libz-sys", "z", "static")],
)
def test_a_crate_that_links_the_system_s_library_is_refused_also_without_a_lock_file(
    tmp_path: Path, crate: str, libraries: str, feature: str
) -> None:
    place = project_with(tmp_path, crate)
    context = context_of(tmp_path)
    triple = "aarch64-unknown-linux-musl"

    with pytest.raises(ProjectError) as refused:
        build_image(context, request_for(place, flags=ARM64), (), Destinations())

    assert refused.value.message == f"{crate} links the system's {libraries}, which are not here for {triple}"
    ways = f"turn on its feature {feature}, or build on a machine of linux/arm64 and use ferrule pack"
    assert refused.value.hint == ways
    assert isinstance(context.report, Notes)
    assert context.report.said == ["cargo wrote Cargo.lock: commit it, so that every build is the same"]
    assert not (place / "target" / "ferrule" / "cargo").exists()


def test_a_feature_that_brings_the_library_along_is_enough(tmp_path: Path) -> None:
    place = project_with(tmp_path, "pq-sys")
    request = request_for(place, flags=ARM64, cargo=CargoOptions(features=("pq-sys/bundled",)))
    built = build_image(context_of(tmp_path), request, (), Destinations())
    assert built.parts[0].artifact.binary.is_static


def test_a_library_that_pkg_config_does_not_look_for_is_named_with_its_crate(tmp_path: Path) -> None:
    """The words are the pkg-config crate's own."""
    says = "pkg-config has not been configured to support cross-compilation."
    place = project_with(tmp_path, "sound-sys", f'fn main() {{ panic!("\\n{says}\\n") }}\n')
    with pytest.raises(BuildError, match="sound-sys links a library of the system") as refused:
        build_image(context_of(tmp_path), request_for(place, flags=ARM64), (), Destinations())
    assert "ferrule pack" in refused.value.hint
