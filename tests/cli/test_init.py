"""`ferrule init`: what it proposes, that writing keeps every byte that was there, and when it refuses."""

import json
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from ferrule.cli.app import run
from tests.cargo_projects import manifest, write_files, write_project

Ferrule = Callable[..., tuple[int, str, str]]

MAIN = """
    fn main() {
        let port = std::env::var("PORT").unwrap_or("8080".into());
        let url = std::env::var("REDIS_URL").expect("needed");
        serve("127.0.0.1:9999", ("0.0.0.0", 7000));
        app.route("/ping", get(ping)).route("/healthz", get(health));
    }
"""
PORTLESS = 'fn main() { serve(("127.0.0.1", 7000)); listen(([0, 0, 0, 0], 9000)); }'


@pytest.fixture
def ferrule(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Ferrule:
    """Runs a command line beside the project; gives exit code, stdout and stderr."""
    monkeypatch.setenv("FERRULE_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str) -> tuple[int, str, str]:
        code = run([*arguments])
        out, err = capsys.readouterr()
        return code, out, err

    return call


def cargo_toml(head: str = "") -> str:
    return manifest().replace("[package]", f'{head}[package]\nrepository = "https://github.com/Acme/shop"', 1)


def test_the_proposal_says_where_it_comes_from(ferrule: Ferrule, tmp_path: Path) -> None:
    write_project(tmp_path / "shop", {"Cargo.toml": cargo_toml(), "src/main.rs": MAIN})
    code, out, err = ferrule("init", "shop")
    assert code == 0
    assert [" ".join(line.split()) for line in out.splitlines()] == [
        "[package.metadata.ferrule]",
        '# image = "ghcr.io/acme/shop" # for --push, by the `repository` above',
        "ports = [8080] # src/main.rs:3, the default of PORT",
        'health = { path = "/healthz" } # src/main.rs:6',
        "",
        "[package.metadata.ferrule.env]",
        'PORT = { default = "8080", type = "port" } # src/main.rs:3',
        'REDIS_URL = { required = true, type = "url" } # src/main.rs:4',
    ]
    assert err == "`ferrule init --write` puts these lines into Cargo.toml\n"
    found = json.loads(ferrule("init", "shop", "--json")[1])
    assert found["lines"][2] == {"text": "ports = [8080]", "reason": "src/main.rs:3, the default of PORT"}


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("end", ["", "\n"])
def test_writing_keeps_all_that_was_there(ferrule: Ferrule, tmp_path: Path, newline: str, end: str) -> None:
    write_project(tmp_path / "shop", {"src/main.rs": MAIN})
    file = tmp_path / "shop" / "Cargo.toml"
    before = (cargo_toml("# ours, ünd önly ours\n").rstrip("\n") + end).replace("\n", newline).encode()
    file.write_bytes(before)
    file.chmod(0o640)
    code, _, err = ferrule("init", "shop", "--write")
    assert code == 0
    assert "has them now" in err
    after = file.read_bytes()
    assert after.startswith(before)
    assert after.count(b"\r") == (after.count(b"\n") if newline == "\r\n" else 0)
    assert file.stat().st_mode & 0o777 == 0o640
    table = tomllib.loads(after.decode())["package"]["metadata"]["ferrule"]
    assert table["ports"] == [8080]
    assert json.loads(ferrule("plan", "shop", "--json")[1])["health"]["value"] == "GET /healthz"
    again = ferrule("init", "shop", "--write")
    assert again[0] == 3
    assert "error: Cargo.toml has [package.metadata.ferrule] already" in again[2]
    assert file.read_bytes() == after


def test_what_a_stranger_calls_things_is_shown_and_written_in_plain_letters(
    ferrule: Ferrule, tmp_path: Path
) -> None:
    odd = '#[path = "a\\n[x]\\u{9b}.rs"] mod odd;'
    source = 'pub fn f() { let _ = std::env::var("ODD").unwrap(); }'
    write_project(tmp_path / "shop", {"src/main.rs": f"{MAIN}\n{odd}\n", "src/a\n[x]\x9b.rs": source})
    for arguments in (("env", "shop", "--scan"), ("init", "shop"), ("init", "shop", "--write")):
        code, out, err = ferrule(*arguments)
        assert code == 0, err
        assert "# src/a\ufffd[x]\ufffd.rs:1\n" in out
        assert "\x9b" not in out + err
    tables = tomllib.loads((tmp_path / "shop" / "Cargo.toml").read_text())
    assert "x" not in tables


def test_an_address_that_others_reach_goes_before_one_of_this_machine(
    ferrule: Ferrule, tmp_path: Path
) -> None:
    write_project(tmp_path / "shop", {"src/main.rs": PORTLESS})
    assert "ports = [9000]" in ferrule("init", "shop")[1]
    write_project(tmp_path / "alone", {"src/main.rs": PORTLESS.partition(" listen")[0] + "}"})
    code, out, err = ferrule("init", "alone")
    assert (code, "ports = [7000]" in out) == (0, True)
    assert "src/main.rs:1 listens on this machine alone" in err


def test_a_manifest_of_windows_has_a_mark_before_its_text(ferrule: Ferrule, tmp_path: Path) -> None:
    write_project(tmp_path / "shop", {"src/main.rs": PORTLESS})
    file = tmp_path / "shop" / "Cargo.toml"
    before = b"\xef\xbb\xbf" + file.read_bytes()
    file.write_bytes(before)
    assert ferrule("init", "shop", "--write")[0] == 0
    assert file.read_bytes().startswith(before)
    assert ferrule("plan", "shop")[0] == 0


@pytest.mark.parametrize(
    ("main", "line", "note"),
    [
        (
            "fn main() { rocket::build(); }",
            "ports = [8000] # src/main.rs:1, Rocket's own default",
            "src/main.rs:1 is Rocket, which listens on 127.0.0.1 unless ROCKET_ADDRESS says 0.0.0.0",
        ),
        (
            'struct A {#[arg(env = "HOST", default_value = "::1")] a: T}\nfn main() { bind(("0.0.0.0", 7)) }',
            "ports = [7] # src/main.rs:2",
            "src/main.rs:1 has ::1 as the default of HOST: in a container nobody reaches it, use 0.0.0.0",
        ),
        (
            'fn main() { bind(("0.0.0.0", 7000)); env::var("DB_PORT").unwrap_or("1".into()); }',
            "ports = [7000] # src/main.rs:1",
            "",
        ),
    ],
)
def test_what_a_framework_and_the_names_of_variables_tell(
    ferrule: Ferrule, tmp_path: Path, main: str, line: str, note: str
) -> None:
    write_project(tmp_path / "shop", {"src/main.rs": main})
    code, out, err = ferrule("init", "shop")
    assert code == 0
    assert line in [" ".join(each.split()) for each in out.splitlines()]
    assert err == f"{note}\n`ferrule init --write` puts these lines into Cargo.toml\n".lstrip("\n")


def test_a_folder_that_is_read_at_run_time_and_a_database(ferrule: Ferrule, tmp_path: Path) -> None:
    lock = (
        'version = 3\n[[package]]\nname = "hello"\nversion = "0.1.0"\ndependencies = ["tera", "postgres"]\n'
    )
    for name in ("tera", "postgres"):
        lock += f'[[package]]\nname = "{name}"\nversion = "1.0.0"\n'
        crate = {f"{name}/Cargo.toml": manifest(name).replace("0.1.0", "1.0.0"), f"{name}/src/lib.rs": ""}
        write_files(tmp_path / "shop", crate)
    needs = '[dependencies]\ntera = { path = "tera" }\npostgres = { path = "postgres" }\n'
    write_project(
        tmp_path / "shop", {"Cargo.toml": manifest(extra=needs), "templates/a.html": "", "Cargo.lock": lock}
    )
    code, out, err = ferrule("init", "shop")
    assert code == 0
    assert 'files = [{ from = "templates", to = "/app/templates" }]' in out
    assert "postgres is in the program: it needs a PostgreSQL to run" in err


def test_a_database_whose_url_one_variable_holds_is_a_line(ferrule: Ferrule, tmp_path: Path) -> None:
    lock = 'version = 3\n[[package]]\nname = "hello"\nversion = "0.1.0"\ndependencies = ["tokio-postgres"]\n'
    lock += '[[package]]\nname = "tokio-postgres"\nversion = "1.0.0"\n'
    crate = {
        "db/Cargo.toml": manifest("tokio-postgres").replace("0.1.0", "1.0.0"),
        "db/src/lib.rs": "",
        "Cargo.toml": manifest(extra='[dependencies]\ntokio-postgres = { path = "db" }\n'),
        "Cargo.lock": lock,
    }
    main = 'fn main() { std::env::var("SHOP_DATABASE_URL").unwrap(); std::env::var("LEVEL").unwrap(); }'
    write_project(tmp_path / "shop", {**crate, "src/main.rs": main})
    code, out, err = ferrule("init", "shop", "--write")
    assert code == 0, err
    line = next(line for line in out.splitlines() if line.startswith("database"))
    proposed, _, reason = line.partition("# ")
    assert proposed.strip() == 'database = { postgres = "16", url-env = "SHOP_DATABASE_URL" }'
    assert reason == "tokio-postgres is in the program, src/main.rs:1 reads the URL"
    assert "needs a PostgreSQL" not in err
    rows = json.loads(ferrule("plan", "shop", "--json")[1])
    assert rows["database"]["value"] == {"postgres": "16", "url-env": "SHOP_DATABASE_URL"}
    assert "`run` and `verify` start it, its URL in SHOP_DATABASE_URL" in rows["database"]["reason"]
    two = main.replace("LEVEL", "PG_URL")
    write_project(tmp_path / "both", {**crate, "src/main.rs": two})
    code, out, err = ferrule("init", "both")
    assert (code, "database =" in out) == (0, False)
    assert "tokio-postgres is in the program: it needs a PostgreSQL to run" in err


def test_a_source_that_names_nothing_leaves_cargo_toml_alone(ferrule: Ferrule, tmp_path: Path) -> None:
    write_project(tmp_path / "shop", {"src/main.rs": 'fn main() { println!("hello"); }'})
    before = (tmp_path / "shop" / "Cargo.toml").read_bytes()
    code, out, err = ferrule("init", "shop", "--write")
    assert (code, out) == (0, "")
    assert err == "the source names nothing to set: `ferrule build` takes the project as it is\n"
    assert (tmp_path / "shop" / "Cargo.toml").read_bytes() == before


def test_a_lock_file_that_is_not_up_to_date_is_no_proof_of_a_database(
    ferrule: Ferrule, tmp_path: Path
) -> None:
    locked = '[[package]]\nname = "sqlx-mysql"\nversion = "0.9.0"\n'
    lock = f'version = 4\n{locked}\n[[package]]\nname = "shop"\nversion = "0.0.1"\n'
    write_project(tmp_path / "shop", {"src/main.rs": MAIN, "Cargo.lock": lock})
    assert "Cargo.lock is not up to date" in (said := ferrule("init", "shop")[2])
    assert "MySQL" not in said


def test_settings_of_the_workspace_count_too(ferrule: Ferrule, tmp_path: Path) -> None:
    table = '[workspace]\n[workspace.metadata.ferrule]\nlink = "static"\n'
    write_project(tmp_path / "shop", {"Cargo.toml": manifest(extra=table)})
    code, out, err = ferrule("init", "shop")
    assert (code, out) == (3, "")
    assert "error: Cargo.toml has [workspace.metadata.ferrule] already\nhint: " in err


def test_a_table_in_braces_takes_no_second_part(ferrule: Ferrule, tmp_path: Path) -> None:
    text = manifest().replace("[package]", "[package]\nmetadata = { docs = 1 }", 1)
    write_project(tmp_path / "shop", {"Cargo.toml": text, "src/main.rs": MAIN})
    code, _, err = ferrule("init", "shop", "--write")
    assert code == 3
    assert "cannot take another table at its end\nhint: " in err
    assert (tmp_path / "shop" / "Cargo.toml").read_text() == text
