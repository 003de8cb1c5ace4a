"""Images of any processor that run here, by qemu where they have to: a root and its configuration go in.

The program has the image's own files and nothing else: its root is the image's, and so is its user. It
shares this machine's network.
"""

import json
import os
import shutil
import signal
import subprocess  # noqa: TID251 - a service that runs beside the test
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.parts.debian import run
from tests.parts.need import need

EMULATORS = {"amd64": None, "arm64": "qemu-aarch64-static"}
INSIDE = "/.qemu"
PATIENCE_SECONDS = 120


@dataclass(frozen=True, kw_only=True, slots=True)
class Unpacked:
    """An image on the disk; `config` is its run configuration as OCI has it."""

    root: Path
    processor: str
    config: Mapping[str, Any]


def unpacked(name: str, processor: str, place: Path) -> Unpacked:
    """One image of an index, by umoci. `name` is as skopeo has it, such as `oci:DIR:TAG`."""
    only = place / f"{processor}-layout"
    run("skopeo", "--override-arch", processor, "copy", "-q", name, f"oci:{only}:only")
    run("umoci", "unpack", "--image", f"{only}:only", str(place / processor))
    config = json.loads(run("skopeo", "inspect", "--config", f"oci:{only}:only"))
    assert config["architecture"] == processor
    return Unpacked(root=place / processor / "rootfs", processor=processor, config=config["config"])


@contextmanager
def serving(image: Unpacked, variables: Mapping[str, str]) -> Iterator["subprocess.Popen[str]"]:
    """The image's program with its arguments and variables; it gets SIGTERM at the end."""
    need(os.geteuid() == 0, "root, who can change the root")
    emulator = EMULATORS[image.processor]
    if emulator is not None:
        found = shutil.which(emulator)
        need(found, emulator)
        shutil.copy(found or "", f"{image.root}{INSIDE}")
    command = (*image.config["Entrypoint"], *image.config.get("Cmd", ()))
    own = dict(pair.split("=", 1) for pair in image.config.get("Env", ()))
    argv = ("chroot", f"--userspec={image.config['User']}", str(image.root), *((INSIDE,) if emulator else ()))
    service = subprocess.Popen(
        (*argv, *command),
        env={"PATH": os.environ["PATH"], **own, **variables},
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield service
        service.send_signal(signal.SIGTERM)
        service.wait(timeout=PATIENCE_SECONDS)
    finally:
        service.kill()
        service.communicate()
