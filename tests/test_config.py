from pathlib import PurePosixPath
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferrule.config import Settings, resolve
from ferrule.errors import ProjectError
from ferrule.health import Health
from ferrule.tables import Source, Table, tables_of
from ferrule.values import FileCopy, Port, User

PACKAGE = "package.metadata.ferrule"
WORKSPACE = "workspace.metadata.ferrule"


def settings_of(
    table: Any = None, *, flags: Table | None = None, workspace: Any = None, binary: str = "shop"
) -> Settings:
    return resolve(
        (
            Source(table=flags or Table(), origin="flags"),
            *tables_of({"ferrule": table or {}}, PACKAGE, binary),
            *tables_of({"ferrule": workspace or {}}, WORKSPACE, binary),
        )
    )


def test_without_any_source_the_defaults_hold() -> None:
    settings = settings_of()
    assert (settings.link, settings.base, settings.optimize) == ("auto", "auto", None)
    assert settings.user == User(uid=65532, gid=65532)
    assert settings.workdir == PurePosixPath("/app")
    assert settings.stop_signal == "SIGTERM"
    assert settings.origins == {}


def test_every_key_of_the_table_is_read() -> None:
    settings = settings_of(
        {
            "image": "ghcr.io/acme/shop",
            "link": "dynamic",
            "allocator": "mimalloc",
            "base": "distroless",
            "donor": "alpine",
            "libraries": ["libplug.so.1"],
            "optimize": "size",
            "args": ["serve"],
            "ports": [3000, "53/udp"],
            "health": {"path": "/health"},
            "files": [{"from": "static", "to": "/app/static"}],
            "volumes": ["/data"],
            "workdir": "/srv",
            "user": "1000:1000",
            "stop-signal": "SIGINT",
            "init": True,
            "capabilities": ["CAP_NET_BIND_SERVICE"],
            "env": {"RUST_LOG": "info"},
            "labels": {"team": "payments"},
        }
    )
    assert settings.ports == (Port(number=3000), Port(number=53, protocol="udp"))
    assert (settings.allocator, settings.health) == ("mimalloc", Health(path="/health"))
    assert settings.files == (FileCopy(source="static", target=PurePosixPath("/app/static")),)
    assert settings.user == User(uid=1000, gid=1000)
    assert (settings.donor, settings.libraries) == ("alpine", ("libplug.so.1",))
    assert settings.capabilities == ("NET_BIND_SERVICE",)
    assert (settings.env, settings.labels) == ({"RUST_LOG": "info"}, {"team": "payments"})
    assert set(settings.origins) == {
        *("image", "link", "allocator", "base", "donor", "libraries", "optimize", "args", "ports", "health"),
        *("files", "volumes", "workdir", "user", "stop-signal", "init", "capabilities", "env", "labels"),
    }


def test_flags_beat_the_binary_s_table_beats_the_package_beats_the_workspace() -> None:
    table = {"user": "2", "base": "debian", "bin": {"shop": {"user": "1", "link": "static"}}}
    settings = settings_of(
        table, flags=Table(link="dynamic"), workspace={"user": "3", "base": "scratch", "workdir": "/w"}
    )
    assert (settings.link, str(settings.user), settings.base) == ("dynamic", "1:1", "debian")
    assert settings.workdir == PurePosixPath("/w")
    assert settings.origins["link"] == "--link"
    assert settings.origins["user"] == f"{PACKAGE}.bin.shop"
    assert settings.why("workdir", "") == f"asked for by {WORKSPACE}"


def test_a_program_that_opens_libraries_is_linked_dynamically_unless_somebody_says_otherwise() -> None:
    settings = settings_of({"libraries": ["libplug.so.1"]})
    assert (settings.link, settings.why("link", "")) == (
        "dynamic",
        "asked for by `libraries` of package.metadata.ferrule",
    )
    assert settings_of({"libraries": ["libplug.so.1"], "link": "auto"}).link == "auto"


def test_another_binary_s_table_does_not_count() -> None:
    assert str(settings_of({"bin": {"admin": {"user": "1"}}}).user) == "65532:65532"


