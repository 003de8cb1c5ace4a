"""What cargo 1.94 and later read in a Cargo.toml, and Python does not."""

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferrule.cargo.metadata import find_manifest, read_project
from ferrule.cargo.profile import choose_profile
from ferrule.cargo.toml import parse_toml, read_toml
from ferrule.errors import ProjectError
from ferrule.process import SystemRunner
from tests.cargo_projects import HELLO, manifest, write_files

NEW = r'''
a = {
  b = "}",  # {
  c = [
    1,  # ]
    { d = '#,' , },
  ], "e,}" = 2,
  # ,
}
f = "\e[0m \x7E \\e \\\x41"
g = """
,}\e""" # {
h = [{ i = LITERAL,
}, {}, { }]
[j]
k = { l.m = "#" }
'''.replace("LITERAL", "'''\n\\e # {\n'''")
MEANS = {
    "a": {"b": "}", "c": [1, {"d": "#,"}], "e,}": 2},
    "f": "\x1b[0m ~ \\e \\A",
    "g": ",}\x1b",
    "h": [{"i": "\\e # {\n"}, {}, {}],
    "j": {"k": {"l": {"m": "#"}}},
}


@pytest.mark.parametrize("text", [NEW, NEW.replace("\n", "\r\n"), "\ufeff" + NEW])
def test_lines_and_last_commas_in_braces_are_read_and_new_escapes(text: str) -> None:
    assert parse_toml(text) == MEANS


@given(st.text(alphabet="a=\"'\\e,#{}[]\n ", max_size=40))
def test_what_python_reads_is_read_as_python_does(text: str) -> None:
    try:
        said = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    assert parse_toml(text) == said


@given(st.text(alphabet="a=\"'\\ex4,#{}[]\n ", max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        parse_toml(text)
    except ValueError:
        return


def test_what_cannot_be_read_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "Cargo.toml").write_text("a = {\n1\n")
    with pytest.raises(ProjectError, match=r"cannot read .*/Cargo\.toml: ") as caught:
        read_toml(tmp_path / "Cargo.toml")
    assert "\n" not in caught.value.message


@pytest.mark.real
def test_a_project_that_cargo_reads_is_read(tmp_path: Path) -> None:
    table = '[profile.release]\nlto = "fat"\n[package.metadata.own]\na = {\n  b = 1,\n}\n'
    write_files(tmp_path, {"Cargo.toml": manifest() + table, "src/main.rs": HELLO})
    project = read_project(SystemRunner(), find_manifest(tmp_path))
    assert choose_profile(SystemRunner(), project, "release", "speed").kept == ("lto",)
