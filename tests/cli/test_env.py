"""`ferrule env` on a small project: the list, the check, the proposal, and what an image may not hold."""

import json
from pathlib import Path

import pytest

from tests.cargo_projects import manifest, write_files, write_project
from tests.cli.conftest import InProject

QUOTED = "the quotes are part of the value, as Docker and podman read such a file"
CONTRACT = """
[package.metadata.ferrule.env]
RUST_LOG = "info"
APP_URL = { required = true, secret = true, type = "url", doc = "the shop's database" }
APP_PORT = { type = "port", default = "3000" }
APP_ENV = { pattern = "development|production" }
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return write_project(tmp_path / "shop", {"Cargo.toml": manifest(extra=CONTRACT)})


@pytest.mark.usefixtures("project")
def test_the_list(without_secret: InProject) -> None:
    code, out, err = without_secret("env", "shop")
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        "APP_ENV   matches development|production",
        'APP_PORT  port, default "3000"',
        "APP_URL   required, secret, url  the shop's database",
        'RUST_LOG  default "info"',
    ]
    assert json.loads(without_secret("env", "shop", "--json")[1]) == {
        "version": 1,
        "variables": [
            {"name": "APP_ENV", "pattern": "development|production"},
            {"name": "APP_PORT", "default": "3000", "type": "port"},
            {
                "name": "APP_URL",
                "required": True,
                "secret": True,
                "type": "url",
                "doc": "the shop's database",
            },
            {"name": "RUST_LOG", "default": "info"},
        ],
    }


@pytest.mark.usefixtures("project")
def test_a_file_that_keeps_the_contract(without_secret: InProject, tmp_path: Path) -> None:
    (tmp_path / "prod.env").write_text(
        "# as Docker reads it\nAPP_URL=postgres://a:hunter2@b/c\nAPP_ENV=production\n"
    )
    assert without_secret("env", "shop", "--check", "prod.env") == (
        0,
        "",
        "prod.env keeps the contract: 4 variables\n",
    )


@pytest.mark.usefixtures("project")
def test_all_faults_of_a_file_at_once(without_secret: InProject, tmp_path: Path) -> None:
    (tmp_path / "bad.env").write_text('APP_ENV="production"\nAPP_PORT=hunter2\nAPP_ULR=hunter2\n')
    code, out, err = without_secret("env", "shop", "--check", "bad.env")
    assert code == 3
    assert out.splitlines() == [
        f"APP_ENV   does not match development|production: {QUOTED}",
        "APP_PORT  is not a port",
        "APP_URL   is missing (the shop's database)",
    ]
    assert err.splitlines() == [
        "warning: APP_ULR is not in the contract; did you mean APP_URL?",
        "error: bad.env does not keep the contract: 3 variables to mend",
        "hint: `ferrule env` lists what each is for",
    ]
    faults = json.loads(without_secret("env", "shop", "--check", "bad.env", "--json")[1])["faults"]
    assert [fault["name"] for fault in faults] == ["APP_ENV", "APP_PORT", "APP_URL"]


@pytest.mark.usefixtures("project")
def test_what_a_shell_would_read_otherwise_is_told(without_secret: InProject, tmp_path: Path) -> None:
    lines = ("APP_URL=https://hunter2", "APP_PORT=80 # hunter2", "APP_ENV= production", "APP_PORT=81 ")
    others = ('A="hunter2"', 'B="hunter2', "hunter2")
    (tmp_path / "odd.env").write_text("\n".join((*lines, *others)))
    code, out, err = without_secret("env", "shop", "--check", "odd.env")
    assert code == 3
    assert out.splitlines() == [
        "APP_ENV   does not match development|production: the blanks around it are part of the value",
        "APP_PORT  is not a port: the blanks around it are part of the value",
    ]
    as_read = "as Docker and podman read such a file"
    assert err.splitlines()[:3] == [
        "warning: APP_PORT is there 2 times; the last one counts",
        f"warning: A begins with a quote: the quotes are part of the value, {as_read}",
        f"warning: B begins with a quote: its value ends with the line, {as_read}",
    ]
    (tmp_path / "odd.env").write_text("\n".join(lines[:2]))
    out = without_secret("env", "shop", "--check", "odd.env")[1]
    assert out == "APP_PORT  is not a port: what stands behind it is part of the value, no comment\n"


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("export APP_PORT=hunter2", "`export` is for a shell: Docker and podman read NAME=VALUE alone"),
        ("APP_PORT = hunter2", "there is a blank before the ="),
        ("hunter2 hunter2", "the line is no NAME=VALUE, and a value ends with its line"),
        ("A B=hunter2", "the name of the variable has a blank or a NUL in it"),
    ],
)
def test_a_line_that_docker_does_not_take_is_told_apart(
    without_secret: InProject, tmp_path: Path, line: str, reason: str
) -> None:
    (tmp_path / "odd.env").write_text(f"A=1\n{line}\n")
    code, _, err = without_secret("env", "shop", "--check", "odd.env")
    assert code == 2
    assert err.splitlines()[0] == f"error: odd.env:2: {reason}"


@pytest.mark.usefixtures("project")
def test_the_environment_here(without_secret: InProject, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APP_URL", "")
    code, out, err = without_secret("env", "shop", "--check", "-")
    assert (code, out) == (3, "APP_URL  is empty (the shop's database)\n")
    assert "error: the environment here does not keep the contract: 1 variable to mend" in err
    monkeypatch.setenv("APP_URL", "postgres://a:hunter2@b/c")
    assert without_secret("env", "shop", "--check", "-")[0] == 0


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(
    ("arguments", "code", "error"),
    [
        (("--check", "no.env"), 2, "no.env cannot be read: No such file or directory"),
        (("--check", ""), 2, "cannot be read"),
        (("--check", "."), 2, ". cannot be read: Is a directory"),
        (("--check", ""), 2, "cannot be read: Is a directory"),
        (("--check", "", "--scan"), 2, "--scan and --check are two different things"),
        (("--check", "-", "--scan"), 2, "--scan and --check are two different things"),
        (("--bin", "other"), 3, "there is no binary 'other'"),
    ],
)
def test_wrong_input(without_secret: InProject, arguments: tuple[str, ...], code: int, error: str) -> None:
    found, out, err = without_secret("env", "shop", *arguments)
    assert (found, out) == (code, "")
    assert err.startswith(f"error: {error}")
    assert "\nhint: " in err


def test_the_proposal(without_secret: InProject, tmp_path: Path) -> None:
    main = """
        fn main() {
            let url = std::env::var("DATABASE_URL").expect("needed");
            let port = std::env::var("APP_PORT").unwrap_or("8080".into());
            let port = std::env::var("APP_PORT");
            let log = std::env::var("RUST_LOG");
            let any = std::env::var(url);
        }
    """
    table = '[package.metadata.ferrule.env]\nRUST_LOG = "info"\nOLD = "x"\n'
    write_project(
        tmp_path / "shop",
        {
            "Cargo.toml": manifest(extra=table),
            "src/main.rs": main,
            "src/bin/b.rs": main,
            "src/bin/c/main.rs": "mod of_c;",
            "src/bin/c/of_c.rs": main,
        },
    )
    code, out, err = without_secret("env", "shop", "--bin", "hello", "--scan")
    assert code == 0
    assert out.splitlines() == [
        "[package.metadata.ferrule.env]",
        'APP_PORT = { default = "8080", type = "port" }                   # src/main.rs:4, src/main.rs:5',
        'DATABASE_URL = { required = true, secret = true, type = "url" }  # src/main.rs:3',
    ]
    assert err.splitlines() == [
        "src/main.rs:7 reads a variable whose name is not written there",
        "OLD is in the contract, and no source was seen that reads it",
    ]
    found = json.loads(without_secret("env", "shop", "--bin", "hello", "--scan", "--json")[1])
    assert found["proposed"][1]["places"] == ["src/main.rs:3"]
    assert found["unread"] == ["OLD"]


def test_the_proposal_is_a_contract(without_secret: InProject, tmp_path: Path) -> None:
    main = 'fn main() { std::env::var("A_URL").unwrap(); std::env::var("B").unwrap_or("\\"\\n".into()); }'
    write_project(tmp_path / "shop", {"src/main.rs": main})
    _, out, _ = without_secret("env", "shop", "--scan")
    with (tmp_path / "shop" / "Cargo.toml").open("a") as file:
        file.write(f"\n{out}")
    assert [each["name"] for each in json.loads(without_secret("env", "shop", "--json")[1])["variables"]] == [
        "A_URL",
        "B",
    ]
    code, out, err = without_secret("env", "shop", "--scan")
    assert (code, out) == (0, "")
    assert err == "the contract has every variable that was found in the source\n"


def test_members_that_are_in_the_program_are_read_too(without_secret: InProject, tmp_path: Path) -> None:
    files = {
        "Cargo.toml": '[workspace]\nmembers = ["a", "b", "c"]\nresolver = "2"\n',
        "a/Cargo.toml": manifest("a", '[dependencies]\nb = { path = "../b" }\n'),
        "a/src/main.rs": "fn main() {}",
        "b/Cargo.toml": manifest("b"),
        "b/src/lib.rs": 'pub fn f() { std::env::var("IN_B"); }',
        "c/Cargo.toml": manifest("c"),
        "c/src/lib.rs": 'pub fn f() { std::env::var("IN_C"); }',
    }
    write_files(tmp_path / "shop", files)
    assert without_secret("env", "shop", "-p", "a", "--scan")[1].splitlines() == [
        "[package.metadata.ferrule.env]",
        "IN_B = {}  # b/src/lib.rs:1",
    ]
