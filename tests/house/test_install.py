"""ferrule installs as a wheel, with pinned dependencies, and works from there."""

import os
import subprocess  # noqa: TID251 - pip, and the installed scripts as a user calls them
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from ferrule import __version__
from tests.cargo_projects import write_project
from tests.journey.ferrule import tool

ROOT = Path(__file__).resolve().parents[2]
OTHERS = ("3.12", "3.13", "3.14")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    tool(*pip(sys.executable), "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", folder, ROOT)
    (made,) = folder.glob("ferrule-*.whl")
    return made


def pip(python: str | Path) -> tuple[str, ...]:
    return (str(python), "-m", "pip", "--quiet", "--disable-pip-version-check")


def interpreter(version: str) -> str | None:
    """A Python of another version on this machine that really starts, or None."""
    places = [
        f"python{version}",
        *map(str, Path(os.environ.get("PYENV_ROOT", "/nowhere")).glob(f"versions/{version}.*/bin/python3")),
    ]
    for place in places:
        try:
            subprocess.run((place, "-c", "import venv, ensurepip"), check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError):
            continue
        return place
    return None


def install(python: str, wheel: Path, folder: Path) -> Path:
    """A virtual environment with nothing but the wheel and the pinned dependencies; gives its bin folder."""
    tool(python, "-m", "venv", folder)
    tool(
        *pip(folder / "bin" / "python"),
        "install",
        "--require-hashes",
        "-r",
        ROOT / "requirements" / "run.txt",
    )
    tool(*pip(folder / "bin" / "python"), "install", "--no-deps", wheel)
    return folder / "bin"


def check_scripts(scripts: Path, project: Path) -> None:
    env = {"PATH": f"{scripts}:{os.environ['PATH']}", "FERRULE_CACHE_DIR": str(project / "cache")}
    assert tool(scripts / "ferrule", "--version") == f"ferrule {__version__}"
    plan = tool("ferrule", "plan", project, env=env)
    assert plan.startswith("package")
    assert tool("cargo", "ferrule", "plan", project, env=env) == plan
    assert tool("ferrule", "build", project, env=env).startswith("oci:")
    probed = tool("ferrule", "build", project, "--health", "/health", "--port", "80", "--init", env=env)
    assert ".ferrule/" in tool("ferrule", "inspect", probed, "--files", env=env)
    assert "linux/" in tool("ferrule", "inspect", Path("/bin/sh").resolve(), env=env)


def sources() -> set[str]:
    """Every file of the package as a path below `ferrule/`, without what Python leaves there."""
    package = ROOT / "src" / "ferrule"
    return {
        f"ferrule/{path.relative_to(package)}"
        for path in package.rglob("*")
        if path.is_file() and path.parent.name != "__pycache__"
    }


def test_the_wheel_has_every_file_of_the_package_and_no_other(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert names == sources()
    assert {"ferrule/probe/source/probe.rs", "ferrule/cargo/memcpy.c"} <= names


def test_the_sdist_has_the_package_and_its_documents_and_nothing_of_the_tests(tmp_path: Path) -> None:
    hatchling = (sys.executable, "-m", "hatchling", "build", "--target", "sdist", "--directory", tmp_path)
    tool("env", "--chdir", ROOT, *hatchling)
    (made,) = tmp_path.glob("ferrule-*.tar.gz")
    with tarfile.open(made) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    documents = {"README.md", "CHANGELOG.md", "LICENSE-MIT", "LICENSE-APACHE"}
    built = {"PKG-INFO", "pyproject.toml", ".gitignore"}
    assert names == {f"src/{name}" for name in sources()} | documents | built


def test_the_wheel_works_with_nothing_but_its_pinned_dependencies(wheel: Path, tmp_path: Path) -> None:
    scripts = install(sys.executable, wheel, tmp_path / "venv")
    check_scripts(scripts, write_project(tmp_path / "project"))


@pytest.mark.acceptance
@pytest.mark.parametrize("version", [version for version in OTHERS if interpreter(version)])
def test_the_wheel_works_on_every_other_python_that_is_installed(
    version: str, wheel: Path, tmp_path: Path
) -> None:
    python = interpreter(version)
    assert python is not None
    check_scripts(install(python, wheel, tmp_path / "venv"), write_project(tmp_path / "project"))
