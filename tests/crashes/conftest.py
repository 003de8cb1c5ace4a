from collections.abc import Iterator

import pytest

from tests.crashes.harness import Reference, reference_of
from tests.crashes.scenes import scenes
from tests.parts.registry import open_registry


@pytest.fixture(scope="session")
def references(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Reference, ...]]:
    """Every scene, with what its run does when nobody disturbs it."""
    folder = tmp_path_factory.mktemp("crashes")
    with open_registry(folder / "registry") as registry:
        yield tuple(reference_of(scene) for scene in scenes(folder, registry.host))
