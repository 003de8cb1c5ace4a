"""Podman for tests: a folder goes in, an environment whose storage is in that folder comes out."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.parts.debian import run
from tests.parts.docker import unmount_below
from tests.parts.need import need

# No init system keeps cgroups or a journal here, and crun needs a controller that not every machine has.
CONTAINERS = """\
[containers]
default_ulimits = []
log_driver = "k8s-file"
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
lock_type = "file"
runtime = "runc"
tmp_dir = "{short}/tmp"
volume_path = "{folder}/volumes"
[network]
network_config_dir = "{folder}/networks"
"""
STORAGE = """\
[storage]
driver = "overlay"
graphroot = "{folder}/graph"
runroot = "{short}/run"
"""
REGISTRIES = """\
[[registry]]
prefix = "127.0.0.1"
location = "127.0.0.1"
insecure = true
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class PodmanEngine:
    """Podman with everything it keeps in one folder; `env` makes any call of podman use that."""

    env: dict[str, str] = field(default_factory=dict)

    def podman(self, *argv: str) -> str:
        """Run podman; returns its stdout."""
        return run("podman", *argv, env=self.env)


@contextmanager
def podman_engine(folder: Path) -> Iterator[PodmanEngine]:
    """An environment for Podman; at the end its containers are removed and its mounts are gone."""
    need(os.geteuid() == 0, "the right to run Podman with overlay storage (root)")
    need(shutil.which("podman"), "podman")
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    # With long paths Podman 4.3 waits twenty seconds for the end of every container.
    short = Path(tempfile.mkdtemp(prefix="ferrule-"))
    texts = {
        "CONTAINERS_CONF": CONTAINERS,
        "CONTAINERS_STORAGE_CONF": STORAGE,
        "CONTAINERS_REGISTRIES_CONF": REGISTRIES,
    }
    for name, text in texts.items():
        (folder / name.lower()).write_text(
            text.replace("{folder}", str(folder)).replace("{short}", str(short))
        )
    engine = PodmanEngine(env={name: str(folder / name.lower()) for name in texts})
    try:
        yield engine
    finally:
        engine.podman("rm", "--all", "--force")
        for place in (short, folder):
            unmount_below(place)
        shutil.rmtree(short)
