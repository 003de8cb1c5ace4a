"""Three hundred kills and a hundred polite signals, each followed by a plain run that must notice nothing."""

import signal
from collections.abc import Iterator

import pytest

from tests.crashes.harness import Reference, reference_of
from tests.crashes.rounds import kill
from tests.crashes.scenes import scenes
from tests.parts.registry import open_registry

pytestmark = pytest.mark.acceptance
KILLS = 300
SIGNALS = 50


@pytest.fixture(scope="module")
def references(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Reference, ...]]:
    folder = tmp_path_factory.mktemp("kills")
    with open_registry(folder / "registry") as registry:
        yield tuple(reference_of(scene) for scene in scenes(folder, registry.host))


def test_after_three_hundred_kills_the_next_run_is_as_if_nothing_was(
    references: tuple[Reference, ...],
) -> None:
    hit = kill(references, KILLS // len(references), signal.SIGKILL)
    print(f"{hit} of {KILLS} kills met a living run")
    assert hit >= KILLS * 0.6


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_after_a_hundred_polite_signals_too(references: tuple[Reference, ...], number: int) -> None:
    hit = kill(references, SIGNALS // len(references), number)
    print(f"{hit} of {SIGNALS} signals {number} met a living run")
    assert hit >= SIGNALS * 0.5
