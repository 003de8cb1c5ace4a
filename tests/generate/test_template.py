"""A template takes nothing into its holes that nobody has put into the file's form."""

import pytest

from ferrule.generate import template


@pytest.fixture
def filled() -> "Filled":
    return Filled()


class Filled:
    def __call__(self, text: str, **values: object) -> str:
        return template._environment().from_string(text).render(**values)


def test_a_text_goes_in_through_a_filter(filled: Filled) -> None:
    assert filled("name: {{ name | yaml }}\n# {{ name | line }}\n", name="a\nb") == 'name: "a\\nb"\n# a b\n'
    assert filled("port: {{ port }}", port=3000) == "port: 3000"


def test_a_text_as_it_is_does_not(filled: Filled) -> None:
    with pytest.raises(TypeError, match="in no file's form"):
        filled("name: {{ name }}", name="shop")


def test_a_name_that_is_missing_is_an_error(filled: Filled) -> None:
    with pytest.raises(TypeError, match="Undefined"):
        filled("{{ nothing }}")
