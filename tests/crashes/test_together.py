"""Several runs at once share a cache and a layout, and other tools read what they leave."""

import json
import os
import subprocess  # noqa: TID251 - several whole runs at once
from pathlib import Path

import pytest

from tests.crashes.harness import FERRULE
from tests.journey.ferrule import tool
from tests.parts.compile import compiled

pytestmark = pytest.mark.real
RUNS = 5
ROUNDS = 3


@pytest.mark.parametrize("limit", ["0", "2GiB"])
def test_packs_into_one_layout_at_once_all_arrive(tmp_path: Path, limit: str) -> None:
    """With a limit of nothing each run wants to empty the cache at its end, while others still need it."""
    own = {"FERRULE_CACHE_DIR": str(tmp_path / "cache"), "FERRULE_CACHE_SIZE": limit}
    tags = [f"v{number}" for number in range(RUNS)]
    for tag in tags:
        compiled(tmp_path, f"{tag}.c", f'int main(void) {{ return "{tag}"[1] - 48; }}\n', "-static")
    for turn in range(ROUNDS):
        runs = [
            subprocess.Popen(
                (*FERRULE, "pack", tag, "-o", f"oci:out:{tag}", "--env", f"TURN={turn}"),
                cwd=tmp_path,
                env={**os.environ, **own},
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            for tag in tags
        ]
        said = [run.communicate() for run in runs]
        assert [run.returncode for run in runs] == [0] * RUNS, said
        assert [line for line, _ in said] == [f"oci:out:{tag}\n" for tag in tags]
    entries = json.loads((tmp_path / "out" / "index.json").read_bytes())["manifests"]
    assert len(entries) == RUNS
    for tag in tags:
        config = json.loads(tool("skopeo", "inspect", "--config", f"oci:{tmp_path}/out:{tag}"))["config"]
        assert config["Entrypoint"] == [f"/app/{tag}"]
        assert f"TURN={ROUNDS - 1}" in config["Env"]
    tool("umoci", "unpack", "--image", f"{tmp_path}/out:v1", tmp_path / "bundle")
    assert (tmp_path / "bundle" / "rootfs" / "app" / "v1").read_bytes() == (tmp_path / "v1").read_bytes()
    blobs = list((tmp_path / "cache" / "blobs" / "sha256").iterdir())
    assert (blobs == []) == (limit == "0")
