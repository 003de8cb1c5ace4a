"""The files and helpers that keep logins: which one is asked, and what happens when one is broken."""

import base64
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ferrule.errors import InvalidValueError, RegistryError
from ferrule.process import Command, Finished, LineHandler, ProgramMissingError
from ferrule.registry.credentials import Credentials, credential_files
from ferrule.registry.login import CredentialFile, Login, parse_file, parse_helper_answer

SECRET = "s3cr3t-of-the-tests"
HUB = "https://index.docker.io/v1/"


class Helpers:
    """Answers for `docker-credential-NAME get`, by program and server; keeps what was asked."""

    def __init__(self, answers: Mapping[tuple[str, str], Finished] | None = None) -> None:
        self._answers = answers or {}
        self.asked: list[tuple[str, str]] = []

    def run(self, command: Command) -> Finished:
        key = (command.argv[0].removeprefix("docker-credential-"), command.stdin.decode())
        self.asked.append(key)
        if key[0] == "missing":
            raise ProgramMissingError("not there")
        return self._answers.get(key, Finished(returncode=1, stdout=b"credentials not found in keychain\n"))

    def stream(self, command: Command, on_line: LineHandler) -> Finished:
        raise NotImplementedError


def auth(user: str, password: str = SECRET) -> dict[str, str]:
    return {"auth": base64.b64encode(f"{user}:{password}".encode()).decode()}


def said(user: str, secret: str = SECRET) -> Finished:
    return Finished(returncode=0, stdout=json.dumps({"Username": user, "Secret": secret}).encode())


def docker(tmp_path: Path, content: object) -> Path:
    path = tmp_path / "home" / ".docker" / "config.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def user_of(registry: str, repository: str = "acme/shop", helpers: Helpers | None = None) -> str | None:
    login = Credentials(runner=helpers or Helpers()).find(registry, repository)
    return login.user if login else None


def test_without_any_file_there_is_no_login() -> None:
    assert user_of("r.example.com") is None


def test_the_helper_of_a_host_comes_before_the_store_before_the_file(tmp_path: Path) -> None:
    content: dict[str, Any] = {
        "auths": {"r.example.com": auth("from-the-file")},
        "credsStore": "store",
        "credHelpers": {"r.example.com": "helper"},
    }
    answers = {
        ("helper", "r.example.com"): said("from-the-helper"),
        ("store", "r.example.com"): said("from-the-store"),
    }
    docker(tmp_path, content)
    assert user_of("r.example.com", helpers=Helpers(answers)) == "from-the-helper"
    del content["credHelpers"]
    docker(tmp_path, content)
    assert user_of("r.example.com", helpers=Helpers(answers)) == "from-the-store"
    del content["credsStore"]
    docker(tmp_path, content)
    assert user_of("r.example.com", helpers=Helpers(answers)) == "from-the-file"


def test_a_helper_that_knows_nothing_leaves_it_to_the_next(tmp_path: Path) -> None:
    docker(
        tmp_path,
        {
            "auths": {"r.example.com": auth("file")},
            "credsStore": "store",
            "credHelpers": {"r.example.com": "helper"},
        },
    )
    helpers = Helpers()
    assert user_of("r.example.com", helpers=helpers) == "file"
    assert helpers.asked == [("helper", "r.example.com"), ("store", "r.example.com")]


def test_the_helper_of_another_host_is_not_asked(tmp_path: Path) -> None:
    docker(tmp_path, {"credHelpers": {"other.example.com": "helper"}})
    helpers = Helpers()
    assert user_of("r.example.com", helpers=helpers) is None
    assert helpers.asked == []


@pytest.mark.parametrize("key", [HUB, "docker.io", "index.docker.io", "registry-1.docker.io"])
def test_docker_hub_has_an_old_key(tmp_path: Path, key: str) -> None:
    docker(tmp_path, {"auths": {key: auth("me")}})
    assert user_of("docker.io", "library/debian") == "me"


def test_a_helper_knows_docker_hub_by_its_old_key(tmp_path: Path) -> None:
    docker(tmp_path, {"credsStore": "store"})
    assert user_of("docker.io", helpers=Helpers({("store", HUB): said("me")})) == "me"


@pytest.mark.parametrize(
    "key",
    [
        "r.example.com:80",
        "https://r.example.com:80",
        "http://r.example.com:80/v2/",
        "R.Example.com:80",
    ],
)
def test_a_key_may_be_a_host_or_an_address(tmp_path: Path, key: str) -> None:
    docker(tmp_path, {"auths": {key: auth("me")}})
    assert user_of("r.example.com:80") == "me"
    assert user_of("r.example.com") is None
    assert user_of("r.example.com:8080") is None


def test_the_key_that_names_most_of_the_repository_wins(tmp_path: Path) -> None:
    keys = ("r.example.com", "r.example.com/acme", "r.example.com/acme/shop")
    docker(tmp_path, {"auths": {key: auth(key) for key in keys}})
    assert user_of("r.example.com", "acme/shop") == "r.example.com/acme/shop"
    assert user_of("r.example.com", "acme/shopping") == "r.example.com/acme"
    assert user_of("r.example.com", "acmes/shop") == "r.example.com"


