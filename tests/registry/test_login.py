"""Logins open registries, and go nowhere else: against a registry in memory and Debian's docker-registry."""

import base64
import json
import os
from pathlib import Path
from typing import Any

import httpx2
import pytest

from ferrule.errors import RegistryError
from ferrule.process import SystemRunner
from ferrule.registry.credentials import Credentials
from ferrule.registry.login import Login
from tests.fakes.registry import PASSWORD, USER, FakeRegistry
from tests.parts.blob_host import blob_host
from tests.parts.registry import htpasswd_registry
from tests.registry.conftest import fake_world
from tests.registry.world import KEEPER, Table, World, small_image

AUTH = {"auth": base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()}
HELPER = f"""#!/bin/sh
read -r server
[ "$1" = get ] && [ "$server" = "$EXPECTED" ] || exit 1
echo '{json.dumps({"Username": USER, "Secret": PASSWORD})}'
"""


def test_user_and_password_open_a_registry(basic_world: World, tmp_path: Path) -> None:
    image = small_image(tmp_path / "image")
    basic_world.visit().push(image, "acme/shop")
    pulled = basic_world.visit().pull("acme/shop", tmp_path / "store")
    assert pulled.blobs.path(pulled.layers[0]).is_file()


def test_nothing_is_said_before_the_registry_asks(basic_world: World, tmp_path: Path) -> None:
    visit = basic_world.visit()
    visit.push(small_image(tmp_path / "image", b"one"), "acme/shop")
    assert "authorization" not in visit.transport.requests[0].headers
    assert "authorization" in visit.transport.requests[-1].headers


def test_tokens_open_a_registry(bearer_world: World, tmp_path: Path) -> None:
    image = small_image(tmp_path / "image")
    bearer_world.visit().push(image, "acme/shop")
    pulled = bearer_world.visit().pull("acme/shop", tmp_path / "store")
    assert pulled.blobs.path(pulled.layers[0]).is_file()


def test_the_password_goes_to_the_token_realm_alone(bearer_world: World, tmp_path: Path) -> None:
    visit = bearer_world.visit()
    visit.push(small_image(tmp_path / "image"), "acme/shop")
    schemes = {
        (request.url.path == "/token", request.headers.get("authorization", "-").partition(" ")[0])
        for request in visit.transport.requests
    }
    assert schemes - {(False, "-")} == {(True, "Basic"), (False, "Bearer")}


def test_one_token_serves_a_whole_push(bearer_world: World, tmp_path: Path) -> None:
    visit = bearer_world.visit()
    visit.push(small_image(tmp_path / "image", b"1", b"2", b"3", b"4"), "acme/shop")
    assert len(token_requests(visit.transport.requests)) == 1


def test_a_token_that_ends_is_replaced(bearer_world: World, tmp_path: Path) -> None:
    bearer_world.shorten()
    visit = bearer_world.visit()
    visit.push(small_image(tmp_path / "image"), "acme/shop")
    before = len(token_requests(visit.transport.requests))
    bearer_world.expire()
    visit.push(small_image(tmp_path / "other", b"three"), "acme/shop")
    assert len(token_requests(visit.transport.requests)) == before + 1


def test_an_identity_token_is_changed_for_a_token(bearer_world: World, tmp_path: Path) -> None:
    login = Login(identity_token=bearer_world.identity_token)
    visit = bearer_world.visit(Table(login=login))
    visit.push(small_image(tmp_path / "image"), "acme/shop")
    (asked,) = token_requests(visit.transport.requests)
    assert (asked.method, "authorization" in asked.headers) == ("POST", False)


def test_a_mount_asks_for_both_repositories_in_one_token(bearer_world: World, tmp_path: Path) -> None:
    bearer_world.visit().push(small_image(tmp_path / "base"), "library/base")
    visit = bearer_world.visit()
    base = visit.pull("library/base", tmp_path / "store")
    visit.push(base, "acme/shop")
    scopes = [request.url.params.get_list("scope") for request in token_requests(visit.transport.requests)]
    assert ["repository:acme/shop:pull,push", "repository:library/base:pull"] in scopes
    assert not any(base.layers[0].digest in path for path in visit.paths("GET"))
    assert len(visit.paths("PATCH")) == 1  # the configuration


