"""The cache's limit, from the environment, the user's own file or a default; what a run makes once."""

from contextlib import closing
from pathlib import Path

import pytest

from ferrule.errors import ProjectError, UsageError
from ferrule.process import SystemRunner
from ferrule.verbs.context import cache_limit, trust_of
from tests.cargo_projects import context_of
from tests.fakes.report import Notes


@pytest.fixture(autouse=True)
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's own config.toml, still empty."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.delenv("FERRULE_CACHE_SIZE", raising=False)
    (tmp_path / "ferrule").mkdir()
    return tmp_path / "ferrule" / "config.toml"


def test_the_environment_beats_the_own_file_and_that_the_default(
    own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert cache_limit() == 2 << 30
    own.write_text('cache-size = "500MB"\n')
    assert cache_limit() == 500_000_000
    monkeypatch.setenv("FERRULE_CACHE_SIZE", "1GiB")
    assert cache_limit() == 1 << 30


def test_a_bad_size_is_one_clear_line(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own.write_text('cache-size = "much"\n')
    with pytest.raises(ProjectError) as caught:
        trust_of({}, frozenset())
    assert (caught.value.message, caught.value.hint) == (
        f"{own}: 'much' is not a size",
        "write it like 500MB, 5GB or 2GiB",
    )
    monkeypatch.setenv("FERRULE_CACHE_SIZE", "5 apples")
    with pytest.raises(UsageError) as refused:
        cache_limit()
    assert refused.value.message == "FERRULE_CACHE_SIZE: '5 apples' is not a size"


def test_a_configuration_folder_that_cannot_be_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", f"/tmp/{'n' * 300}")
    assert cache_limit() == 2 << 30


def test_hosts_are_trusted_however_their_names_are_spelled(own: Path) -> None:
    own.write_text(
        'insecure = ["A.Example.com"]\n[mirrors]\n"GHCR.io" = "old.example.com"\nq = "q.example.com"\n'
    )
    trust = trust_of({"ghcr.io": "new.example.com"}, frozenset({"B.example.com:80"}))
    assert trust.mirrors == {"ghcr.io": "new.example.com", "q": "q.example.com"}
    assert trust.insecure == {"a.example.com", "b.example.com:80"}


def test_a_world_with_another_report_shares_the_cache_and_what_was_made(tmp_path: Path) -> None:
    world, notes, runner = context_of(tmp_path), Notes(), SystemRunner()
    other = world.using(report=notes, runner=runner)
    assert (other.report, other.runner, other.cache) == (notes, runner, world.cache)
    assert other.store is world.store
    made: list[str] = []
    for each in (world, other, world):
        assert each.once("key", lambda: made.append("x")) is None
    assert made == ["x"]


def test_what_is_kept_open_ends_with_the_run(tmp_path: Path) -> None:
    world = context_of(tmp_path)
    file = (tmp_path / "file").open("wb")
    assert world.using().keep_open(closing(file)) is file
    assert not file.closed
    world.close()
    assert file.closed
