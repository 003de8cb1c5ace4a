"""What a plan and a build say of files that a program reads at run time."""

from pathlib import Path
from typing import Any

import pytest

from ferrule.cargo.graph import Graph
from ferrule.cargo.leaks import Leak
from ferrule.cargo.messages import PackageId
from ferrule.errors import ProjectError
from ferrule.tables import Table
from ferrule.verbs.build import build_image
from ferrule.verbs.deliver import Destinations
from ferrule.verbs.hints import baked_hint, folder_hint
from ferrule.verbs.inspect_image import inspect_image
from ferrule.verbs.migrations import find_migrations
from tests.cargo_projects import context_of, manifest, prepared, request_for, write_project
from tests.fakes.images import AMD64
from tests.fakes.report import Notes
from tests.verbs.test_plan import plan_of, rows

READS = "async fn run() { sqlx::migrate::Migrator::new(std::path::Path::new(DIR)).await; }\n"
EMBEDS = "static MIGRATOR: Migrator = sqlx::migrate!();\n"
SQL = {"migrations/1_first.sql": "create table a ();\n"}


def graph_of(*names: str) -> Graph:
    packages = tuple(PackageId(name=name, version="1.0.0") for name in ("hello", *names))
    return Graph(packages=packages, source="the build", features={})


def migrations_of(place: Path, *crates: str, **table: Any) -> tuple[str, str] | None:
    """Where they come from ("" for nowhere) and why; None where nothing is said of them."""
    found = find_migrations(prepared(place, flags=Table(**table)), graph_of(*crates))
    return (found.copy.source if found.copy else "", found.reason) if found else None


@pytest.mark.parametrize(
    ("crate", "source"),
    [
        ("sqlx", READS),
        ("refinery", "let all = refinery::load_sql_migrations(path)?;\n"),
        ("diesel_migrations", "FileBasedMigrations::from_path(path)?;\n"),
    ],
)
def test_migrations_that_a_source_reads_are_taken_along(tmp_path: Path, crate: str, source: str) -> None:
    place = write_project(tmp_path, {**SQL, "src/store/db.rs": source})
    assert migrations_of(place, crate) == (
        "migrations",
        f"src/store/db.rs reads them at run time with {crate}",
    )
    assert migrations_of(place) is None
    assert migrations_of(place, crate, migrations=False) == ("", "asked for by --migrations")


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        (EMBEDS, "src/db.rs embeds them in the program"),
        ("embed_migrations!();", "src/db.rs embeds them in the program"),
        ("// Migrator::new(path)\n", "no source reads them at run time"),
    ],
)
def test_migrations_in_the_program_are_left_out(tmp_path: Path, source: str, reason: str) -> None:
    place = write_project(tmp_path, {**SQL, "src/db.rs": source})
    assert migrations_of(place, "sqlx") == ("", reason)
    assert migrations_of(place, "sqlx", migrations="migrations") == (
        "migrations",
        "asked for by --migrations",
    )


def test_files_that_have_the_migrations_already_are_enough(tmp_path: Path) -> None:
    place = write_project(tmp_path, {**SQL, "src/db.rs": READS})
    assert migrations_of(place, "sqlx", files=("migrations/*.sql:/app/db",)) == ("", "`files` has them")


def test_another_package_of_the_workspace_may_read_them(tmp_path: Path) -> None:
    files = {
        "Cargo.toml": '[workspace]\nmembers = ["web", "db", "tool"]\nresolver = "2"\n',
        "web/Cargo.toml": manifest(extra='[dependencies]\ndb = { path = "../db" }\n'),
        "web/src/main.rs": "fn main() {}\n",
        "web/migrations/1.sql": "",
        "db/Cargo.toml": manifest("db"),
        "db/src/lib.rs": READS,
        "tool/Cargo.toml": manifest("tool"),
        "tool/src/lib.rs": READS,
    }
    (tmp_path / "src").mkdir()
    place = write_project(tmp_path, files) / "web"
    reason = "db/src/lib.rs reads them at run time with sqlx"
    assert migrations_of(place, "sqlx", "db") == ("migrations", reason)
    assert migrations_of(place, "sqlx") == ("", "no source reads them at run time")


def hinted(place: Path, *crates: str, **table: Any) -> tuple[list[str], str] | None:
    hint = folder_hint(prepared(place, flags=Table(**table)), graph_of(*crates))
    return ([f"{copy.source} {copy.target}" for copy in hint.copies], hint.reason) if hint else None


WEB = {"templates/a.html": "", "static/a.css": "", "config/default.toml": ""}


@pytest.mark.parametrize(
    ("crates", "copies", "reason"),
    [
        (("tera",), ["templates /app/templates"], "tera may read it at run time"),
        (("minijinja",), ["templates /app/templates"], "minijinja may read it at run time"),
        (("http-range-header",), ["static /app/static"], "tower-http's file server may read it at run time"),
        (("config",), ["config /app/config"], "config may read it at run time"),
        (
            ("actix-files", "tera", "handlebars"),
            ["templates /app/templates", "static /app/static"],
            "tera and handlebars and actix-files may read them at run time",
        ),
    ],
)
def test_a_crate_and_a_folder_of_the_usual_name_give_a_hint(
    tmp_path: Path, crates: tuple[str, ...], copies: list[str], reason: str
) -> None:
    assert hinted(write_project(tmp_path, WEB), *crates) == (copies, reason)


