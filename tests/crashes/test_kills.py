"""A run is killed, and the next one is as if nothing had been. Three hundred times in tests/acceptance."""

import signal

import pytest

from tests.crashes.harness import Reference
from tests.crashes.rounds import kill

pytestmark = pytest.mark.real


def test_after_a_kill_at_any_instant_the_next_run_is_as_if_nothing_was(
    references: tuple[Reference, ...],
) -> None:
    assert kill(references, 2, signal.SIGKILL) >= len(references) // 2


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_polite_signal_ends_a_run_with_one_line(references: tuple[Reference, ...], number: int) -> None:
    assert kill(references[::3], 1, number) >= 1
