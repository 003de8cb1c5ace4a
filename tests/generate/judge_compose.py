"""Compose's own reader and the schema of its specification: what they have to say of a generated file.

checkov is no judge here: none of its frameworks reads a compose file. No finding of the two is accepted.
"""

import re
import tempfile
from pathlib import Path

from tests.parts.judges import judged

VALUE = "0123456789abcdef"


def findings(folder: Path) -> tuple[str, ...]:
    """What is wrong with the folder's `compose.yaml`, read with an `.env` made of its example.

    A folder without the file has no findings. A warning is one too: compose goes on without a variable.
    """
    file = folder / "compose.yaml"
    if not file.exists():
        return ()
    with tempfile.NamedTemporaryFile("w") as env:
        env.write(filled(folder))
        env.flush()
        files = ("--env-file", env.name, "--file", file)
        read = judged("docker-compose", *files, "config", "--quiet", cwd=folder)
    schema = judged("check-jsonschema", "--quiet", "--builtin-schema", "vendor.compose-spec", file)
    return tuple(
        f"{judge}: {said or each.returncode}"
        for judge, each in (("compose", read), ("schema", schema))
        if (said := each.stderr + each.stdout) or each.returncode
    )


def filled(folder: Path) -> str:
    """The example of `.env` as a person fills it in: every variable that is asked for has a value."""
    text = (folder / ".env.example").read_text()
    return re.sub(r"(?m)^([A-Za-z_]\w*)=$", rf"\1={VALUE}", text)
