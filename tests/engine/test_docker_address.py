import hashlib
import json
from pathlib import Path

import pytest

from ferrule.engine.docker_address import find_address, parse_address
from ferrule.errors import EngineError


def test_without_a_word_it_is_the_socket_of_the_machine(tmp_path: Path) -> None:
    assert find_address({}, tmp_path).socket == Path("/var/run/docker.sock")


def test_docker_host_goes_before_everything(tmp_path: Path) -> None:
    _choose_context(tmp_path, "far", "ssh://far")
    assert find_address({"DOCKER_HOST": "unix:///tmp/d.sock"}, tmp_path).socket == Path("/tmp/d.sock")


def test_the_chosen_context_says_where(tmp_path: Path) -> None:
    _choose_context(tmp_path, "rootless", "unix:///run/user/1000/docker.sock")
    assert find_address({}, tmp_path).socket == Path("/run/user/1000/docker.sock")
    assert find_address({"DOCKER_CONTEXT": "default"}, tmp_path).socket == Path("/var/run/docker.sock")


def test_docker_config_names_another_folder(tmp_path: Path) -> None:
    _choose_context(tmp_path, "mine", "unix:///mine.sock")
    env = {"DOCKER_CONFIG": str(tmp_path / ".docker")}
    assert find_address(env, tmp_path / "elsewhere").socket == Path("/mine.sock")


@pytest.mark.parametrize(
    "document", ["", "[]", "{", '{"Endpoints": 3}', '{"Endpoints": {"docker": {"Host": 1}}}']
)
def test_a_context_without_an_address_is_refused(tmp_path: Path, document: str) -> None:
    _choose_context(tmp_path, "broken", "unix:///x").write_text(document)
    with pytest.raises(EngineError, match="context 'broken'"):
        find_address({}, tmp_path)


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("tcp://127.0.0.1:2375", "http://127.0.0.1:2375"),
        ("tcp://localhost:1", "http://localhost:1"),
        ("tcp://[::1]:2375", "http://[::1]:2375"),
    ],
)
def test_a_port_of_this_machine_is_taken(text: str, url: str) -> None:
    assert (parse_address(text).url, parse_address(text).socket) == (url, None)


@pytest.mark.parametrize(
    "text",
    [
        "tcp://10.0.0.1:2375",
        "tcp://docker.example:2375",
        "tcp://127.0.0.1",
        "tcp://127.0.0.1:99999",
        "ssh://me@far",
        "unix://relative",
        "npipe:////./pipe/docker",
        "nonsense",
        "http://[::1",
    ],
)
def test_other_addresses_are_refused_with_what_would_do(text: str) -> None:
    with pytest.raises(EngineError, match="address"):
        parse_address(text)


def _choose_context(home: Path, name: str, host: str) -> Path:
    meta = home / ".docker" / "contexts" / "meta" / hashlib.sha256(name.encode()).hexdigest() / "meta.json"
    meta.parent.mkdir(parents=True)
    meta.write_text(json.dumps({"Name": name, "Endpoints": {"docker": {"Host": host}}}))
    (home / ".docker" / "config.json").write_text(json.dumps({"currentContext": name}))
    return meta
