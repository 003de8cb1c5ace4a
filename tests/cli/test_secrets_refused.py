"""No secret goes into an image or into what is said of one: it is refused, or left out."""

import json
from pathlib import Path

import pytest

from tests.cargo_projects import manifest, write_project
from tests.cli.conftest import InProject

HEALTH = """[package.metadata.ferrule.health]
path = "/"
port = 80
header = "X-Door: hunter2"
"""


@pytest.mark.parametrize(
    ("table", "flags", "code", "error"),
    [
        ('URL = "postgres://a:hunter2@b/c"', (), 3, "env URL looks like a URL with a password"),
        ("", ("--env", "DB_PASSWORD=hunter2"), 3, "env DB_PASSWORD looks like a secret, by its name"),
        ("", ("--label", "a=ghp_hunter2" + "a1" * 18), 3, "label a looks like a token of GitHub"),
        (
            "",
            ("--arg", "--url=redis://:hunter2@h"),
            3,
            "the argument in args looks like a URL with a password",
        ),
        ("A = { secret = true }", ("--env", "A=hunter2"), 2, "--env A: a secret has no default"),
        ("A = { type = 'port' }", ("--env", "A=hunter2"), 2, "--env A: the default is not a port"),
        ("A = { secret = true }", ("--label", "a=see hunter2"), 3, "label a looks like the value of A"),
        (
            f"A = {{ secret = true }}\n{HEALTH}",
            (),
            3,
            "the header of health looks like the value of A",
        ),
        (
            "A = { secret = true }",
            ("--health", "/?door=hunter2", "--port", "80"),
            3,
            "a path of health looks like the value of A",
        ),
    ],
)
def test_no_secret_goes_into_an_image(
    without_secret: InProject,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    table: str,
    flags: tuple[str, ...],
    code: int,
    error: str,
) -> None:
    monkeypatch.setenv("A", "hunter2")
    write_project(
        tmp_path / "shop", {"Cargo.toml": manifest(extra=f"[package.metadata.ferrule.env]\n{table}\n")}
    )
    for verb in ("plan", "build"):
        found, out, err = without_secret(verb, "shop", *flags)
        assert (found, out) == (code, "")
        assert err.startswith(f"error: {error}")
        assert "hunter2" not in err


def test_a_development_url_may_be_allowed(without_secret: InProject, tmp_path: Path) -> None:
    write_project(tmp_path / "shop")
    flags = ("--env", "URL=postgres://shop:shop@localhost/shop")
    code, _, err = without_secret("plan", "shop", *flags)
    assert code == 3
    assert "add --allow-secret URL" in err
    assert without_secret("plan", "shop", *flags, "--allow-secret", "URL")[0] == 0


def test_a_login_in_the_repository_s_url_is_left_out(without_secret: InProject, tmp_path: Path) -> None:
    text = manifest().replace("edition", 'repository = "https://me:hunter2@example.com/shop"\nedition')
    write_project(tmp_path / "shop", {"Cargo.toml": text})
    plan = json.loads(without_secret("plan", "shop", "--json")[1])
    assert "hunter2" not in json.dumps(plan)
