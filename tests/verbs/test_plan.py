"""What `plan` says, on real small projects and on the example."""

import json
from pathlib import Path
from typing import Any

import pytest

from ferrule.cargo.needs import GUESS
from ferrule.cargo.plan import CargoOptions
from ferrule.cli.app import run
from ferrule.tables import Table
from ferrule.values import Output
from ferrule.verbs.deliver import Destinations
from ferrule.verbs.plan import Plan, make_plan
from tests.cargo_projects import context_of, manifest, request_for, write_project
from tests.journey.ferrule import SHOP, ferrule

NAMES = [
    *(
        "package",
        "binary",
        "profile",
        "platform",
        "link",
        "allocator",
        "base",
        "user",
        "certificates",
        "time-zones",
        "ports",
    ),
    *(
        "health",
        "init",
        "database",
        "migrate",
        "migrations",
        "layers",
        "image",
        "tags",
        "destinations",
        "verify",
    ),
]


def plan_of(
    place: Path, destinations: Destinations | None = None, tags: tuple[str, ...] = (), **flags: Any
) -> Plan:
    return make_plan(
        context_of(place), request_for(place, flags=Table(**flags)), tags, destinations or Destinations()
    )


def rows(plan: Plan) -> dict[str, tuple[Any, str]]:
    return {row.name: (row.value, row.reason) for row in plan.rows}


def test_the_plan_of_the_example_gives_every_decision_with_its_reason() -> None:
    plan = json.loads(ferrule("plan", str(SHOP), "--json"))
    assert list(plan) == ["version", *NAMES]
    assert plan["version"] == 1
    assert plan["link"] == {
        "value": "static",
        "reason": "nothing in the graph needs a shared library at run time",
    }
    assert plan["base"] == {"value": "scratch", "reason": "static: it needs nothing below it"}
    assert plan["profile"]["value"] == {
        "name": "release",
        "added": {"codegen-units": "1", "strip": '"symbols"'},
    }
    assert plan["certificates"] == {"value": False, "reason": "CA roots: no TLS client is in the graph"}
    assert plan["ports"]["value"] == ["3000/tcp"]
    assert plan["migrations"] == {"value": None, "reason": "src/db.rs embeds them in the program"}
    assert plan["health"]["value"] == "GET /health"
    assert plan["health"]["reason"].startswith("the image's HEALTHCHECK asks it by a probe")
    assert plan["init"]["value"] is False
    assert plan["layers"]["value"] == ["users and /tmp", "health probe", "/app/shop"]
    assert all(plan[name]["reason"] for name in NAMES)


def test_the_screen_has_a_line_per_decision() -> None:
    lines = ferrule("plan", str(SHOP)).splitlines()
    assert [line.split()[0] for line in lines] == NAMES
    assert any(line.startswith("link") and "static (expected)" in line for line in lines)


def test_plan_writes_nothing_into_the_project(tmp_path: Path) -> None:
    place = write_project(tmp_path / "project")
    before = sorted(place.rglob("*"))
    make_plan(context_of(tmp_path), request_for(place), (), Destinations())
    assert sorted(place.rglob("*")) == before


def test_without_a_lock_file_certificates_come_along_and_the_reason_says_why(tmp_path: Path) -> None:
    found = rows(plan_of(write_project(tmp_path)))
    assert found["certificates"] == (True, "CA roots: the dependencies are not known yet")


LOCK = 'version = 4\n\n[[package]]\nname = "hello"\nversion = "0.1.0"\n'


@pytest.mark.parametrize(
    ("crate", "row", "expected"),
    [
        ("rustls-native-certs", "certificates", (True, "CA roots: rustls-native-certs 0.8 is in the graph")),
        ("webpki-roots", "certificates", (False, "CA roots: webpki-roots carries them in the program")),
        ("rustls", "certificates", (True, "CA roots: rustls is in the graph, and its roots may be files")),
        ("jiff", "time-zones", (True, "jiff 0.8 is in the graph")),
        ("openssl-sys", "link", ("dynamic", "openssl-sys links the system's crypto and ssl")),
        ("openssl-sys", "base", ("fitted", "dynamic: the loader and what it links")),
        ("libloading", "link", ("dynamic", "libloading loads shared libraries at run time")),
    ],
)
def test_crates_decide_and_are_named(tmp_path: Path, crate: str, row: str, expected: tuple[Any, str]) -> None:
    lock = f'{LOCK}dependencies = ["{crate}"]\n\n[[package]]\nname = "{crate}"\nversion = "0.8.3"\n'
    text = manifest(extra=f'[dependencies]\n{crate} = {{ path = "{crate}" }}\n')
    dependency = manifest(crate).replace("0.1.0", "0.8.3")
    files = {
        "Cargo.toml": text,
        f"{crate}/Cargo.toml": dependency,
        f"{crate}/src/lib.rs": "",
        "Cargo.lock": lock,
    }
    assert rows(plan_of(write_project(tmp_path, files)))[row] == expected


