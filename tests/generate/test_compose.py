"""`compose.yaml` and its `.env.example`: a service goes in, and what compose makes of the text comes out."""

import re
from typing import Any

import pytest
import ruamel.yaml
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from ferrule.contract import Variable
from ferrule.database import Database
from ferrule.generate import compose, env
from ferrule.generate.service import Service
from ferrule.values import Port
from tests.generate.composing import composed
from tests.generate.services import FULL, TINY

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
FILLED = {"APP_JWT_SECRET": "jwt", "POSTGRES_PASSWORD": "pa55"}


def services(service: Service, **given: str) -> dict[str, Any]:
    found: dict[str, Any] = composed(service, {**FILLED, **given})["services"]
    return found


def test_a_service_that_is_a_name_gets_what_holds_for_all() -> None:
    assert composed(TINY, {})["services"] == {
        "tiny": {
            "image": "tiny:0.0.0",
            "pull_policy": "never",
            "user": "65532:65532",
            "read_only": True,
            "tmpfs": ["/tmp"],
            "cap_drop": ["ALL"],
            "security_opt": ["no-new-privileges:true"],
            "deploy": {"resources": {"limits": {"cpus": "1.0", "memory": "512m", "pids": 256}}},
            "logging": {"driver": "json-file", "options": {"max-size": "10m", "max-file": "3"}},
            "stop_grace_period": "15s",
            "restart": "unless-stopped",
        }
    }
    assert [draft.path for draft in compose.drafts(TINY)] == ["compose.yaml", ".env.example"]


def test_what_must_be_given_stops_compose_with_a_sentence() -> None:
    with pytest.raises(ValueError, match=r"APP_JWT_SECRET: copy \.env\.example to \.env and fill it in"):
        composed(FULL, {"APP_JWT_SECRET": "", "POSTGRES_PASSWORD": "x"})
    with pytest.raises(ValueError, match="POSTGRES_PASSWORD: copy"):
        composed(FULL, {"APP_JWT_SECRET": "x"})


def test_variables_come_from_env_or_are_the_images() -> None:
    assert services(FULL)["shop"]["environment"] == {
        "APP_DATABASE_URL": "postgres://shop:pa55@database/shop",
        "APP_JWT_SECRET": "jwt",
        "APP_LIMITS": '{"a": 1}',
        "APP_PRICE": "5 $ & 'up' #1",
        "APP_REGION": None,
        "RUST_LOG": "info",
        "app.name": "shop",
    }
    given = services(FULL, APP_DATABASE_URL="postgres://db/x", RUST_LOG="", APP_PRICE="7")
    other = given["migrate"]["environment"]
    assert (other["APP_DATABASE_URL"], other["RUST_LOG"], other["APP_PRICE"]) == ("postgres://db/x", "", "7")
    assert "HOME is the image's" in compose.drafts(FULL)[0].text


def test_the_database_is_well_before_the_migrations_and_they_are_done_before_the_service() -> None:
    found = services(FULL)
    healthy = {"condition": "service_healthy"}
    assert found["shop"]["depends_on"] == {
        "database": healthy,
        "migrate": {"condition": "service_completed_successfully"},
    }
    assert found["migrate"]["depends_on"] == {"database": healthy}
    assert found["migrate"]["command"] == list(FULL.migrate or ())
    assert found["migrate"]["image"] == found["shop"]["image"] == FULL.image
    assert (found["migrate"]["ports"], found["migrate"]["restart"]) == ([], "no")


def test_nobody_but_the_service_reaches_the_database() -> None:
    whole = composed(FULL, FILLED)
    database = whole["services"]["database"]
    assert whole["networks"] == {"data": {"internal": True}}
    assert (database["networks"], "ports" in database) == (["data"], False)
    assert whole["services"]["shop"]["networks"] == ["default", "data"]
    assert (database["user"], database["cap_drop"], database["read_only"]) == ("postgres", ["ALL"], True)


@pytest.mark.parametrize(
    ("version", "place"), [("16", "data"), ("9.6-alpine", "data"), ("18", ""), ("18.1-alpine", "")]
)
def test_its_data_are_where_its_image_keeps_them(version: str, place: str) -> None:
    service = replace(TINY, database=Database(version=version, url_env="URL"))
    database = services(service)["database"]
    assert database["image"] == f"postgres:{version}"
    assert [each["target"] for each in database["volumes"]] == [f"/var/lib/postgresql/{place}".rstrip("/")]


def test_ports_are_published_on_the_loopback_unless_env_says_otherwise() -> None:
    ports = ["127.0.0.1:80:80/tcp", "127.0.0.1:3000:3000/tcp", "127.0.0.1:53:53/udp"]
    assert services(FULL)["shop"]["ports"] == ports
    changed = services(FULL, PUBLISH_ON="0.0.0.0", PUBLISH_80="8080")["shop"]["ports"]
    assert changed[0] == "0.0.0.0:8080:80/tcp"


