"""Variables as Docker reads them, and nothing of a secret in any error."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferrule.engine.variables import parse_variable, read_env_file
from ferrule.errors import InvalidValueError


def test_a_file_is_read_as_docker_reads_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HERE", "ours")
    monkeypatch.delenv("NOWHERE", raising=False)
    file = tmp_path / "env"
    file.write_bytes(
        b'\xef\xbb\xbfFIRST=1\r\n# a comment\n\n   # another\n  INDENTED=x\nQUOTED="a b"\n'
        b"BLANKS= a = b # c \nHERE\nNOWHERE\nEMPTY=\nUMLAUT=\xc3\xbc\nLAST=9"
    )
    assert dict(read_env_file(str(file))) == {
        "FIRST": "1",
        "INDENTED": "x",
        "QUOTED": '"a b"',
        "BLANKS": " a = b # c ",
        "HERE": "ours",
        "EMPTY": "",
        "UMLAUT": "\u00fc",
        "LAST": "9",
    }


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"=s3cret", "there is no name before the ="),
        (b"MY s3cret=s3cret", "has a blank"),
        (b"s3cret s3cret", "no NAME=VALUE"),
        (b"A=s3cret\xff", "is not UTF-8"),
        (b"A=s3cret\0", "NUL"),
        (b"s3\0cret=1", "NUL"),
    ],
)
def test_a_wrong_line_is_named_by_its_number_and_not_shown(tmp_path: Path, line: bytes, reason: str) -> None:
    file = tmp_path / "env"
    file.write_bytes(b"A=1\n\n" + line + b"\nB=2\n")
    with pytest.raises(InvalidValueError, match=reason) as caught:
        read_env_file(str(file))
    assert caught.value.message.startswith(f"{file}:3: ")
    assert "cret" not in caught.value.message + caught.value.hint


def test_what_is_no_file_of_variables_is_refused(tmp_path: Path) -> None:
    for file in (tmp_path / "none", tmp_path, Path("/dev/zero"), Path("nul\0")):
        with pytest.raises(InvalidValueError, match=r"cannot be read|longer than 1 MiB"):
            read_env_file(str(file))


@given(st.binary(max_size=200))
def test_any_bytes_give_variables_or_our_error(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    file = tmp_path_factory.getbasetemp() / "any-env"
    file.write_bytes(data)
    try:
        found = read_env_file(str(file))
    except InvalidValueError as error:
        assert error.message.startswith(f"{file}:")
    else:
        assert all(name and "\0" not in f"{name}{value}" for name, value in found)


def test_a_flag_is_a_pair_or_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HERE", "ours")
    monkeypatch.delenv("NOWHERE", raising=False)
    assert parse_variable("A=b=c d") == ("A", "b=c d")
    assert parse_variable("A=") == ("A", "")
    assert parse_variable("HERE") == ("HERE", "ours")
    assert parse_variable("NOWHERE") == ("NOWHERE", None)


@pytest.mark.parametrize("text", ["", "=s3cret", "MY NAME=s3cret", "A\0=s3cret"])
def test_a_wrong_flag_does_not_show_its_value(text: str) -> None:
    with pytest.raises(InvalidValueError, match="is not the name of a variable") as caught:
        parse_variable(text)
    assert "s3cret" not in caught.value.message + caught.value.hint


def test_a_value_that_no_program_can_have_is_refused() -> None:
    with pytest.raises(InvalidValueError, match="the value of A has a NUL character"):
        parse_variable("A=s3cret\0")