def test_variables_are_merged_by_name() -> None:
    settings = settings_of(
        {"env": {"A": "1", "B": "1"}}, flags=Table(env={"B": "2"}), workspace={"env": {"C": "3"}}
    )
    assert settings.env == {"A": "1", "B": "2", "C": "3"}


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"bsae": "scratch"}, f"{PACKAGE}.bsae is not a key of ferrule"),
        ({"bin": {"shop": {"prots": [1]}}}, f"{PACKAGE}.bin.shop.prots is not a key of ferrule"),
        ({"link": "statik"}, f"{PACKAGE}.link: 'statik' is not known"),
        ({"link": 3}, f"{PACKAGE}.link: it takes a string, and this is a whole number"),
        ({"ports": [0]}, f"{PACKAGE}.ports: 0 is not a port"),
        ({"ports": 3000}, f"{PACKAGE}.ports: it takes a list, and this is a whole number"),
        ({"user": "root"}, f"{PACKAGE}.user: 'root' is not a numeric user"),
        ({"env": {"A B": "x"}}, f"{PACKAGE}.env.A B: 'A B' is not the name of a variable"),
        ({"args": ["a", "b\0"]}, f"{PACKAGE}.args: an argument has a NUL character"),
        ({"migrations": "a\0"}, f"{PACKAGE}.migrations: it is a folder of the project, or false"),
        ({"workdir": "app"}, f"{PACKAGE}.workdir: 'app' is not an absolute path"),
        ({"stop-signal": "stop"}, f"{PACKAGE}.stop-signal: 'stop' is not a signal"),
        ({"files": [{"from": "x"}]}, f"{PACKAGE}.files: it takes from and to, both strings"),
        (
            {"capabilities": ["NET_BIND"]},
            f"{PACKAGE}.capabilities: 'NET_BIND' is not a capability of Linux",
        ),
        ({"health": {"path": "x"}}, f"{PACKAGE}.health: 'x' is not a path of a URL"),
        (
            {"health": {"path": "/x"}, "ports": ["53/udp"]},
            f"{PACKAGE}.health: nothing says on which port the path is asked",
        ),
        ({"init": "yes"}, f"{PACKAGE}.init: it takes true or false, and this is a string"),
        ("text", f"{PACKAGE} is not a table"),
        ({"bin": 1}, f"{PACKAGE}.bin is not a table"),
        ({"bin": {"shop": 1}}, f"{PACKAGE}.bin.shop is not a table"),
    ],
)
def test_a_wrong_table_is_refused_by_the_key_s_path(table: Any, message: str) -> None:
    with pytest.raises(ProjectError) as caught:
        settings_of(table)
    assert caught.value.message == message
    assert caught.value.hint


@pytest.mark.parametrize(
    ("table", "message", "hint"),
    [
        (
            {"platforms": "linux/amd64"},
            "platforms: it takes a list, and this is a string",
            'put it into brackets, like platforms = ["linux/amd64"]',
        ),
        (
            {"glibc": 2.28},
            "glibc: it takes a string, and this is a number",
            'put it into quotes, like "2.28"',
        ),
        (
            {"env": {"B": "x", "A": 1}},
            "env.A: it takes a string or a table, and this is a whole number",
            'put it into quotes, like "1"',
        ),
        (
            {"ports": [80, 1.5]},
            "ports[1]: it takes a whole number or a string, and this is a number",
            "see the configuration reference",
        ),
        (
            {"health": "/health"},
            "health: it takes a table, and this is a string",
            "see the configuration reference",
        ),
    ],
)
def test_a_value_of_a_wrong_type_is_refused_in_the_words_of_toml(table: Any, message: str, hint: str) -> None:
    with pytest.raises(ProjectError) as caught:
        settings_of(table)
    assert (caught.value.message, caught.value.hint) == (f"{PACKAGE}.{message}", hint)


def test_the_nearest_key_is_proposed() -> None:
    with pytest.raises(ProjectError) as caught:
        settings_of({"bsae": "scratch"})
    assert caught.value.hint == "did you mean base?"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
KEYS = st.sampled_from([*(each.encode_name for each in msgspec.structs.fields(Table)), "bin", "x"])


@given(st.dictionaries(KEYS, JSON, min_size=1, max_size=4))
def test_any_table_gives_settings_or_one_clear_error(table: Any) -> None:
    try:
        settings_of(table)
    except ProjectError as error:
        assert "\n" not in error.message
