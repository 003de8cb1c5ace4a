import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferrule.errors import InvalidValueError
from ferrule.oci.reference import parse_reference, reference_of_program

DIGEST = "sha256:" + "0f" * 32


@pytest.mark.parametrize(
    ("text", "full"),
    [
        ("debian", "docker.io/library/debian"),
        ("debian:bookworm-slim", "docker.io/library/debian:bookworm-slim"),
        ("acme/shop", "docker.io/acme/shop"),
        ("index.docker.io/acme/shop", "docker.io/acme/shop"),
        ("ghcr.io/acme/shop:1.2", "ghcr.io/acme/shop:1.2"),
        ("localhost/shop", "localhost/shop"),
        ("127.0.0.1:5000/a/b_c/d--e:x", "127.0.0.1:5000/a/b_c/d--e:x"),
        ("[::1]:5000/shop", "[::1]:5000/shop"),
        (f"gcr.io/distroless/static@{DIGEST}", f"gcr.io/distroless/static@{DIGEST}"),
        (f"gcr.io/a/b:tag@{DIGEST}", f"gcr.io/a/b:tag@{DIGEST}"),
    ],
)
def test_a_name_is_read_as_docker_reads_it(text: str, full: str) -> None:
    assert str(parse_reference(text)) == full
    assert parse_reference(full) == parse_reference(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        ":",
        "Shop",
        "ghcr.io/Acme/shop",
        "a b",
        "ghcr.io/a/",
        "/a",
        "a//b",
        "a:",
        "a@sha256:12",
        "a:-x",
        "x" * 300,
    ],
)
def test_what_is_no_reference_is_refused_with_a_hint(text: str) -> None:
    with pytest.raises(InvalidValueError) as caught:
        parse_reference(text)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("docker://ghcr.io/acme/shop:1", "without docker://, like ghcr.io/acme/shop:1"),
        ("https://ghcr.io/acme/shop", "without https://, like ghcr.io/acme/shop"),
        ("docker-archive:/tmp/image.tar", "it is one of a registry, or oci:DIR"),
    ],
)
def test_other_ways_to_name_an_image_are_known(text: str, hint: str) -> None:
    with pytest.raises(InvalidValueError) as caught:
        parse_reference(text)
    assert caught.value.hint.startswith(hint)


def test_upper_case_is_named_as_the_reason() -> None:
    with pytest.raises(InvalidValueError) as caught:
        parse_reference("ghcr.io/Acme/shop")
    assert caught.value.hint == "repository names are in lower case"


@given(st.text(max_size=80))
def test_any_text_gives_a_reference_that_reads_back_or_our_error(text: str) -> None:
    try:
        reference = parse_reference(text)
    except InvalidValueError:
        return
    assert parse_reference(str(reference)) == reference


def test_a_digest_is_asked_for_before_a_tag() -> None:
    reference = parse_reference(f"gcr.io/a/b:tag@{DIGEST}")
    assert reference.selector == DIGEST
    assert parse_reference("gcr.io/a/b").selector == "latest"
    assert str(reference.with_tag("v1")) == "gcr.io/a/b:v1"


@pytest.mark.parametrize(
    ("program", "name"),
    [
        ("shop", "shop"),
        ("my__bin", "my__bin"),
        ("MyShop", "myshop"),
        ("café", "cafe"),
        ("_hidden", "hidden"),
        ("a___b", "a-b"),
        ("a:b", "a-b"),
        ('${{ x }} "q"', "x-q"),
        ("📦", "app"),
    ],
)
def test_an_image_is_called_after_its_program(program: str, name: str) -> None:
    assert str(reference_of_program(program)) == f"docker.io/library/{name}"


@given(st.text())
def test_there_is_a_name_for_every_program(program: str) -> None:
    named = reference_of_program(program)
    assert parse_reference(str(named)) == named
    assert (named.tag, named.digest) == (None, None)