def test_build_dependencies_and_proc_macros_do_not_count(tmp_path: Path) -> None:
    lock = f'{LOCK}dependencies = ["rustls"]\n\n[[package]]\nname = "rustls"\nversion = "0.1.0"\n'
    text = manifest(extra='[build-dependencies]\nrustls = { path = "rustls" }\n')
    files = {
        "Cargo.toml": text,
        "rustls/Cargo.toml": manifest("rustls"),
        "rustls/src/lib.rs": "",
        "Cargo.lock": lock,
    }
    assert rows(plan_of(write_project(tmp_path, files)))["certificates"][0] is False


def test_what_was_asked_for_is_named_as_the_reason(tmp_path: Path) -> None:
    place = write_project(
        tmp_path, {"Cargo.toml": manifest(extra='[package.metadata.ferrule]\nuser = "1000"\n')}
    )
    found = rows(plan_of(place, link="dynamic", base="debian"))
    assert found["link"] == ("dynamic", "asked for by --link")
    assert found["user"] == ("1000:1000", "asked for by package.metadata.ferrule")
    assert found["base"][0] == "docker.io/library/debian:bookworm-slim"


def test_where_the_libraries_of_another_processor_come_from_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER", "a-linker")
    place = write_project(tmp_path)
    both = ("linux/amd64", "linux/arm64")
    found = rows(plan_of(place, link="dynamic", platforms=both))
    assert found["base linux/amd64"] == ("fitted", "dynamic: the loader and what it links")
    assert found["base linux/arm64"][1].startswith(
        "dynamic: the loader and what it links, from gcr.io/distroless/cc-debian12, or gcr.io/distroless/"
    )
    static = rows(plan_of(place, link="static", platforms=both, base="fitted"))
    assert static["base linux/arm64"] == ("scratch", "static: fitted has nothing to fit to it")


def test_the_layers_are_those_that_are_wanted(tmp_path: Path) -> None:
    table = '[package.metadata.ferrule]\nvolumes = ["/data"]\nfiles = [{ from = "src", to = "/app/src" }]\n'
    place = write_project(tmp_path, {"Cargo.toml": manifest(extra=table)})
    assert rows(plan_of(place))["layers"][0] == [
        *("users and /tmp", "certificates", "volumes and files", "/app/hello"),
    ]
    assert rows(plan_of(place, base="debian"))["layers"][0] == [
        *("those of docker.io/library/debian:bookworm-slim", "users and certificates if missing"),
        *("volumes and files", "/app/hello"),
    ]


def test_flags_that_forbid_static_are_seen(tmp_path: Path) -> None:
    config = '[build]\nrustflags = ["-C", "target-feature=-crt-static"]\n'
    found = rows(plan_of(write_project(tmp_path, {".cargo/config.toml": config})))
    assert found["link"] == ("dynamic", "the project's own flags turn crt-static off")


def test_destinations_and_tags_are_listed(tmp_path: Path) -> None:
    destinations = Destinations(push=True, load=True, outputs=(Output(kind="oci", path=Path("out")),))
    found = rows(
        plan_of(write_project(tmp_path), destinations, ("{version}", "x"), image="ghcr.io/acme/shop")
    )
    assert found["tags"][0] == ["0.1.0", "x"]
    assert found["destinations"][0] == ["oci:out", "docker: acme/shop", "push to ghcr.io/acme/shop"]
    assert found["image"] == ("ghcr.io/acme/shop", "asked for by --image")


def test_a_project_without_settings_is_told_what_reads_them_from_its_source(tmp_path: Path) -> None:
    new = rows(plan_of(write_project(tmp_path / "new")))
    assert new["ports"] == ([], "none are declared; `ferrule init` reads them from the source")
    table = "[package.metadata.ferrule]\nuser = '1000'\n"
    known = rows(plan_of(write_project(tmp_path / "known", {"Cargo.toml": manifest(extra=table)})))
    assert known["ports"] == ([], "none are declared")


def test_where_cargo_cannot_say_the_lock_file_is_read_and_the_link_is_called_a_guess(tmp_path: Path) -> None:
    lock = f'{LOCK}dependencies = ["rustls"]\n\n[[package]]\nname = "rustls"\nversion = "0.1.0"\n'
    text = manifest(extra='[dependencies]\nrustls = "=0.1.0"\n')
    place = write_project(tmp_path, {"Cargo.toml": text, "Cargo.lock": lock})
    request = request_for(place, cargo=CargoOptions(offline=True))
    found = rows(make_plan(context_of(place), request, (), Destinations()))
    assert found["certificates"] == (True, "CA roots: rustls is in the graph, and its roots may be files")
    assert found["link"] == ("static", GUESS)


def test_what_a_stranger_s_project_says_steers_no_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FERRULE_CACHE_DIR", str(tmp_path / "cache"))
    table = '[package.metadata.ferrule]\nmigrate = { args = ["\\u001b]0;title\\u0007\\nx"] }\n'
    place = write_project(tmp_path / "project", {"Cargo.toml": manifest(extra=table)})
    assert run(["plan", str(place)]) == 0
    shown = capsys.readouterr().out
    assert "\ufffd]0;title\ufffd\ufffdx" in shown
    assert "\x1b" not in shown
