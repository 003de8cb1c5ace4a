"""Published ports, in the words of each engine."""

from ferrule.engine.docker_container import container_of
from ferrule.engine.engine import RunRequest
from ferrule.engine.podman_container import create_words
from ferrule.values import parse_published_port

PORTS = tuple(map(parse_published_port, ("8080:80", "8081:80", "5353:53/udp")))
REQUEST = RunRequest(name="shop", ports=PORTS)


def test_docker_hears_of_every_port_with_its_protocol() -> None:
    body = container_of(REQUEST, "bridge")
    assert body["ExposedPorts"] == {"80/tcp": {}, "53/udp": {}}
    host = body["HostConfig"]
    assert isinstance(host, dict)
    assert host["PortBindings"] == {
        "80/tcp": [{"HostPort": "8080"}, {"HostPort": "8081"}],
        "53/udp": [{"HostPort": "5353"}],
    }


def test_podman_hears_of_every_port_with_its_protocol() -> None:
    words = create_words("c", REQUEST, "", (), ())
    published = [word for at, word in enumerate(words) if words[at - 1] == "--publish"]
    assert published == ["8080:80/tcp", "8081:80/tcp", "5353:53/udp"]