def test_wrong_credentials_are_one_line_and_a_hint(
    basic_world: World, bearer_world: World, tmp_path: Path
) -> None:
    image = small_image(tmp_path / "image")
    for world in (basic_world, bearer_world):
        with pytest.raises(RegistryError) as caught:
            world.visit(Table(login=Login(user=USER, password="wrong"))).push(image, "acme/shop")
        assert caught.value.message == f"{world.host} refuses the credentials for acme/shop"
        assert f"docker login {world.host}" in caught.value.hint
        assert "wrong" not in caught.value.message + caught.value.hint


def test_where_there_is_no_login_none_is_said_to_be_refused(
    basic_world: World, bearer_world: World, tmp_path: Path
) -> None:
    image = small_image(tmp_path / "image")
    for world in (basic_world, bearer_world):
        with pytest.raises(RegistryError) as caught:
            world.visit(Table()).push(image, "acme/shop")
        host = world.host
        assert caught.value.message == f"{host} wants a login for acme/shop, and there is none"
        assert caught.value.hint.endswith(f": `docker login {host}` or `podman login {host}`")


@pytest.mark.parametrize(
    ("login", "says"), [(KEEPER, "refuses the credentials for"), (None, "wants a login for")]
)
@pytest.mark.parametrize("status", [401, 403])
def test_a_registry_that_asks_for_nothing_and_refuses_is_told_apart_too(
    fake: FakeRegistry, tmp_path: Path, status: int, login: Login | None, says: str
) -> None:
    fake.answers.append(("GET .*/manifests/", httpx2.Response(status)))
    with pytest.raises(RegistryError, match=f"{says} acme/shop"):
        fake_world(fake).visit(Table(login=login)).pull("acme/shop", tmp_path / "store")


def test_a_mirror_that_wants_a_login_is_named_with_the_image_that_was_typed(tmp_path: Path) -> None:
    world = fake_world(FakeRegistry(auth="basic"))
    visit = world.visit(Table(), mirrors={"gcr.io": world.host})
    with pytest.raises(RegistryError) as caught:
        visit.pull_name("gcr.io/acme/base", tmp_path / "store")
    assert caught.value.message == f"{world.host} wants a login for gcr.io/acme/base, and there is none"
    assert f"podman login {world.host}" in caught.value.hint


def write(path: Path, content: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))