def test_dockers_file_comes_before_podmans(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    podman = tmp_path / "auth.json"
    podman.write_text(
        json.dumps({"auths": {"r.example.com": auth("podman"), "q.example.com": auth("podman")}})
    )
    monkeypatch.setenv("REGISTRY_AUTH_FILE", str(podman))
    docker(tmp_path, {"auths": {"r.example.com": auth("docker"), "q.example.com": {}}})
    assert user_of("r.example.com") == "docker"
    assert user_of("q.example.com") == "podman"


def test_podman_keeps_logins_in_run_where_there_is_no_runtime_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    docker_file, last = home / ".docker" / "config.json", home / ".config" / "containers" / "auth.json"
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    assert credential_files() == (docker_file, Path(f"/run/containers/{os.getuid()}/auth.json"), last)
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/run/user/1000")
    assert credential_files() == (docker_file, Path("/run/user/1000/containers/auth.json"), last)


def test_identity_and_registry_tokens_are_read(tmp_path: Path) -> None:
    docker(
        tmp_path,
        {"auths": {"a.example.com": {"identitytoken": SECRET}, "b.example.com": {"registrytoken": SECRET}}},
    )
    credentials = Credentials(runner=Helpers({("x", "y"): said("")}))
    assert credentials.find("a.example.com", "x") == Login(identity_token=SECRET)
    assert credentials.find("b.example.com", "x") == Login(registry_token=SECRET)


def test_a_helper_may_hold_an_identity_token(tmp_path: Path) -> None:
    docker(tmp_path, {"credsStore": "store"})
    helpers = Helpers({("store", "r.example.com"): said("<token>")})
    assert Credentials(runner=helpers).find("r.example.com", "x") == Login(identity_token=SECRET)


BROKEN = [
    "{",
    "[]",
    '{"auths": 3}',
    '{"auths": {"r.example.com": "' + SECRET + '"}}',
    '{"auths": {"r.example.com": {"auth": "' + SECRET + '"}}}',
    json.dumps({"auths": {"r.example.com": {"auth": base64.b64encode(SECRET.encode()).decode()}}}),
    '{"credsStore": "../../' + SECRET + '"}',
    '{"credsStore": "missing"}',
    '{"credsStore": "failing"}',
    '{"credsStore": "babbling"}',
]


@pytest.mark.parametrize("content", BROKEN)
def test_what_is_broken_is_named_and_never_shown(tmp_path: Path, content: str) -> None:
    path = docker(tmp_path, content)
    answers = {
        ("failing", "r.example.com"): Finished(returncode=3, stderr=SECRET.encode()),
        ("babbling", "r.example.com"): Finished(returncode=0, stdout=SECRET.encode()),
    }
    with pytest.raises(RegistryError) as caught:
        Credentials(runner=Helpers(answers)).find("r.example.com", "acme/shop")
    told = f"{caught.value.message} {caught.value.hint} {caught.value!r} {caught.value.__cause__!r}"
    assert str(path) in caught.value.message
    assert SECRET not in told
    assert "\n" not in told


def test_a_file_that_may_not_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "home" / ".docker" / "config.json").mkdir(parents=True)
    with pytest.raises(RegistryError, match=r"cannot read .*config\.json"):
        user_of("r.example.com")


def test_no_secret_is_in_what_a_login_shows_of_itself() -> None:
    login = Login(user="me", password=SECRET, identity_token=SECRET, registry_token=SECRET)
    file = parse_file(json.dumps({"auths": {"r": {"password": SECRET, "username": "me"}}}).encode())
    assert SECRET not in f"{login!r} {login} {file!r}"
    assert login.basic == f"Basic {base64.b64encode(f'me:{SECRET}'.encode()).decode()}"


KEYS = ("auths", "auth", "credsStore", "credHelpers", "r", "identitytoken")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["auths", "auth", "credsStore", "credHelpers", "r", "identitytoken"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(st.binary() | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_file_and_any_helper_is_read_or_refused(data: bytes) -> None:
    try:
        file = parse_file(data)
        assert isinstance(file, CredentialFile)
        for entry in (file.auths or {}).values():
            login = entry.login() if entry else None
            assert login is None or isinstance(login, Login)
    except InvalidValueError as error:
        assert error.__cause__ is None
    try:
        parse_helper_answer(data)
    except InvalidValueError as error:
        assert error.__cause__ is None


@example("me", f"{SECRET}\0\0")  # as old versions of docker padded it
@given(st.text(st.characters(exclude_characters=":\0", codec="utf-8")), st.text(st.characters(codec="utf-8")))
def test_any_user_and_password_are_read_back(user: str, password: str) -> None:
    file = parse_file(json.dumps({"auths": {"r": auth(user, password)}}).encode())
    entry = (file.auths or {})["r"]
    assert entry is not None
    expected = Login(user=user, password=password.strip("\0")) if user or password.strip("\0") else None
    assert entry.login() == expected