@pytest.mark.parametrize("crates", [(), ("tower-http",), ("tera", "rust-embed"), ("askama",)])
def test_where_nothing_is_known_nothing_is_said(tmp_path: Path, crates: tuple[str, ...]) -> None:
    assert hinted(write_project(tmp_path, WEB), *crates) is None


def test_what_files_has_or_is_not_there_gives_no_hint(tmp_path: Path) -> None:
    place = write_project(tmp_path, WEB)
    for source in ("templates", ".", "./templates/*.html", "templates/a.html"):
        assert hinted(place, "tera", files=(f"{source}:/app/t",)) is None
    assert hinted(place, "tera", files=("static:/app/t",), workdir="/srv") is not None
    assert hinted(place, "fluent-templates") is None


def test_the_place_of_a_hint_is_below_the_working_folder(tmp_path: Path) -> None:
    copies, _ = hinted(write_project(tmp_path, WEB), "tera", workdir="/srv") or ([], "")
    assert copies == ["templates /srv/templates"]


def test_a_baked_path_is_named_with_the_line_that_serves_it(tmp_path: Path) -> None:
    place = write_project(tmp_path / "deep" / "project", {"templates/mail/a.html": "", "target/x/y": ""})
    project = prepared(place)

    def hint(rest: str, **table: Any) -> str | None:
        leak = Leak(path=f"{place}{rest}", crate="the project itself")
        return baked_hint(prepared(place, flags=Table(**table)) if table else project, leak)

    start = 'env!("CARGO_MANIFEST_DIR") is a folder of this machine: read '
    mail = 'set files = [{ from = "templates/mail", to = "/app/mail" }]'
    # The next text of the program stands right behind a path.
    assert hint("/templates/mailError:") == f"{start}templates/mail by a relative path, and {mail}"
    assert hint("/templates/**/*.html") == (
        f"{start}templates by a relative path, and set "
        'files = [{ from = "templates", to = "/app/templates" }]'
    )
    assert hint("/templates", files=("templates:/app/t",)) == (
        f"{start}templates by a relative path, `files` has it"
    )
    for bare in ("", "templates", "/nowhere"):
        assert hint(bare) == f"{start}by a relative path what `files` puts below /app"
    assert hint("/target/x/y") is None
    assert baked_hint(project, Leak(path="/home/ada/.cargo/x", crate="zlib")) is None


def test_the_plan_has_a_row_for_each(tmp_path: Path) -> None:
    files = {**WEB, **SQL, "src/db.rs": READS}
    for crate in ("sqlx", "tera"):
        files |= {f"{crate}/Cargo.toml": manifest(crate), f"{crate}/src/lib.rs": ""}
    both = '[dependencies]\nsqlx = { path = "sqlx" }\ntera = { path = "tera" }\n'
    lock = "version = 4\n" + "".join(
        f'\n[[package]]\nname = "{name}"\nversion = "0.1.0"\n{more}'
        for name, more in (("hello", 'dependencies = ["sqlx", "tera"]\n'), ("sqlx", ""), ("tera", ""))
    )
    place = write_project(tmp_path, {**files, "Cargo.toml": manifest(extra=both), "Cargo.lock": lock})
    plan = plan_of(place, files=("static/*.css:/app/static",), capabilities=("NET_BIND_SERVICE",))
    found = rows(plan)
    assert found["files"] == (
        [{"from": "static/*.css", "to": "/app/static"}],
        "1 file, asked for by --file",
    )
    migrations = {"from": "migrations", "to": "/app/migrations"}
    assert found["migrations"] == (migrations, "src/db.rs reads them at run time with sqlx")
    assert found["hint"][0] == [{"from": "templates", "to": "/app/templates"}]
    assert found["capabilities"] == (["NET_BIND_SERVICE"], "asked for by --capability")
    assert "files" in found["layers"][0]
    (place / "migrations" / ".env").write_text("PASSWORD=x")
    with pytest.raises(ProjectError, match="looks like a secret"):
        plan_of(place)


@pytest.mark.real
def test_a_build_takes_what_it_finds_and_hints_at_what_is_missing(tmp_path: Path) -> None:
    main = 'mod db;\nfn main() { println!("{}", concat!(env!("CARGO_MANIFEST_DIR"), "/templates")); }\n'
    files = {**WEB, **SQL, "src/main.rs": main, "src/db.rs": "// MIGRATIONS\n#[cfg(any())]\n" + READS}
    for crate in ("sqlx", "tera"):
        files |= {f"{crate}/Cargo.toml": manifest(crate), f"{crate}/src/lib.rs": ""}
    both = '[dependencies]\nsqlx = { path = "sqlx" }\ntera = { path = "tera" }\n'
    place = write_project(tmp_path / "deep" / "project", {**files, "Cargo.toml": manifest(extra=both)})
    context = context_of(tmp_path)
    built = build_image(context, request_for(place), (), Destinations())
    assert isinstance(context.report, Notes)
    line = 'files = [{ from = "templates", to = "/app/templates" }]'
    assert any(
        said.startswith("hint: tera may read it") and said.endswith(line) for said in context.report.said
    )
    assert any("CARGO_MANIFEST_DIR" in said and said.endswith(line) for said in context.report.said)
    assert any(said.startswith("taking migrations along to /app/migrations") for said in context.report.said)
    seen = inspect_image(context, built.delivered[0].line, AMD64).stack.nodes
    assert {"app/migrations/1_first.sql", "app/hello"} <= set(seen)
    context.close()