@pytest.mark.parametrize(
    ("variable", "file", "content"),
    [
        (None, "home/.docker/config.json", {"auths": {"HOST": AUTH}}),
        (None, "home/.docker/config.json", {"auths": {"https://HOST/v2/": AUTH}}),
        (None, "home/.docker/config.json", {"auths": {"HOST": {}}, "credHelpers": {"HOST": "tests"}}),
        (None, "home/.docker/config.json", {"auths": {"HOST": {}}, "credsStore": "tests"}),
        ("DOCKER_CONFIG", "elsewhere/config.json", {"auths": {"HOST": AUTH}}),
        ("REGISTRY_AUTH_FILE", "auth.json", {"auths": {"HOST/acme/shop": AUTH, "HOST": {"auth": "eDp5"}}}),
        ("XDG_RUNTIME_DIR", "run/containers/auth.json", {"auths": {"HOST/acme": AUTH}}),
        (None, "home/.config/containers/auth.json", {"auths": {"HOST": AUTH}}),
    ],
)
def test_each_place_that_keeps_a_login_is_read(
    basic_world: World,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    variable: str | None,
    file: str,
    content: dict[str, Any],
) -> None:
    helper = tmp_path / "bin" / "docker-credential-tests"
    helper.parent.mkdir()
    helper.write_text(HELPER)
    helper.chmod(0o755)
    monkeypatch.setenv("PATH", f"{helper.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("EXPECTED", basic_world.host)
    if variable is not None:
        monkeypatch.setenv(variable, str(tmp_path / file.partition("/")[0]))
    write(tmp_path / file, json.loads(json.dumps(content).replace("HOST", basic_world.host)))
    visit = basic_world.visit(Credentials(runner=SystemRunner()))
    published = visit.push(small_image(tmp_path / "image"), "acme/shop")
    assert str(published).startswith(f"{basic_world.host}/acme/shop@sha256:")


def test_a_redirect_does_not_carry_the_login_on(tmp_path: Path) -> None:
    registry = FakeRegistry(auth="basic", blob_host="blobs.example.com")
    world = fake_world(registry)
    world.visit().push(small_image(tmp_path / "image"), "acme/shop")
    pulled = world.visit().pull("acme/shop", tmp_path / "store")
    pulled.blobs.path(pulled.layers[0])
    foreign = [request for request in registry.requests if request.url.host == "blobs.example.com"]
    assert foreign
    assert not any("authorization" in request.headers for request in foreign)


@pytest.mark.parametrize("status", [401, 403])
def test_where_a_redirect_leads_the_login_is_not_what_is_refused(tmp_path: Path, status: int) -> None:
    registry = FakeRegistry(auth="basic", blob_host="blobs.example.com")
    fake_world(registry).visit().push(small_image(tmp_path / "image"), "acme/shop")
    pulled = fake_world(registry).visit().pull("acme/shop", tmp_path / "store")
    registry.answers.append((r"^GET /acme/shop/sha256:", httpx2.Response(status)))
    with pytest.raises(RegistryError) as caught:
        pulled.blobs.path(pulled.layers[0])
    said = f"blobs.example.com, where {registry.host} sends us for the layer {pulled.layers[0].digest}"
    assert caught.value.message == f"{said} of acme/shop, answers {status}"


@pytest.mark.real
def test_a_redirect_of_a_real_registry_does_not_carry_the_login_on(tmp_path: Path) -> None:
    data = tmp_path / "registry" / "data"
    with (
        blob_host(data) as host,
        htpasswd_registry(tmp_path / "registry", blobs=host.url) as registry,
    ):
        world = World(host=registry.host)
        world.visit().push(small_image(tmp_path / "image"), "acme/shop")
        visit = world.visit()
        pulled = visit.pull("acme/shop", tmp_path / "store")
        assert pulled.blobs.path(pulled.layers[0]).is_file()
        visit.client.close()
    assert set(host.authorizations) == {None}


def test_a_user_without_a_login_gets_public_images(tmp_path: Path) -> None:
    registry = FakeRegistry()
    fake_world(registry).visit().push(small_image(tmp_path / "image"), "acme/shop")
    registry.auth, registry.anonymous = "bearer", True
    pulled = fake_world(registry).visit(Table()).pull("acme/shop", tmp_path / "store")
    assert pulled.blobs.path(pulled.layers[0]).is_file()


@pytest.mark.parametrize(
    "realm",
    [
        "http://tokens.example.com/token",
        "ftp://127.0.0.1/token",
        "https://user@tokens.example.com/token",
        "https://[/token",
        "//tokens.example.com/token",
        "https://tokens.example.com:99999999/token",
        "",
    ],
)
def test_the_login_goes_to_no_realm_that_is_not_safe(tmp_path: Path, realm: str) -> None:
    registry = FakeRegistry(auth="bearer", challenge=f'Bearer realm="{realm}"')
    with pytest.raises(RegistryError, match="not safe"):
        fake_world(registry).visit().pull("acme/shop", tmp_path / "store")
    assert {request.url.netloc.decode() for request in registry.requests} == {registry.host}


def test_a_registry_elsewhere_cannot_name_a_realm_on_this_machine(tmp_path: Path) -> None:
    registry = FakeRegistry(host="registry.example.com", auth="bearer")
    with pytest.raises(RegistryError, match="not safe"):
        fake_world(registry).visit().pull("acme/shop", tmp_path / "store")
    assert len(registry.requests) == 1


def test_a_realm_that_redirects_gets_no_second_request(tmp_path: Path) -> None:
    registry = FakeRegistry(auth="bearer")
    moved = httpx2.Response(307, headers={"location": "https://thief.example.com/token"})
    registry.answers.append(("GET /token", moved))
    with pytest.raises(RegistryError, match=r"the token server of .* answers 307"):
        fake_world(registry).visit(Table(login=KEEPER)).pull("acme/shop", tmp_path / "store")


def token_requests(requests: list[httpx2.Request]) -> list[httpx2.Request]:
    return [request for request in requests if request.url.path == "/token"]
