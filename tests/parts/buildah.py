"""buildah for tests: a Dockerfile and its context go in, an unpacked image comes out."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.parts.debian import run
from tests.parts.need import need


@dataclass(frozen=True, kw_only=True, slots=True)
class Buildah:
    """A store of its own. `volumes` are folders of this machine that every RUN sees, as SOURCE:TARGET."""

    folder: Path
    driver: str = "vfs"
    volumes: tuple[str, ...] = ()

    def call(self, *argv: str, cwd: Path | None = None) -> str:
        """buildah's stdout; a failure is a `FerruleError` with its words."""
        need(shutil.which("buildah"), "buildah")
        store = ("--root", str(self.folder / "root"), "--runroot", str(self.folder / "run"))
        return run("buildah", *store, "--storage-driver", self.driver, *argv, cwd=cwd)

    def take_root(self, tar: Path, name: str, **env: str) -> None:
        """An image of one layer, under the name."""
        container = self.call("from", "scratch").strip()
        self.call("add", "--quiet", container, str(tar), "/")
        variables = [part for pair in env.items() for part in ("--env", "=".join(pair))]
        self.call("config", *variables, container)
        self.call("commit", "--quiet", container, name)
        self.call("rm", container)

    def take_layout(self, layout: Path, name: str) -> None:
        """The image of an OCI layout (tag `latest`), under the name."""
        place = f"[{self.driver}@{self.folder / 'root'}+{self.folder / 'run'}]"
        run(
            "skopeo",
            "copy",
            "--quiet",
            "--insecure-policy",
            f"oci:{layout}:latest",
            f"containers-storage:{place}{name}",
        )

    def build(self, context: Path, *flags: str) -> Path:
        """Build, and return an OCI layout (tag `latest`)."""
        shared = [part for volume in self.volumes for part in ("--volume", volume)]
        options = ("--pull-never", "--isolation", "chroot", "--network", "host", "--format", "docker")
        self.call("bud", "--quiet", "--layers", *options, *shared, *flags, "--tag", "built", ".", cwd=context)
        layout = self.folder / "layout"
        shutil.rmtree(layout, ignore_errors=True)
        self.call("push", "--quiet", "localhost/built", f"oci:{layout}:latest")
        return layout


def unpacked(layout: Path, folder: Path, tag: str = "latest") -> Path:
    """The files of a layout's image, by umoci."""
    need(shutil.which("umoci"), "umoci")
    run("umoci", "unpack", "--image", f"{layout}:{tag}", str(folder))
    return folder / "rootfs"


def config_of(layout: Path, tag: str = "latest") -> dict[str, Any]:
    """What the image says of how it is run, by skopeo."""
    found: dict[str, Any] = json.loads(run("skopeo", "inspect", "--config", f"oci:{layout}:{tag}"))
    config: dict[str, Any] = found["config"]
    return config
