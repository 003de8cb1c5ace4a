"""A scalar of ours is read back by readers of YAML 1.1 and 1.2 as the string that it was."""

import pytest
import ruamel.yaml
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from ferrule.generate.yaml import yaml_text

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40)


@given(TEXTS)
@example("on")
@example("1e3")
@example("0x10")
@example("12:30:45")
@example("~")
@example("a: b")
@example("a #b")
@example("${{ x }}")
@example("\u2028\x85\x7f\ufeff🦀")
@example("{{ x }}")
@example("- a")
@example("=")
@example("<<")
def test_every_text_comes_back_unchanged(text: str) -> None:
    document = f"key: {yaml_text(text)}\nlist:\n  - {yaml_text(text)}\n"
    assert yaml.safe_load(document) == {"key": text, "list": [text]}
    assert ruamel.yaml.YAML(typ="safe", pure=True).load(document) == {"key": text, "list": [text]}


@pytest.mark.parametrize("text", ["shop", "ghcr.io/acme/shop:0.4.2", "/app/shop", "/var/lib/a-b"])
def test_what_needs_no_quotes_has_none(text: str) -> None:
    assert yaml_text(text) == text


@pytest.mark.parametrize("text", ["", "on", "No", "12", "1.5", "a b", "y", "2026-11-27", "a:", "#a"])
def test_what_is_something_else_in_yaml_is_quoted(text: str) -> None:
    assert yaml_text(text) == f'"{text}"'
