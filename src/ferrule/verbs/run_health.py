"""Where a program says that it is well: an image's labels and its ports go in, a question comes out."""

from collections.abc import Mapping

import msgspec

from ferrule.engine.health import HealthAnswer, Question
from ferrule.errors import InvalidValueError, UsageError
from ferrule.health import parse_health
from ferrule.values import PublishedPort
from ferrule.verbs.run_config import HEALTH_EXPECT, HEALTH_HEADER, HEALTH_PATH, HEALTH_PORT


class HealthUrl(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked. `published` is the port that has to be open here for it."""

    question: Question
    published: PublishedPort

    def __str__(self) -> str:
        return str(self.question)

    def well(self, answer: HealthAnswer) -> str:
        """The line for a program that is."""
        says = f"answers {answer.status}" if answer.status else "takes connections"
        return f"healthy after {answer.seconds:.2f} s: {self} {says}"


def health_of(labels: Mapping[str, str], ports: tuple[PublishedPort, ...]) -> HealthUrl:
    """What the labels that ferrule writes say. Raises `UsageError` when there are none, or odd ones."""
    port = labels.get(HEALTH_PORT, "")
    if not (port.isascii() and port.isdigit()):
        raise UsageError("--wait needs a health path", hint='set health = { path = "/health" } and a port')
    path, expect = labels.get(HEALTH_PATH), labels.get(HEALTH_EXPECT)
    said = {"port": port, "expect": _number(expect), "header": labels.get(HEALTH_HEADER)}
    try:
        health = parse_health({"path": path, **said} if path else {"tcp": port})
    except InvalidValueError as error:
        raise UsageError(f"the image's labels about its health: {error.message}", hint=error.hint) from error
    inside = int(port)
    published = next((each for each in ports if (each.container, each.protocol) == (inside, "tcp")), None)
    published = published or PublishedPort(host=inside, container=inside)
    return HealthUrl(
        question=Question(port=published.host, path=health.path, expect=health.expect, header=health.header),
        published=published,
    )


def _number(text: str | None) -> int | str | None:
    return int(text) if text and text.isascii() and text.isdigit() else text
