"""Tags from their templates: `{version}` is the crate's, `{commit}` is git's."""

from pathlib import Path

from ferrule.errors import InvalidValueError, ProjectError, UsageError
from ferrule.oci.reference import DEFAULT_TAG, parse_tag
from ferrule.process import Command, ProgramMissingError, Runner

COMMIT_DIGITS = 12


def fill_tags(
    runner: Runner, templates: tuple[str, ...], *, version: str | None, folder: Path
) -> tuple[str, ...]:
    """The tags, `latest` where none was asked for. A commit with changes on top ends in `-dirty`."""
    values = {"{version}": version.replace("+", "_")} if version else {}
    if any("{commit}" in template for template in templates):
        values["{commit}"] = _commit(runner, folder)
    return tuple(dict.fromkeys(_fill(template, values) for template in templates or (DEFAULT_TAG,)))


def _fill(template: str, values: dict[str, str]) -> str:
    text = template
    for name, value in values.items():
        text = text.replace(name, value)
    try:
        return parse_tag(text)
    except InvalidValueError as error:
        known = "known are {version} and {commit}"
        if "{version}" not in values:
            known = "known is {commit}; a packed program's version is not known: write it"
        hint = known if "{" in text else error.hint
        raise UsageError(f"--tag {template}: {error.message}", hint=hint) from error


def _commit(runner: Runner, folder: Path) -> str:
    try:
        head = runner.run(Command(argv=("git", "rev-parse", "HEAD"), cwd=folder))
        changes = runner.run(
            Command(argv=("git", "status", "--porcelain", "--untracked-files=no"), cwd=folder)
        )
    except ProgramMissingError as error:
        raise ProjectError(
            "{commit} in a tag needs git", hint="install git, or choose another tag"
        ) from error
    if not head.ok:
        raise ProjectError(
            f"{folder} has no git commit to name in a tag", hint="commit first, or choose another tag"
        )
    # What git cannot compare with the commit is not known to be the commit.
    is_clean = changes.ok and not changes.stdout.strip()
    return head.stdout.decode().strip()[:COMMIT_DIGITS] + ("" if is_clean else "-dirty")
