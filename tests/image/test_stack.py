"""Layers add up to the tree that a real disk has when they are unpacked one upon the other."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ferrule.errors import ImageError
from ferrule.image.contents import Budget, read_members
from ferrule.image.stack import Hidden, Stack
from ferrule.image.untar import FileSource, TarError
from tests.engine.trees import Entry, tree, unpacked
from tests.fakes.images import entry, folder, hard_link, link, tar_of


def stacked(*layers: list[Entry]) -> Stack:
    import io

    stack, budget = Stack(), Budget()
    for layer in layers:
        stack.add(tuple(read_members(FileSource(io.BytesIO(tar_of(layer))), budget)))
    return stack


def shown(stack: Stack) -> dict[str, str]:
    """As `tree` shows a disk: `/` for a folder, where a link leads, and for a file its length."""
    found = {}
    for path, node in stack.nodes.items():
        original = (node.content or node).member
        if original.kind == "link":
            found[path] = f"-> {Path(original.target)}"
        else:
            found[path] = "/" if original.kind == "dir" else "x" * original.size
    found.pop("")
    return found


def hidden(stack: Stack) -> list[tuple[str, int, int, bool]]:
    return [(each.path, each.layer, each.by, each.removed) for each in stack.hidden]


def test_upper_layers_replace_and_remove_what_lower_ones_have() -> None:
    stack = stacked(
        [entry("a", b"1"), entry("b", b"22"), entry("d/x", b"333"), entry("d/y")],
        [entry("a", b"4444"), entry(".wh.b"), entry(".wh.d")],
        [entry("b", b"5")],
    )

    assert shown(stack) == {"a": "xxxx", "b": "x"}
    assert stack.hidden[0] == Hidden(path="b", layer=0, size=2, by=1, removed=True)
    assert sorted(hidden(stack)) == [
        ("a", 0, 1, False),
        ("b", 0, 1, True),
        ("d/x", 0, 1, True),
        ("d/y", 0, 1, True),
    ]


def test_an_opaque_folder_hides_lower_layers_and_nothing_of_its_own() -> None:
    stack = stacked(
        [entry("d/x"), entry("d/e/y"), entry("z")], [entry("d/new"), entry("d/.wh..wh..opq"), folder("d")]
    )

    assert sorted(shown(stack)) == ["d", "d/new", "z"]
    assert sorted(path for path, *_ in hidden(stack)) == ["d/e/y", "d/x"]


@pytest.mark.parametrize("gone", ["d/.wh..wh..opq", ".wh.d"])
def test_what_is_hidden_comes_in_the_same_order_in_every_run(gone: str) -> None:
    names = [f"d/{number:02}" for number in range(40)]
    stack = stacked([entry(name) for name in reversed(names)], [entry(gone)])

    assert [path for path, *_ in hidden(stack)] == names


def test_an_opaque_folder_behind_a_link_is_the_one_that_the_link_means() -> None:
    stack = stacked([link("l", "d"), entry("d/x")], [entry("l/.wh..wh..opq")])

    assert sorted(shown(stack)) == ["d", "l"]


def test_a_whiteout_hides_nothing_of_its_own_layer() -> None:
    assert shown(stacked([entry("a", b"1")], [entry("a", b"22"), entry(".wh.a")])) == {"a": "xx"}


def test_a_whiteout_of_nothing_does_nothing() -> None:
    assert stacked([entry("a")], [entry(".wh.b"), entry("c/.wh.d"), entry("a/.wh.e")]).hidden == []


def test_a_folder_over_a_folder_keeps_what_is_in_it() -> None:
    stack = stacked([folder("d", 0o700), entry("d/x")], [folder("d", 0o755)])

    assert (sorted(shown(stack)), stack.nodes["d"].member.mode, stack.hidden) == (["d", "d/x"], 0o755, [])


@pytest.mark.parametrize("other", [entry("d"), link("d", "x")])
def test_a_file_over_a_folder_hides_all_that_was_in_it(other: Entry) -> None:
    stack = stacked([folder("d"), entry("d/x"), entry("d/e/y")], [other])

    assert sorted(hidden(stack)) == [("d/e/y", 0, 1, False), ("d/x", 0, 1, False)]
    assert list(shown(stack)) == ["d"]


def test_files_go_through_links_of_lower_layers() -> None:
    stack = stacked(
        [link("lib", "usr/lib"), entry("usr/lib/a", b"1")],
        [entry("lib/a", b"22"), entry("lib/b")],
        [entry("lib/.wh.b")],
    )

    assert shown(stack) == {"lib": "-> usr/lib", "usr": "/", "usr/lib": "/", "usr/lib/a": "xx"}
    assert hidden(stack) == [("usr/lib/a", 0, 1, False), ("usr/lib/b", 1, 2, True)]


def test_a_link_that_changes_leads_elsewhere_from_then_on() -> None:
    stack = stacked(
        [link("l", "a"), entry("l/x")], [link("l", "b"), entry("l/y")], [folder("l"), entry("l/z")]
    )

    assert sorted(shown(stack)) == ["a", "a/x", "b", "b/y", "l", "l/z"]


def test_a_hard_link_has_the_content_of_the_file_that_it_named() -> None:
    stack = stacked([entry("a", b"123"), hard_link("b", "a"), hard_link("c", "b")], [entry("a", b"4")])

    assert shown(stack) == {"a": "x", "b": "xxx", "c": "xxx"}


def test_a_second_name_of_a_link_leads_where_the_first_did() -> None:
    stack = stacked([folder("d"), link("l", "d"), hard_link("m", "l"), entry("m/x")])

    assert sorted(shown(stack)) == ["d", "d/x", "l", "m"]


def test_names_in_a_folder_are_sorted() -> None:
    assert stacked([entry("d/b"), entry("d/a"), folder("d/c")]).names("d") == ("a", "b", "c")


@pytest.mark.parametrize(
    ("layer", "says"),
    [
        ([entry("f"), entry("f/x")], "'f' is no folder"),
        ([link("a", "b"), link("b", "a"), entry("a/x")], "'a' is no folder"),
        ([link("l", "/".join("d" * 300)), entry("l/x")], "nested more than 200 deep"),
    ],
)
def test_what_no_disk_can_hold_is_refused(layer: list[Entry], says: str) -> None:
    with pytest.raises(TarError, match=says):
        stacked(layer)


NAMES = st.lists(st.sampled_from("abc"), min_size=1, max_size=3).map("/".join)
TARGETS = st.lists(st.sampled_from(["a", "b", "c", "..", "."]), min_size=1, max_size=3).map("/".join)
FILES = st.builds(lambda name, size: entry(name, b"x" * size), NAMES, st.integers(0, 3))
LINKS = st.builds(
    lambda name, root, target: link(name, root + target), NAMES, st.sampled_from(["", "/"]), TARGETS
)
WHITEOUTS = NAMES.map(lambda name: entry("/".join([*name.split("/")[:-1], f".wh.{name[-1]}"])))
OPAQUE = NAMES.map(lambda name: entry(f"{name}/.wh..wh..opq"))
ENTRIES = st.one_of(
    FILES, FILES, NAMES.map(folder), LINKS, st.builds(hard_link, NAMES, NAMES), WHITEOUTS, OPAQUE
)


def first_whiteouts(layer: list[Entry]) -> list[Entry]:
    """As the specification asks of writers; elsewhere a layer's own links might lead its whiteouts astray."""
    return sorted(layer, key=lambda pair: "/.wh." not in f"/{pair[0].name}")


LAYERS = st.lists(st.lists(ENTRIES, max_size=6).map(first_whiteouts), min_size=1, max_size=3)


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(LAYERS)
def test_the_tree_is_that_of_a_real_disk(
    tmp_path_factory: pytest.TempPathFactory, layers: list[list[Entry]]
) -> None:
    try:
        on_disk = tree(unpacked(tmp_path_factory.mktemp("disk"), *layers))
    except ImageError:
        on_disk = None
    try:
        stack = stacked(*layers)
    except TarError:
        assert on_disk is None
        return
    if on_disk is not None:
        assert shown(stack) == on_disk
    seen = sum(node.member.size for node in stack.nodes.values())
    unseen = sum(file.size for file in stack.hidden)
    assert seen + unseen == sum(info.size for layer in layers for info, _ in layer)
