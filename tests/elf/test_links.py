from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferrule.elf.links import follow

P = PurePosixPath
LINKS = {
    "/lib": "usr/lib",
    "/usr/abs": "/lib",
    "/a": "b",
    "/b": "a",
    "/up": "../../etc",
    "/odd": "//lib/x",
    "/self": ".",
}


def link_at(path: PurePosixPath) -> str | None:
    return LINKS.get(str(path))


@pytest.mark.parametrize(
    ("path", "real"),
    [
        ("/etc/passwd", "/etc/passwd"),
        ("/lib/x", "/usr/lib/x"),
        ("/usr/abs/x", "/usr/lib/x"),
        ("/up/x", "/etc/x"),
        ("/../../x", "/x"),
        ("/odd", "/usr/lib/x"),
        ("//lib/x", "/usr/lib/x"),
        ("/self/x", "/x"),
        ("/a", None),
        ("/b/x", None),
    ],
)
def test_links_are_followed_inside_the_tree(path: str, real: str | None) -> None:
    assert follow(P(path), link_at) == (P(real) if real else None)


NAMES = st.lists(st.sampled_from(["a", "b", "..", ".", "/"]), max_size=5).map("/".join)


@given(NAMES, st.dictionaries(st.sampled_from(["/a", "/b", "/a/b", "/b/a"]), NAMES))
def test_no_tree_leads_above_its_root_or_on_for_ever(path: str, links: dict[str, str]) -> None:
    real = follow(P("/") / path, lambda here: links.get(str(here)))
    assert real is None or (real.is_absolute() and ".." not in real.parts)
