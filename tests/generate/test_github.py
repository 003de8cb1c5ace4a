"""The workflow for GitHub: what is in it, and that no name becomes an expression or a part of a script."""

import re
from typing import Any

import msgspec
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from ferrule.contract import Variable
from ferrule.database import Database
from ferrule.generate import github
from ferrule.generate.actions import CACHE, CHECKOUT
from ferrule.generate.expression import literal
from ferrule.generate.service import Service, Sqlx
from ferrule.health import Health
from ferrule.values import Port
from tests.generate.github_expression import evaluated

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
NAMES = st.one_of(
    TEXTS, st.sampled_from(["on", "${{ x }}", "a${{", "'}}", "${{ '${{' }}", '"$(id)"', "`id`", "📦"])
)
VARIABLES = st.from_regex(r"[^\s\0=\ud800-\udfff]{1,9}", fullmatch=True)

TINY = Service(name="tiny")
FULL = Service(
    name="shop",
    package="shop-server",
    version="0.4.2",
    image="registry.example.com:5000/acme/shop:0.4.2",
    platforms=("linux/amd64", "linux/arm64"),
    contract=(
        Variable(
            name="APP_DATABASE_URL", required=True, secret=True, example="postgres://shop@localhost/shop"
        ),
        Variable(name="APP_AUTH_JWT_SECRET", required=True, secret=True),
        Variable(name="APP_LIMIT", required=True, type="int"),
        Variable(name="APP_KIND", required=True, example="small"),
        Variable(name="RUST_LOG", default="info"),
    ),
    args=("serve", "all of it"),
    ports=(Port(number=3000), Port(number=53, protocol="udp")),
    health=Health(path="/health", live="/live"),
    migrations="migrations",
    migrate=("migrate", "all of it"),
    database=Database(version="16", url_env="APP_DATABASE_URL"),
    sqlx=Sqlx(prepared=True, migrations=True),
    volumes=("/data",),
    init=True,
    capabilities=("NET_BIND_SERVICE",),
)
BELOW = msgspec.structs.replace(FULL, folder="services/a b", is_alone=False)


def text_of(service: Service) -> str:
    (draft,) = github.drafts(service)
    assert draft.kind == "github"
    assert (draft.path == ".github/workflows/ferrule.yml") == service.is_alone
    return draft.text


def parsed(service: Service) -> Any:
    return YAML(typ="safe").load(text_of(service))


def steps(service: Service, job: str) -> dict[str, Any]:
    """The steps of a job by their names."""
    return {step["name"]: step for step in parsed(service)["jobs"][job]["steps"]}


def test_a_project_below_the_root_of_its_repository() -> None:
    service = msgspec.structs.replace(BELOW, sqlx=Sqlx(folder="crates/db", prepared=True))
    (draft,) = github.drafts(service)
    assert draft.path == ".github/workflows/ferrule-shop.yml"
    workflow = YAML(typ="safe").load(draft.text)
    assert workflow["name"] == "Test and push shop"
    assert workflow["defaults"]["run"] == {"shell": "bash", "working-directory": "services/a b"}
    paths = [
        step["with"]["path"].split("\n")
        for job in workflow["jobs"].values()
        for step in job["steps"]
        if "cache" in step.get("uses", "")
    ]
    assert [each[-1] for each in paths] == [
        "services/a b/target",
        "services/a b/target",
        "services/a b/target/ferrule/cargo",
    ]
    prepared = steps(service, "test")["Is .sqlx what the queries and the database say?"]
    assert prepared["working-directory"] == "services/a b/crates/db"
    assert "working-directory" not in parsed(FULL)["defaults"]["run"]


def test_each_job_may_do_what_it_needs_and_no_more() -> None:
    workflow = parsed(TINY)
    assert workflow["permissions"] == {}
    assert workflow["jobs"]["test"]["permissions"] == {"contents": "read"}
    assert workflow["jobs"]["image"]["permissions"] == {"contents": "read", "packages": "write"}
    assert parsed(FULL)["jobs"]["image"]["permissions"] == {"contents": "read"}


@pytest.mark.parametrize("service", [TINY, FULL], ids=lambda service: service.name)
def test_every_action_is_pinned_with_its_version_beside_it(service: Service) -> None:
    used = re.findall(
        r"uses: (\S+?)(?:/restore|/save)?@([0-9a-f]{40}) # (v[\d.]+)$", text_of(service), re.MULTILINE
    )
    assert len(used) == text_of(service).count("uses: ") > 0
    assert set(used) == {(each.name, each.commit, each.version) for each in (CHECKOUT, CACHE)}


