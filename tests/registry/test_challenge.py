"""WWW-Authenticate, as registries write it, and as nobody should."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferrule.registry.challenge import Challenge, parse_challenges

NAMES = st.text("abcdefghijklmnopqrstuvwxyz-0123456789", min_size=1, max_size=9)
VALUES = st.text(st.characters(codec="ascii", exclude_categories=["C"]), max_size=30)
CHALLENGES = st.builds(
    lambda scheme, parameters: Challenge(scheme=scheme, parameters=parameters),
    NAMES,
    st.dictionaries(NAMES, VALUES, max_size=4),
)


@pytest.mark.parametrize(
    ("header", "scheme", "parameters"),
    [
        (
            'Bearer realm="https://auth.example.com/token",service="r",scope="repository:a/b:pull,push"',
            "bearer",
            {
                "realm": "https://auth.example.com/token",
                "service": "r",
                "scope": "repository:a/b:pull,push",
            },
        ),
        ('Basic realm="a \\"quoted\\" one"', "basic", {"realm": 'a "quoted" one'}),
        ("BASIC", "basic", {}),
        ('bearer Realm = "x" , Service=y', "bearer", {"realm": "x", "service": "y"}),
        (
            "Bearer realm=https://auth.example.com/token",
            "bearer",
            {"realm": "https://auth.example.com/token"},
        ),
        ("Negotiate YWJj==", "negotiate", {}),
        (', ,Basic realm="first",realm="second"', "basic", {"realm": "first"}),
    ],
)
def test_one_challenge_is_read(header: str, scheme: str, parameters: dict[str, str]) -> None:
    assert parse_challenges([header]) == (Challenge(scheme=scheme, parameters=parameters),)


def test_several_challenges_are_read_from_one_header_or_more() -> None:
    together = parse_challenges(['Negotiate, Basic realm="a, b", Bearer realm="c",scope="d,e"'])
    apart = parse_challenges(["Negotiate", 'Basic realm="a, b"', 'Bearer realm="c",scope="d,e"'])
    assert together == apart
    assert [challenge.scheme for challenge in together] == ["negotiate", "basic", "bearer"]


@given(st.lists(CHALLENGES, max_size=4))
def test_what_is_written_by_the_book_is_read_back(challenges: list[Challenge]) -> None:
    assert parse_challenges([", ".join(_written(challenge) for challenge in challenges)]) == tuple(challenges)


@given(st.lists(st.text(), max_size=3))
def test_any_text_is_read_without_an_exception(headers: list[str]) -> None:
    for challenge in parse_challenges(headers):
        assert challenge.scheme == challenge.scheme.lower() != ""


def test_a_header_that_is_made_to_be_slow_is_not() -> None:
    for text in (
        'Basic a="' + "\\" * 99_999,
        "Basic " + "a" * 99_999,
        "a " * 50_000,
        "Basic " + "a=b," * 30_000,
    ):
        assert len(parse_challenges([text])) <= 8192


def _written(challenge: Challenge) -> str:
    escaped = {
        name: value.replace("\\", "\\\\").replace('"', '\\"') for name, value in challenge.parameters.items()
    }
    parameters = ",".join([f'{name}="{value}"' for name, value in escaped.items()])
    return f"{challenge.scheme} {parameters}".strip()
