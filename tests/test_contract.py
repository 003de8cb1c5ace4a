"""What a contract may say of a variable, which values keep it, and what looks like a secret."""

from typing import Any

import pytest

from ferrule.contract import Variable, parse_variable, what_credential
from ferrule.errors import InvalidValueError


def test_a_plain_value_is_a_default() -> None:
    assert parse_variable("RUST_LOG", "info") == Variable(name="RUST_LOG", default="info")


def test_a_table_says_more() -> None:
    table = {
        "required": True,
        "secret": True,
        "type": "url",
        "example": "postgres://a@b/c",
        "doc": "the shop's",
    }
    assert parse_variable("A", table) == Variable(
        name="A", required=True, secret=True, type="url", example="postgres://a@b/c", doc="the shop's"
    )


@pytest.mark.parametrize(
    ("name", "raw", "message"),
    [
        ("", "x", "'' is not the name of a variable"),
        ("A B", "x", "'A B' is not the name of a variable"),
        ("A=B", "x", "'A=B' is not the name of a variable"),
        ("A", "a\0b", "the default has a NUL character"),
        ("A", {"requird": True}, "'requird' says nothing about a variable"),
        ("A", {"name": "B"}, "'name' says nothing about a variable"),
        ("A", {"required": 1}, "required: expected `bool`, got `int`"),
        ("A", {"type": "number"}, "'number' is not a type"),
        ("A", {"required": True, "default": "x"}, "what has a default is not required"),
        ("A", {"secret": True, "default": "x"}, "a secret has no default: that would be in the image"),
        ("A", {"pattern": "("}, "the pattern is wrong: missing ), unterminated subpattern at position 0"),
        ("A", {"pattern": "a{99999999999}"}, "the pattern is wrong: the repetition number is too large"),
        ("A", {"type": "port", "default": "70000"}, "the default is not a port"),
        ("A", {"pattern": "a|b", "example": "c"}, "the example does not match a|b"),
    ],
)
def test_what_makes_no_sense_is_refused(name: str, raw: Any, message: str) -> None:
    with pytest.raises(InvalidValueError) as caught:
        parse_variable(name, raw)
    assert caught.value.message == message
    assert caught.value.hint


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        ("url", ["https://a.b/c", "postgres://u@h/d", "sqlite::memory:"], ["shop", "", "http://", "a b://c"]),
        ("port", ["1", "3000", "65535"], ["0", "65536", "x", "", "-1", "٣", "9" * 5000]),
        ("bool", ["true", "0", "OFF", "Yes"], ["", "maybe", "2"]),
        ("int", ["0", "-7", "+12", "9" * 5000], ["", "1.5", "1e3", "0x10"]),
        ("duration", ["30s", "1m30s", "500ms", "1h 30m", "1.5s", "2 days"], ["", "30", "s", "1x"]),
    ],
)
def test_types(kind: str, good: list[str], bad: list[str]) -> None:
    variable = Variable(name="A", type=kind)
    assert [value for value in good if variable.fault(value)] == []
    assert [value for value in bad if not variable.fault(value)] == []


def test_a_fault_never_shows_the_value() -> None:
    for variable in (Variable(name="A", type="int"), Variable(name="A", pattern="[0-9]+")):
        assert "hunter2" not in str(variable.fault("hunter2"))


@pytest.mark.parametrize(
    ("name", "value", "what"),
    [
        ("A", "postgres://shop:hunter2@db/shop", "a URL with a password"),
        ("A", "see REDIS://:pw@h:6379", "a URL with a password"),
        ("A", "-----BEGIN RSA PRIVATE KEY-----\nMII", "a private key"),
        ("A", "ghp_" + "a1" * 18, "a token of GitHub"),
        ("A", "glpat-" + "a1" * 10, "a token of GitLab"),
        ("A", "AKIA" + "A1" * 8, "a key of AWS"),
        ("A", "xoxb-1234567890-abc", "a token of Slack"),
        ("A", "sk_live_" + "a1" * 10, "a key of Stripe"),
        ("A", "AIza" + "a" * 35, "a key of Google"),
        ("A", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.sig", "a signed token"),
        ("A", "npm_" + "a" * 36, "a token of a registry"),
        ("DB_PASSWORD", "hunter2", "a secret, by its name"),
        ("app_api_key", "x", "a secret, by its name"),
        ("DB_PASSWORD", "", None),
        ("DB_PASSWORD_FILE", "/run/secrets/db", None),
        ("JWT_SECRET", "/run/secrets/jwt", None),
        ("A", "postgres://shop@db/shop", None),
        ("A", "https://example.com/a:b@c", None),
        ("RUST_LOG", "info,sqlx=warn", None),
        ("TOKENS", "12", None),
    ],
)
def test_what_looks_like_a_secret(name: str, value: str, what: str | None) -> None:
    assert what_credential(name, value) == what
