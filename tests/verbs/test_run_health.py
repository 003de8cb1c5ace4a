"""What `run --wait` asks follows from the labels of an image, which may be anybody's."""

import pytest

from ferrule.engine.health import HealthAnswer, Question
from ferrule.errors import UsageError
from ferrule.values import PublishedPort
from ferrule.verbs.run_health import health_of

PORT = {"ferrule.health.port": "80"}


@pytest.mark.parametrize(
    ("labels", "question"),
    [
        ({"ferrule.health.path": "/h"}, Question(port=80, path="/h")),
        (
            {
                "ferrule.health.path": "/h",
                "ferrule.health.expect": "204",
                "ferrule.health.header": "Host: a",
            },
            Question(port=80, path="/h", expect=204, header="Host: a"),
        ),
        ({}, Question(port=80)),
    ],
)
def test_labels_become_a_question(labels: dict[str, str], question: Question) -> None:
    assert health_of({**PORT, **labels}, ()).question == question


def test_the_port_is_the_published_one() -> None:
    published = (PublishedPort(host=8080, container=80), PublishedPort(host=1, container=2))
    health = health_of({**PORT, "ferrule.health.path": "/h"}, published)
    assert str(health) == "http://127.0.0.1:8080/h"
    well = health.well(HealthAnswer(healthy=True, seconds=0.5, status=200))
    assert well == "healthy after 0.50 s: http://127.0.0.1:8080/h answers 200"
    well = health_of(PORT, ()).well(HealthAnswer(healthy=True, seconds=1))
    assert well == "healthy after 1.00 s: tcp://127.0.0.1:80 takes connections"


@pytest.mark.parametrize(
    ("labels", "cause"),
    [
        ({}, "--wait needs a health path"),
        ({"ferrule.health.port": "٣"}, "--wait needs a health path"),
        ({"ferrule.health.port": "0"}, "the image's labels about its health: '0' is not a port"),
        ({**PORT, "ferrule.health.path": "h"}, "the image's labels about its health: 'h' is not a path"),
        (
            {**PORT, "ferrule.health.path": "/", "ferrule.health.header": "a: b\r\nc: d"},
            "the image's labels about its health: 'a: b\\r\\nc: d' is not a header",
        ),
        (
            {**PORT, "ferrule.health.path": "/", "ferrule.health.expect": "many"},
            "the image's labels about its health: expect = 'many' is not a status",
        ),
    ],
)
def test_odd_labels_are_refused(labels: dict[str, str], cause: str) -> None:
    with pytest.raises(UsageError) as caught:
        health_of(labels, ())
    assert caught.value.message.startswith(cause)
    assert caught.value.hint
