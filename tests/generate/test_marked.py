"""A generated file keeps what a person has written around the marks, whatever that is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferrule.errors import ProjectError
from ferrule.generate.marked import BEGIN, END, drafted, mark_name, split

MARKS = (BEGIN.format(kind="env", program=""), END.format(kind="env"))
LINES = st.lists(st.text(alphabet="ab# =\t", max_size=8).map(lambda text: f"{text}\n"), max_size=4).map(
    "".join
)


@given(LINES, LINES, LINES, LINES)
def test_what_is_around_the_marks_stays(before: str, after: str, old: str, new: str) -> None:
    first = drafted(None, "env", old, force=False)
    edited = before + first + after
    again = drafted(edited, "env", new, force=False)
    assert again == before + drafted(None, "env", new, force=False) + after
    assert drafted(again, "env", new, force=False) == again


def test_a_text_that_looks_like_a_mark_is_none() -> None:
    text = drafted(None, "env", f"{MARKS[1]}\nA=1\n", force=False)
    parts = split(text, "env")
    assert parts is not None
    assert parts.ours == f"#{MARKS[1]}\nA=1\n"
    assert drafted(text, "env", "B=2\n", force=False) == drafted(None, "env", "B=2\n", force=False)


def test_a_file_of_somebody_else_is_replaced_by_force_alone() -> None:
    with pytest.raises(ProjectError, match="not written by `ferrule generate`"):
        drafted("A=1\n", "env", "B=2\n", force=False)
    assert drafted("A=1\n", "env", "B=2\n", force=True) == drafted(None, "env", "B=2\n", force=False)


@pytest.mark.parametrize(
    "marks", [MARKS[:1], MARKS[1:], (MARKS[1], MARKS[0]), (MARKS[0], MARKS[0]), (*MARKS, MARKS[1])]
)
def test_half_a_pair_of_marks_is_refused(marks: tuple[str, ...]) -> None:
    with pytest.raises(ProjectError, match="not a pair any more"):
        split("".join(f"{mark}\n" for mark in marks), "env")


def test_marks_of_another_kind_are_none_of_ours() -> None:
    assert split(drafted(None, "compose", "a: 1\n", force=False), "env") is None


def test_other_files_begin_comments_otherwise() -> None:
    text = drafted(None, "env", "fn main() {}\n", force=False, comment="//")
    assert text.splitlines() == [f"//{MARKS[0][1:]}", "fn main() {}", f"//{MARKS[1][1:]}"]
    assert split(text, "env") is None
    again = drafted(f"// ours\n{text}", "env", "// ferrule generate env: x\n", force=False, comment="//")
    assert again.splitlines()[0::2] == ["// ours", "/// ferrule generate env: x"]


@pytest.mark.parametrize("program", ["shop", "a; change what is outside", 'x "y" ${{ z }}', " a  b "])
def test_a_mark_says_for_which_program(program: str) -> None:
    parts = split(drafted(None, "env", "A=1\n", force=False, program=program), "env")
    assert parts is not None
    assert (parts.program, parts.ours) == (mark_name(program), "A=1\n")
    assert mark_name("a\nb\x85c") == "a b c"


def test_a_file_keeps_its_line_ends() -> None:
    text = drafted(None, "env", "A=1\nB=2\n", force=False)
    crlf = f"# mine\n{text}C=3\n".replace("\n", "\r\n")
    assert drafted(crlf, "env", "A=1\nB=2\n", force=False) == crlf
    assert drafted(crlf, "env", "A=1\n", force=False) == crlf.replace("B=2\r\n", "")
    cut = text.removesuffix("\n")
    assert drafted(cut, "env", "A=1\nB=2\n", force=False) == cut