@pytest.mark.parametrize("service", [TINY, FULL], ids=lambda service: service.name)
def test_scripts_are_the_same_for_every_project_and_hold_no_expression(service: Service) -> None:
    other = Service(
        name="other",
        package="another",
        image="registry.example.com/else:1",
        health=service.health,
        platforms=service.platforms,
        contract=service.contract,
        ports=service.ports,
        migrate=service.migrate,
        database=service.database,
        sqlx=service.sqlx,
    )
    named = service if service.image else Service(name="tiny", image="ghcr.io/acme/tiny")
    for job in ("test", "image"):
        scripts = {name: step["run"] for name, step in steps(named, job).items() if "run" in step}
        assert scripts == {name: step["run"] for name, step in steps(other, job).items() if "run" in step}
        assert "${{" not in "".join(scripts.values())


def test_a_base_of_the_same_registry_takes_the_login_before_the_build() -> None:
    service = msgspec.structs.replace(FULL, bases=("registry.example.com:5000/base/rt:1",))
    names = list(steps(service, "image"))
    assert names.index("Log in") < names.index("Build")
    assert steps(service, "image")["Build"]["env"]["REGISTRY_AUTH_FILE"].endswith("/auth.json")
    assert sorted(names) == sorted(steps(FULL, "image"))
    assert names.count("Log in") == 1
    public = msgspec.structs.replace(FULL, bases=("quay.io/base/rt:1",))
    assert text_of(public) == text_of(FULL)


def test_a_secret_is_in_one_step_and_in_no_script() -> None:
    with_secrets = [name for name, step in steps(FULL, "image").items() if "secrets." in str(step)]
    assert with_secrets == ["Log in"]
    names = list(steps(FULL, "image"))
    assert names.index("Build") < names.index("Log in") < names.index("Verify, and push what was verified")
    assert "github.token" in str(steps(TINY, "image")["Log in"])


def test_the_image_goes_where_the_project_says_or_to_the_registry_of_the_forge() -> None:
    push = steps(FULL, "image")["Verify, and push what was verified"]
    assert push["env"]["FERRULE_IMAGE"] == "registry.example.com:5000/acme/shop"
    assert steps(FULL, "image")["Log in"]["env"]["REGISTRY"] == "registry.example.com:5000"
    digest = f"ghcr.io/acme/shop@sha256:{'a' * 64}"
    assert "a" * 64 not in text_of(Service(name="shop", image=digest))
    for service in (TINY, Service(name="shop", image="shop:1")):
        push = steps(service, "image")["Push"]
        assert 'export FERRULE_IMAGE="ghcr.io/${GITHUB_REPOSITORY,,}"' in push["run"]
        assert steps(service, "image")["Log in"]["env"]["REGISTRY"] == "ghcr.io"


def test_what_cannot_be_verified_is_not() -> None:
    arm = Service(name="shop", ports=(Port(number=3000),), platforms=("linux/arm64",))
    assert "Push" in steps(arm, "image")
    assert steps(arm, "image")["Install ferrule"]["env"]["FERRULE"].startswith("ferrule[zig]==")
    assert steps(TINY, "image")["Install ferrule"]["env"]["FERRULE"].startswith("ferrule==")


def test_the_tests_have_a_database_and_the_image_is_verified_with_one() -> None:
    test = parsed(FULL)["jobs"]["test"]
    assert test["services"]["postgres"]["image"] == "postgres:16"
    assert "pg_isready" in test["services"]["postgres"]["options"]
    assert test["env"]["APP_DATABASE_URL"] == test["env"]["DATABASE_URL"] == github.DATABASE_URL
    pull = steps(FULL, "image")["Get the database that the image is verified with"]
    assert pull["env"] == {"POSTGRES": "postgres:16"}
    assert "services" not in parsed(TINY)["jobs"]["test"]


def test_the_program_is_given_all_that_it_requires() -> None:
    migrate = steps(FULL, "test")["Migrate"]["env"]
    assert (migrate["APP_AUTH_JWT_SECRET"], migrate["APP_LIMIT"], migrate["APP_KIND"]) == (
        "only-for-this-run",
        "1",
        "small",
    )
    # `--verify` knows the examples by itself, and the URL of the database that it starts.
    lines = steps(FULL, "image")["What the program is given here"]["env"]["VARIABLES"]
    assert lines.splitlines() == ["APP_AUTH_JWT_SECRET=only-for-this-run", "APP_LIMIT=1"]


