"""What hadolint finds in the generated Dockerfiles of a project.

Exceptions stand in the files themselves, where people see them and their own hadolint obeys them:

- DL3008, versions of packages: Debian keeps one of each in a release, the one with its latest corrections; a
  version that is pinned is gone after the next one.
- DL3006, an image without a tag: `FROM for-$TARGETARCH` is a stage of the file, which hadolint cannot tell.
"""

import itertools
import re
from pathlib import Path

from tests.parts.judges import judged

ACCEPTED = {"DL3008": "apt-get", "DL3006": "FROM for-$TARGETARCH"}
"""Rule → what stands below it where it is accepted."""


def findings(folder: Path) -> tuple[str, ...]:
    """Every finding below the folder, and every exception that is not of `ACCEPTED`; empty without any."""
    files = sorted(folder.rglob("Dockerfile"))
    return tuple(finding for file in files for finding in (*_of_hadolint(file), *_exceptions(file)))


def _of_hadolint(file: Path) -> tuple[str, ...]:
    finished = judged("hadolint", "--no-color", "--failure-threshold", "ignore", file)
    lines = (finished.stdout + finished.stderr).splitlines()
    assert finished.returncode == 0 or lines, finished
    return tuple(lines)


def _exceptions(file: Path) -> tuple[str, ...]:
    lines = [*file.read_text().splitlines(), ""]
    found = []
    for line, below in itertools.pairwise(lines):
        if match := re.fullmatch(r"# hadolint ignore=(.*)", line):
            rules = match[1].split(",")
            found += [f"{file}: {rule} ignored" for rule in rules if ACCEPTED.get(rule, "\0") not in below]
    return tuple(found)