def test_volumes_are_named_and_no_name_twice() -> None:
    whole = composed(replace(TINY, volumes=("/a-b", "/a/b", "/database", "/é", "/tmp")), {})
    targets = {each["source"]: each["target"] for each in whole["services"]["tiny"]["volumes"]}
    names = {"a-b": "/a-b", "a-b-2": "/a/b", "database-2": "/database", "volume": "/é", "tmp": "/tmp"}
    assert targets == names
    assert list(whole["volumes"]) == list(names)
    assert "tmpfs" not in whole["services"]["tiny"]


def test_capabilities_are_added_and_new_privileges_allowed_only_where_the_network_does_not_do() -> None:
    port = services(replace(TINY, capabilities=("NET_BIND_SERVICE",)))["tiny"]
    assert (port["cap_add"], port["security_opt"]) == (["NET_BIND_SERVICE"], ["no-new-privileges:true"])
    assert port["sysctls"] == {"net.ipv4.ip_unprivileged_port_start": "0"}
    other = services(replace(TINY, capabilities=("NET_RAW",)))["tiny"]
    assert (other["cap_add"], other["security_opt"], "sysctls" in other) == (["NET_RAW"], [], False)


def test_an_image_with_a_registry_is_pulled_and_a_local_one_never() -> None:
    digest = f"ghcr.io/acme/shop@sha256:{'0' * 64}"
    assert services(replace(TINY, image=digest))["tiny"]["image"] == digest
    assert "pull_policy" not in services(replace(TINY, image=digest))["tiny"]
    assert services(replace(TINY, image="shop:1"))["tiny"]["pull_policy"] == "never"


def test_migrations_that_nobody_is_told_to_run_are_hinted_at() -> None:
    text = compose.drafts(replace(TINY, migrations="db/migrations"))[0].text
    assert "# db/migrations holds migrations" in text
    assert "holds migrations" not in compose.drafts(FULL)[0].text + compose.drafts(TINY)[0].text


@pytest.mark.parametrize("name", ["database", "migrate"])
def test_a_service_with_one_of_our_names_keeps_it(name: str) -> None:
    found = services(replace(FULL, name=name))
    assert found[name]["image"] == FULL.image
    assert len(found) == 3
    assert set(found[name]["depends_on"]) == set(found) - {name}


def test_the_example_of_env_is_the_same_from_either_kind_and_asks_for_the_password() -> None:
    for service in (FULL, TINY):
        assert compose.drafts(service)[1:] == env.drafts(service)
    lines = env.drafts(FULL)[0].text.splitlines()
    asked = [line for line in lines if not line.startswith("#") and line]
    assert asked == [
        "APP_JWT_SECRET=",
        'APP_LIMITS={"a": 1}',
        "HOME=/app",
        "RUST_LOG=info",
        "POSTGRES_PASSWORD=",
    ]


NAMES = st.text(
    st.characters(exclude_categories=["Cs", "Z"], exclude_characters="\0="), min_size=1, max_size=9
)


@settings(max_examples=300, deadline=None)
@given(
    name=TEXTS,
    values=st.dictionaries(NAMES, TEXTS | st.none(), max_size=3),
    words=st.lists(TEXTS, min_size=1),
    folder=TEXTS,
)
def test_every_value_comes_back_unchanged(
    name: str, values: dict[str, str | None], words: list[str], folder: str
) -> None:
    known = {key: value for key, value in values.items() if key.split() == [key]}
    service = Service(
        name=name or "x",
        version=name,
        image=f"ghcr.io/{name}",
        contract=tuple(Variable(name=key, default=value) for key, value in known.items()),
        migrate=tuple(words),
        migrations=folder,
        volumes=(f"/{folder}",),
        stop_signal=name,
        ports=(Port(number=53, protocol="udp"),),
        database=Database(version="16", url_env="DATABASE_URL"),
    )
    text = compose.drafts(service)[0].text
    assert ruamel.yaml.YAML(typ="safe", pure=True).load(text) == yaml.safe_load(text)
    found = composed(service, {"POSTGRES_PASSWORD": "x"})
    ours = found["services"][service.label]
    assert re.fullmatch("[a-z][a-z0-9-]*", found["name"])
    assert (ours["image"], ours["volumes"][0]["target"]) == (f"ghcr.io/{name}", f"/{folder}")
    assert ours.get("stop_signal", "SIGTERM") == name or name == "SIGTERM"
    assert found["services"]["migrate"]["command"] == words
    assert {key: value for key, value in ours["environment"].items() if key != "DATABASE_URL"} == {
        key: value for key, value in known.items() if key not in compose.SHELLS
    }
