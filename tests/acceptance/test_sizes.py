"""How much smaller than cargo's own release build: three builds of the example, so not in every run."""

from pathlib import Path

import pytest

from benchmarks import service
from tests.journey.ferrule import SHOP, ferrule

pytestmark = pytest.mark.acceptance
DEFAULT_AT_MOST = 0.85
SIZE_AT_MOST = 0.65


@pytest.fixture(scope="module")
def plain() -> int:
    """Bytes of what plain `cargo build --release` gives."""
    return service.plain().stat().st_size


@pytest.mark.parametrize(("flags", "most"), [((), DEFAULT_AT_MOST), (("--optimize", "size"), SIZE_AT_MOST)])
def test_the_binary_is_smaller_than_cargo_s(
    plain: int, flags: tuple[str, ...], most: float, tmp_path: Path
) -> None:
    ferrule("build", str(SHOP), "--locked", *flags, "-o", f"binary:{tmp_path / 'shop'}")
    size = (tmp_path / "shop").stat().st_size
    print(f"{' '.join(flags) or 'default'}: {size} bytes, {size / plain:.3f} x plain ({plain})")
    assert size <= most * plain