@pytest.mark.parametrize(
    ("migrate", "sqlx", "expected"),
    [
        (("migrate",), None, ["Migrate"]),
        (("migrate",), Sqlx(prepared=True, migrations=True), ["Install", "Migrate", "Is .sqlx"]),
        # Its macros ask the database when it is compiled: the tables have to be there before.
        (("migrate",), Sqlx(migrations=True), ["Install", "Migrate"]),
        (None, Sqlx(migrations=True), ["Install", "Migrate"]),
        (None, Sqlx(prepared=True, migrations=True), ["Install", "Migrate", "Is .sqlx"]),
        (None, Sqlx(), []),
        (None, None, []),
    ],
)
def test_who_migrates(migrate: tuple[str, ...] | None, sqlx: Sqlx | None, expected: list[str]) -> None:
    database = Database(version="16", url_env="DATABASE_URL")
    names = list(steps(Service(name="shop", database=database, migrate=migrate, sqlx=sqlx), "test"))
    between = names[names.index("Are the generated files as the project has it?") + 1 : names.index("Test")]
    assert len(between) == len(expected)
    assert all(name.startswith(begin) for name, begin in zip(between, expected, strict=True))


def test_a_member_of_a_workspace_has_its_own_folder() -> None:
    sqlx = Sqlx(folder="crates/shop", prepared=True, migrations=True)
    database = Database(version="16", url_env="DATABASE_URL")
    of_member = steps(Service(name="shop", database=database, sqlx=sqlx), "test")
    check = of_member["Is .sqlx what the queries and the database say?"]
    assert (of_member["Migrate"]["working-directory"], check["working-directory"]) == ("crates/shop",) * 2
    whole = Sqlx(folder="crates/shop", prepared=True, is_whole=True)
    check = steps(Service(name="shop", database=database, sqlx=whole), "test")[check["name"]]
    assert check["run"].endswith("--check --workspace")
    assert "working-directory" not in check


@given(TEXTS | st.lists(st.sampled_from(["$", "{", "}", "'", "${{", "}}", " x "]), max_size=8).map("".join))
@settings(max_examples=300)
def test_a_literal_is_evaluated_to_itself(text: str) -> None:
    assert evaluated(literal(text), {}) == text


@given(name=NAMES, package=NAMES, argument=NAMES, folder=NAMES, key=VARIABLES, value=NAMES, postgres=NAMES)
@settings(max_examples=300)
def test_every_name_and_value_comes_back_unchanged(
    name: str, package: str, argument: str, folder: str, key: str, value: str, postgres: str
) -> None:
    service = Service(
        name=name,
        package=package or "p",
        description=value,
        repository=value,
        args=(value,),
        contract=(
            Variable(name=key, required=True, example=value or None, doc=value),
            Variable(name=f"{key}_", required=True),
        ),
        ports=(Port(number=1),),
        migrate=(argument,),
        database=Database(version=postgres, url_env="URL"),
        sqlx=Sqlx(folder=folder, prepared=True, migrations=True),
    )
    jobs = yaml.load(text_of(service), yaml.CSafeLoader)["jobs"]
    test, image = (_evaluated(jobs[job]) for job in ("test", "image"))
    assert test["services"]["postgres"]["image"] == f"postgres:{postgres}"
    assert (image["env"]["BINARY"], image["env"]["PACKAGE"]) == (name, package or "p")
    by_name = {step["name"]: step for step in test["steps"]}
    assert by_name["Migrate"]["env"]["ARGUMENT_1"] == argument
    check = by_name["Is .sqlx what the queries and the database say?"]
    assert check.get("working-directory", ".") == folder
    is_one_line = "\n" not in value and "\r" not in value
    assert by_name["Migrate"]["env"].get(key) == ((value or github.STAND_IN) if is_one_line else None)
    lines = next(step for step in image["steps"] if step["name"].startswith("What the program"))
    names = (f"{key}_",) if value else (key, f"{key}_")
    assert lines["env"]["VARIABLES"] == "\n".join(f"{name}={github.STAND_IN}" for name in names)


def _evaluated(part: Any) -> Any:
    """All texts but conditions, evaluated; what the workflow itself asks for is empty here."""
    if isinstance(part, dict):
        return {_evaluated(key): _evaluated(value) for key, value in part.items() if key != "if"}
    if isinstance(part, list):
        return [_evaluated(each) for each in part]
    return evaluated(part, {}) if isinstance(part, str) else part
