"""What `generate` finds in a project's folder, and what it asks cargo for that."""

from pathlib import Path

import pytest

from ferrule.verbs.generate import KINDS, Wanted, generate
from tests.cargo.counting import Counting
from tests.cargo_projects import context_of, manifest, request_for, write_project

pytestmark = pytest.mark.real


def test_cargo_is_asked_once_what_the_project_is(tmp_path: Path) -> None:
    place, counting = write_project(tmp_path), Counting()
    context = context_of(place, counting)
    files = generate(context, request_for(place), Wanted(kinds=("dockerfile", "compose")))
    assert [file.path.name for file in files] == [
        "Dockerfile",
        ".dockerignore",
        "compose.yaml",
        ".env.example",
    ]
    assert counting.asked["cargo", "metadata"] == 1


@pytest.mark.parametrize("name", ["_hidden", "a___b", "café"])
def test_a_program_whose_name_no_image_can_have(tmp_path: Path, name: str) -> None:
    place = write_project(tmp_path, {"Cargo.toml": manifest(name)})
    wanted = Wanted(kinds=tuple(KINDS))
    for file in generate(context_of(place), request_for(place), wanted):
        assert file.state == "new"
