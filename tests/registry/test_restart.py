"""Uploads that break are begun anew, as a whole and not for ever; Ctrl-C ends them at once."""

import signal
import socket
import sys
import textwrap
import threading
import time
from pathlib import Path

import httpx2
import pytest

from ferrule.errors import RegistryError
from ferrule.process import Command, SystemRunner
from ferrule.registry.client import READ_SECONDS
from ferrule.registry.parallel import raise_if_stopped, side_by_side
from ferrule.registry.pull import prefetch
from tests.fakes.registry import FakeRegistry
from tests.registry.conftest import fake_world
from tests.registry.world import World, small_image

ROOT = Path(__file__).parents[2]
BREAKS: dict[str, httpx2.Response | Exception] = {
    "POST": httpx2.Response(503),
    "PATCH": httpx2.ReadError("cut"),
    "PUT .*/blobs/": httpx2.Response(404),
    "PUT .*/manifests/": httpx2.Response(500),
}


@pytest.mark.parametrize("pattern", BREAKS)
def test_an_upload_that_breaks_is_begun_anew(fake: FakeRegistry, tmp_path: Path, pattern: str) -> None:
    fake.answers += [(pattern, BREAKS[pattern]) for _ in range(2)]
    image = small_image(tmp_path / "image", b"one")
    fake_world(fake).visit().push(image, "acme/shop")
    assert not fake.answers
    assert fake.blobs["acme/shop", image.layers[0].digest] == image.blobs.path(image.layers[0]).read_bytes()
    assert ("acme/shop", "latest") in fake.manifests


@pytest.mark.parametrize("pattern", BREAKS)
def test_an_upload_that_breaks_every_time_is_given_up(
    fake: FakeRegistry, tmp_path: Path, pattern: str
) -> None:
    fake.answers += [(pattern, BREAKS[pattern]) for _ in range(20)]
    visit = fake_world(fake).visit()
    with pytest.raises(RegistryError):
        visit.push(small_image(tmp_path / "image", b"one"), "acme/shop")
    assert not fake.manifests
    assert len(fake.answers) >= 20 - 2 * 3  # three times for each of two blobs


def test_layers_are_fetched_side_by_side_before_they_are_read(world: World, tmp_path: Path) -> None:
    image = small_image(tmp_path / "image", *(b"%d" % number for number in range(9)))
    world.visit().push(image, "acme/shop")
    visit = world.visit()
    pulled = visit.pull("acme/shop", tmp_path / "store")
    prefetch(pulled)
    fetched = len(visit.paths("GET"))
    assert all(pulled.blobs.path(layer).is_file() for layer in pulled.layers)
    assert len(visit.paths("GET")) == fetched


def test_results_come_in_the_order_of_the_items() -> None:
    def slowly(number: int) -> int:
        time.sleep(0.01 * (5 - number))
        return number * number

    assert side_by_side(slowly, range(6)) == (0, 1, 4, 9, 16, 25)
    assert side_by_side(slowly, ()) == ()


def test_the_first_failure_ends_the_others_and_is_the_one_that_is_told() -> None:
    ended = []
    together = threading.Barrier(4)

    def work(number: int) -> None:
        together.wait(60)
        if number == 0:
            raise RegistryError("the cause")
        try:
            for _ in range(500):
                time.sleep(0.01)
                raise_if_stopped()
        finally:
            ended.append(number)

    with pytest.raises(RegistryError, match="the cause"):
        side_by_side(work, range(9))
    assert len(ended) == 3


def test_ctrl_c_ends_a_push_though_the_registry_hangs(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(120)
        script = f"""
            from pathlib import Path
            from ferrule.registry.client import Access, Client
            from tests.registry.world import Table, Visit, World, small_image
            client = Client(access=Access(), credentials=Table())
            world = World(host="127.0.0.1:{server.getsockname()[1]}")
            image = small_image(Path("{tmp_path}/image"))
            Visit(world=world, client=client, transport=None).push(image, "a/b")
        """
        command = Command(argv=(sys.executable, "-c", textwrap.dedent(script)), cwd=ROOT)
        with (tmp_path / "said").open("wb") as said:
            push = SystemRunner().attached(command, stdout=said, stderr=said)
        connection, _ = server.accept()
        with connection:
            push.signal(signal.SIGINT)
            pressed = time.monotonic()
            assert push.wait() == -signal.SIGINT
    assert time.monotonic() - pressed < READ_SECONDS / 2
    assert (tmp_path / "said").read_text().endswith("KeyboardInterrupt\n")
