"""Documents lead somewhere, and say nothing that they must not."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "examples/shop/README.md"])
LINK = re.compile(r"\]\(([^)#\s]*)(?:#([^)\s]*))?\)")
MOST_LINES_OF_A_DECISION = 25


def anchors(document: Path) -> set[str]:
    """The names of the headings, as forges make them."""
    headings = re.findall(r"^#+ (.+)$", document.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_link_to_a_file_leads_there() -> None:
    links = [
        (document, place, anchor)
        for document in DOCUMENTS
        for place, anchor in LINK.findall(document.read_text(encoding="utf-8"))
        if "://" not in place
    ]
    assert len(links) > 10
    broken = [
        f"{document.relative_to(ROOT)}: {place}#{anchor}"
        for document, place, anchor in links
        if not (target := (document.parent / place) if place else document).exists()
        or (anchor and anchor not in anchors(target))
    ]
    assert broken == []


@pytest.mark.parametrize(
    "document", sorted((ROOT / "docs/decisions").glob("*.md")), ids=lambda path: path.stem
)
def test_a_decision_has_a_number_a_reason_and_an_end(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    assert text.startswith(f"# {int(document.name[:4])}. ")
    parts = re.findall(r"^\*\*(\w+)\.\*\*", text, re.MULTILINE)
    assert parts == ["Context", "Decision", "Consequence"]
    assert len(text.splitlines()) <= MOST_LINES_OF_A_DECISION


def test_decisions_are_numbered_without_a_gap() -> None:
    numbers = [int(path.name[:4]) for path in sorted((ROOT / "docs/decisions").glob("*.md"))]
    assert numbers == list(range(1, len(numbers) + 1))


def test_the_map_has_every_folder_and_module() -> None:
    shown = set(re.findall(r"[├└]── ([\w.]+)", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")))
    places = (ROOT / "src" / "ferrule").iterdir()
    there = {place.name for place in places if place.is_dir() or place.suffix == ".py"}
    assert {name for name in there if not name.startswith("__")} - shown == set()


def test_every_guide_is_reached_from_the_readme() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    guides = [*(ROOT / "docs").glob("how-to/*.md"), *(ROOT / "docs").glob("explanation/*.md")]
    assert [guide.name for guide in guides if f"/{guide.name})" not in readme] == []
