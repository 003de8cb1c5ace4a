"""Takes an image out of Docker: its name goes in, an archive comes out, as `docker save` writes it."""

import os
from pathlib import Path
from urllib.parse import quote

from ferrule.engine.docker_address import find_address
from ferrule.engine.docker_http import DockerHttp, DockerRefusalError
from ferrule.errors import EngineError, OutputError
from ferrule.folders import home_folder

CHUNK = 1 << 20


def save(name: str, file: Path) -> None:
    """Write the image's archive. Raises `EngineError` where there is no docker or no such image."""
    http = DockerHttp(find_address(os.environ, home_folder()))
    http.connect()
    try:
        with (
            http.stream("GET", f"/images/{quote(name, safe='/:@')}/get", seconds=None) as answer,
            file.open("wb") as stream,
        ):
            for chunk in answer.iter_raw(CHUNK):
                stream.write(chunk)
    except DockerRefusalError as error:
        if error.status == 404:
            raise EngineError(f"docker has no image {name}", hint="`docker image ls` lists them") from error
        raise
    except OSError as error:
        raise OutputError(f"cannot write {file}: {error.strerror}", hint="free some space") from error
