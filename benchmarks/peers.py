"""ferrule, crane and podman as their users call them: a program goes in, milliseconds come out."""

import json
import shutil
import subprocess  # noqa: TID251 - whole processes are measured
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.journey.ferrule import tool
from tests.parts.debian import debian_tool

FERRULE = Path(sys.executable).with_name("ferrule")
DOCKERFILE = "FROM scratch\nCOPY app/shop /app/shop\n"


@dataclass(frozen=True, kw_only=True, slots=True)
class Peers:
    """Three tools in one environment. ferrule and crane have a registry (HOST:PORT) each."""

    folder: Path
    env: Mapping[str, str]
    ferrule_registry: str
    crane_registry: str

    @property
    def context(self) -> Path:
        """What podman builds, and what crane's tar holds."""
        return self.folder / "context"

    def offer(self, program: Path) -> None:
        """Put a program where crane and podman take it."""
        place = self.context / "app" / "shop"
        place.parent.mkdir(parents=True, exist_ok=True)
        (self.context / "Dockerfile").write_text(DOCKERFILE)
        shutil.copyfile(program, place)
        place.chmod(0o755)
        tool("tar", "-cf", self.folder / "layer.tar", "-C", self.context, "app")

    def ferrule(self, *arguments: str | Path) -> float:
        """The installed script, with whatever is asked of it."""
        return timed((FERRULE, *arguments), self.env)

    def built(self, *arguments: str | Path) -> dict[str, Any]:
        """What ferrule says of an image by `--json`; not timed."""
        answer: dict[str, Any] = json.loads(tool(FERRULE, *arguments, "--json", env=self.env))
        return answer

    def append(self) -> float:
        """`crane append` of the tar to an empty image, pushed."""
        crane, layer = debian_tool("crane"), self.folder / "layer.tar"
        return timed((crane, "append", "--insecure", "-f", layer, "-t", self.crane_image), self.env)

    def append_and_mutate(self) -> float:
        """The same, and then a command and a user for the image, pushed again."""
        changes = ("--entrypoint", "/app/shop", "--user", "65532:65532", "-t", self.crane_image)
        mutate = (debian_tool("crane"), "mutate", "--insecure", self.crane_image, *changes)
        return self.append() + timed(mutate, self.env)

    def podman(self) -> float:
        """`podman build` of a Dockerfile of two lines, into podman's own storage."""
        return timed(("podman", "build", "-q", "-t", "shop", self.context), self.env)

    @property
    def crane_image(self) -> str:
        """Where crane pushes to."""
        return f"{self.crane_registry}/crane:latest"

    def layer_sizes(self) -> dict[str, int]:
        """Bytes of the last layer in the registry: crane's, and podman's after a push. Not timed."""
        target = f"{self.crane_registry}/podman:latest"
        tool("podman", "push", "-q", "--tls-verify=false", "shop", target, env=self.env)
        return {name: _last_layer(image) for name, image in (("crane", self.crane_image), ("podman", target))}


def timed(argv: tuple[str | Path, ...], env: Mapping[str, str], cwd: Path | None = None) -> float:
    """Milliseconds from start to end; a program that fails ends the benchmark."""
    started = time.perf_counter()
    done = subprocess.run(argv, cwd=cwd, env=env, capture_output=True, text=True)
    taken = (time.perf_counter() - started) * 1000
    if done.returncode:
        raise SystemExit(f"{argv[0]} fails:\n{done.stderr}")
    return taken


def _last_layer(image: str) -> int:
    manifest = json.loads(tool(debian_tool("crane"), "manifest", "--insecure", image))
    size: int = manifest["layers"][-1]["size"]
    return size
