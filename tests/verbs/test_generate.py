"""What `generate` finds in a project's folder, and what it asks cargo for that."""

from pathlib import Path

import pytest

from ferrule.verbs.generate import Wanted, generate
from tests.cargo.counting import Counting
from tests.cargo_projects import context_of, request_for, write_project

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
