"""The same tests run against the registry in memory and against real ones."""

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
import stamina

from tests.fakes.registry import FakeRegistry
from tests.parts import registry as parts
from tests.parts.tokens import LIFE_SECONDS, TokenServer
from tests.registry.world import World

SHORT_LIFE_SECONDS = 4

real = pytest.mark.real


@pytest.fixture(autouse=True)
def no_waiting() -> Iterator[None]:
    """Retries happen, without the time between them."""
    with stamina.set_testing(True, attempts=3, cap=True):
        yield


@pytest.fixture(autouse=True)
def no_logins_of_this_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DOCKER_CONFIG", "REGISTRY_AUTH_FILE", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "runtime"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))


@pytest.fixture
def fake() -> FakeRegistry:
    return FakeRegistry()


@pytest.fixture(
    params=["fake", pytest.param("docker-registry", marks=real), pytest.param("crane", marks=real)]
)
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    """A registry that asks for no login."""
    if request.param == "fake":
        yield fake_world(FakeRegistry())
        return
    start = parts.open_registry if request.param == "docker-registry" else parts.crane_registry
    yield from _real(start(tmp_path / "registry"))


@pytest.fixture(params=["fake", pytest.param("docker-registry", marks=real)])
def basic_world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    """A registry that asks for user and password."""
    if request.param == "fake":
        yield fake_world(FakeRegistry(auth="basic"))
        return
    yield from _real(parts.htpasswd_registry(tmp_path / "registry"))


@pytest.fixture(params=["fake", pytest.param("docker-registry", marks=real)])
def bearer_world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    """A registry that asks for tokens."""
    if request.param == "fake":
        yield fake_world(FakeRegistry(auth="bearer"))
        return
    yield from _real(parts.token_registry(tmp_path / "registry"))


def outlive(tokens: TokenServer) -> None:
    """Wait until every token of a short life has ended; the next ones live long again."""
    time.sleep(tokens.life)
    tokens.life = LIFE_SECONDS


def fake_world(registry: FakeRegistry) -> World:
    return World(
        host=registry.host,
        fresh=registry.transport,
        expire=registry.expire,
        identity_token=registry.identity_token,
    )


def _real(started: AbstractContextManager[parts.RunningRegistry]) -> Iterator[World]:
    with started as registry:
        if registry.tokens is None:
            yield World(host=registry.host)
            return
        tokens = registry.tokens
        yield World(
            host=registry.host,
            shorten=lambda: setattr(tokens, "life", SHORT_LIFE_SECONDS),
            expire=lambda: outlive(tokens),
            identity_token=tokens.identity_token,
        )
