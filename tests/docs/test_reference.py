"""The reference is written from the code, and is the newest one."""

import re
from pathlib import Path

import pytest

from docs.reference.generate import FOLDER, commands, configuration, exit_codes, main, packages

ROOT = Path(__file__).resolve().parents[2]
VARIABLE = re.compile(r"\bFERRULE_[A-Z][A-Z_]*[A-Z]\b")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("commands.md", commands()),
        ("configuration.md", configuration()),
        ("exit-codes.md", exit_codes()),
        ("packages.md", packages()),
    ],
)
def test_the_reference_says_what_the_code_says(name: str, text: str) -> None:
    assert (FOLDER / name).read_text(encoding="utf-8") == text, "run `make docs`"


def test_check_writes_nothing_and_names_what_differs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--check"], tmp_path) == 1
    assert "commands.md differs" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
    assert main([], tmp_path) == 0
    assert main(["--check"], tmp_path) == 0
    assert (tmp_path / "commands.md").read_bytes() == (FOLDER / "commands.md").read_bytes()


def test_every_variable_that_the_code_reads_is_in_the_reference() -> None:
    sources = (ROOT / "src" / "ferrule").rglob("*.py")
    read = {name for source in sources for name in VARIABLE.findall(source.read_text(encoding="utf-8"))}
    assert "FERRULE_CACHE_DIR" in read
    assert {name for name in read if f"`{name}`" not in configuration()} == set()


def test_every_flag_and_every_code_has_a_row() -> None:
    assert "| `--user UID[:GID]` | `FERRULE_USER` |" in commands()
    assert "| `stop-signal` | string | `SIGTERM` |" in configuration()
    assert "\n| 125 | " in exit_codes()
