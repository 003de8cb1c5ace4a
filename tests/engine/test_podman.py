from pathlib import Path

import pytest

from ferrule.engine.podman import Podman
from ferrule.errors import EngineError
from ferrule.image.archive import write_archive
from ferrule.oci.reference import parse_reference
from tests.fakes.images import entry, image_of, tar_of
from tests.parts.podman import podman_engine


@pytest.mark.real
def test_podman_takes_an_archive_and_runs_what_is_in_it(
    tmp_path: Path, program: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    layer = tar_of([entry("program", program, mode=0o755)])
    image = image_of(tmp_path / "image", [layer], Entrypoint=["/program"], Cmd=["both"])
    archive = tmp_path / "archive.tar"
    write_archive(image, (parse_reference("localhost/bench:1"),), archive)
    with podman_engine(tmp_path / "podman") as engine:
        for name, value in engine.env.items():
            monkeypatch.setenv(name, value)
        assert Podman().load(archive) == ("localhost/bench:1",)
        assert engine.podman("run", "--rm", "--network", "host", "localhost/bench:1") == "to stdout\n"
        with pytest.raises(EngineError, match="podman does not take the image"):
            Podman().load(tmp_path / "image" / "index.json")


def test_podman_that_is_not_installed_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EngineError, match="podman is not installed"):
        Podman().load(tmp_path / "archive.tar")
