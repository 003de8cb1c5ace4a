"""A Quadlet: what Podman's generator makes a unit of systemd from, for the image of a service."""

import json
import re

from ferrule.generate.check import check_words
from ferrule.generate.docker import shell_word
from ferrule.generate.given import variables_of, volumes_of
from ferrule.generate.service import Service
from ferrule.generate.template import Written, render
from ferrule.generate.unit import unit_line
from ferrule.health import Health


def quadlet(service: Service, *, env_file: str) -> str:
    """The text of a `.container` file. `env_file` is where the service's variables are."""
    health, check = service.health or Health(), check_words(service)
    return render(
        "quadlet.container",
        service=service,
        program=Written(unit_line(service.name)),
        migrate=" ".join(map(shell_word, service.migrate or ())),
        title=Written(unit_line(f"{service.description or service.name} ({service.version})")),
        image=_value(_whole(service.reference)),
        lowest_port=service.lowest_port,
        ports=[Written(f"{port.number}:{port}") for port in service.ports],
        env_file=_value(env_file) if variables_of(service) else None,
        volumes=[_volume(f"{service.label}-{each.name}:{each.path}") for each in volumes_of(service)],
        capabilities=[Written(f"CAP_{name}") for name in service.capabilities],
        signal=Written(service.stop_signal),
        check=_health_command(check) if check else None,
        times={name: _seconds(getattr(health, name)) for name in ("interval", "timeout", "start_period")},
    )


def _volume(text: str) -> Written:
    """As a value where it can be one: no quotes are read there, and blanks at its ends are lost."""
    if text.isprintable() and text == text.strip() and not text.endswith("\\"):
        return Written(f"Volume={_value(text)}")
    return Written(f'PodmanArgs=--volume "{"".join(map(_escaped, _value(text)))}"')


def _escaped(letter: str) -> str:
    """Podman's generator reads bytes of UTF-8 as letters: letters they are, by their numbers."""
    plain = letter.isascii() and (letter.isalnum() or letter in "/._-:$%")
    return letter if plain else f"\\U{ord(letter):08x}"


def _health_command(words: tuple[str, ...]) -> Written:
    """A list of one word would become a line for a shell."""
    return _value(json.dumps(words) if len(words) > 1 else f"CMD {words[0]}")


def _value(text: str) -> Written:
    """A whole value becomes one word of Podman's command line, in which `%` and `$` mean something."""
    return Written(text.replace("%", "%%").replace("$", "$$"))


def _whole(image: str) -> str:
    """With its registry: Podman asks people about names without one."""
    host, slash, _ = image.partition("/")
    if slash and (re.search(r"[.:]", host) or host == "localhost"):
        return image
    return f"docker.io/{image}" if slash else f"docker.io/library/{image}"


def _seconds(seconds: float) -> Written:
    return Written(f"{seconds:g}s")
