"""Dockerfiles of all shapes before hadolint: no finding, and a spoiled one has some."""

from pathlib import Path

import pytest

from ferrule.generate import dockerfile
from ferrule.generate.build_facts import Program
from ferrule.generate.marked import drafted
from ferrule.generate.service import Service
from tests.generate.judge_dockerfile import findings
from tests.generate.test_dockerfile import FULL, TINY, build_of

pytestmark = pytest.mark.real

DYNAMIC = (Program(package="tiny", binary="tiny", static=False),)
SHAPES = {
    "full": FULL,
    "full-chef": build_of(FULL, cache="chef"),
    "full-debian": build_of(FULL, base="debian", link="dynamic", libraries=("libpq5",)),
    "full-distroless": build_of(FULL, base="distroless"),
    "tiny": TINY,
    "tiny-chef": build_of(TINY, cache="chef"),
    "tiny-debian": build_of(TINY, base="debian", link="dynamic", programs=DYNAMIC),
    "tiny-musl": build_of(TINY, link="musl", programs=DYNAMIC),
    "tiny-nightly": build_of(TINY, rust="nightly", has_printed_host=False),
}


def write(service: Service, folder: Path) -> None:
    """As `ferrule generate` writes them, with their marks."""
    for draft in dockerfile.drafts(service):
        path = folder / draft.path
        path.parent.mkdir(parents=True, exist_ok=True)
        text = drafted(None, draft.kind, draft.text, force=False, comment=draft.comment)
        path.write_bytes(text.encode())


def test_hadolint_finds_nothing(tmp_path: Path) -> None:
    for name, service in SHAPES.items():
        write(service, tmp_path / name)
    assert findings(tmp_path) == ()


@pytest.mark.parametrize(
    ("good", "bad", "rule"),
    [
        ("FROM rust:1.95.0-slim-bookworm", "FROM rust", "DL3006"),
        ('ENTRYPOINT ["/app/tiny"]', "ENTRYPOINT /app/tiny", "DL3025"),
        ("USER 65532:65532", "USER root", "DL3002"),
        ("WORKDIR /app", "# hadolint ignore=DL3000\nWORKDIR app", "DL3000 ignored"),
        ('"$TRIPLE"/release', "$TRIPLE/release", "SC2086"),
    ],
)
def test_a_spoiled_one_is_found(tmp_path: Path, good: str, bad: str, rule: str) -> None:
    write(TINY, tmp_path)
    file = tmp_path / "Dockerfile"
    assert good in file.read_text()
    file.write_text(file.read_text().replace(good, bad))
    assert any(rule in finding for finding in findings(tmp_path))
