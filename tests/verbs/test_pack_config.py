"""The TOML file of `pack --config`: whatever stands in it, there are settings or one clear error."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ferrule.config import UserConfig
from ferrule.errors import ProjectError, UsageError
from ferrule.process import SystemRunner
from ferrule.tables import Source, Table
from ferrule.verbs.context import Context
from ferrule.verbs.deliver import Destinations
from ferrule.verbs.pack import PackRequest, pack
from tests.fakes.elf import Elf
from tests.fakes.report import Notes

LINES = st.sampled_from(
    [
        *(
            "args = ['serve']",
            "ports = [3000, '53/udp']",
            "user = '1000'",
            "workdir = '/srv'",
            "link = 'static'",
        ),
        *("health = { path = '/health' }", "files = [{ from = 'x', to = '/x' }]", "volumes = ['/data']"),
        *(
            "[env]",
            "[labels]",
            "[bin.app]",
            "[bin]",
            "[health]",
            "[[files]]",
            "[database]",
            "A = '1'",
            "x.y = 1",
        ),
        *(
            "ports = ['80-90']",
            "user = 70000000000",
            "args = [1]",
            "env = 'A=1'",
            "image = 'UP:1'",
            "base = ''",
        ),
        *("workdir = 1979-05-27", "ports = [0.5, nan, inf]", "stop-signal = true", "labels = { '' = 1 }"),
        *(
            "user = [",
            "'",
            '"""',
            "= 1",
            "a = {",
            "\\",
            "# a comment",
            "",
            "\ufeff",
            "env.\"A B\" = 'x'",
            "\x1b[2J",
        ),
    ]
)


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a program."""
    folder = tmp_path_factory.mktemp("pack")
    (folder / "app").write_bytes(Elf().bytes())
    return folder


@settings(max_examples=250, deadline=None)
@given(
    text=st.one_of(
        st.lists(LINES, max_size=6).map("\n".join).map(str.encode),
        st.binary(max_size=40),
        st.integers(1, 3000).map(lambda depth: b"args = " + b"[" * depth + b"]" * depth),
        st.integers(1, 3000).map(lambda depth: b"[" + b".".join([b"a"] * depth) + b"]\nb = 1"),
    )
)
def test_any_file_gives_settings_or_one_clear_error(here: Path, text: bytes) -> None:
    """What has settings goes on to ask where the image is to go."""
    (here / "image.toml").write_bytes(text)
    request = PackRequest(
        binaries=(here / "app",), config=here / "image.toml", flags=Source(table=Table(), origin="flags")
    )
    context = Context(runner=SystemRunner(), report=Notes(), cache=here / "cache", trust=UserConfig())

    with pytest.raises((ProjectError, UsageError)) as caught:
        pack(context, request, (), Destinations())

    assert caught.value.hint
    assert "\n" not in caught.value.message
