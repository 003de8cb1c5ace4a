"""Files of a project become entries of an image: folders, patterns, links, and what is refused."""

import shutil
from pathlib import Path, PurePosixPath

import pytest

from ferrule.base.entry import FileEntry
from ferrule.errors import ProjectError
from ferrule.process import Command, SystemRunner
from ferrule.values import FileCopy, parse_file
from ferrule.verbs.files import collect_files
from tests.cargo_projects import write_files
from tests.parts.need import need

KEY = "-----BEGIN PRIVATE KEY-----\nMC4CAQ\n-----END PRIVATE KEY-----\n"


def copy(source: str, target: str = "/app/s") -> FileCopy:
    return FileCopy(source=source, target=PurePosixPath(target))


def collected(place: Path, *copies: FileCopy) -> tuple[FileEntry, ...]:
    return collect_files(copies, place, place)


def names(place: Path, *sources: str) -> list[str]:
    """The paths in the image of all that is no folder, without /app/s."""
    entries = collected(place, *map(copy, sources))
    return sorted(
        str(entry.path).removeprefix("/app/s").lstrip("/") for entry in entries if entry.kind == "file"
    )


def refusal(place: Path, *copies: FileCopy) -> ProjectError:
    with pytest.raises(ProjectError) as caught:
        collected(place, *copies)
    assert caught.value.exit_code == 3
    assert "\n" not in f"{caught.value.message}{caught.value.hint}"
    return caught.value


def test_folders_are_taken_whole_with_normalised_modes(tmp_path: Path) -> None:
    write_files(tmp_path, {"static/js/a.js": "a", "static/run": "r", "static/.well-known/x": "x"})
    (tmp_path / "static" / "run").chmod(0o700)
    (tmp_path / "static" / "js" / "a.js").chmod(0o600)
    found = {str(entry.path): (entry.kind, oct(entry.mode)) for entry in collected(tmp_path, copy("static"))}
    assert found == {
        "/app/s": ("dir", "0o755"),
        "/app/s/.well-known": ("dir", "0o755"),
        "/app/s/.well-known/x": ("file", "0o644"),
        "/app/s/js": ("dir", "0o755"),
        "/app/s/js/a.js": ("file", "0o644"),
        "/app/s/run": ("file", "0o755"),
    }


def test_links_inside_the_project_are_followed_and_loops_are_refused(tmp_path: Path) -> None:
    write_files(tmp_path, {"real/x": "x"})
    (tmp_path / "link").symlink_to("real")
    entries = collected(tmp_path, copy("link", "/l"))
    assert [(str(entry.path), entry.kind) for entry in entries] == [("/l", "dir"), ("/l/x", "file")]
    (tmp_path / "real" / "up").symlink_to("..")
    for source in ("real", "real/**", "real/**/x"):
        assert "holds a link to itself" in refusal(tmp_path, copy(source)).message


def test_a_link_to_itself_is_refused(tmp_path: Path) -> None:
    write_files(tmp_path, {"static/a": ""})
    (tmp_path / "static" / "loop").symlink_to("loop")
    for source in ("static", "static/loop", "static/*"):
        assert "static/loop" in refusal(tmp_path, copy(source)).message


def test_later_files_win_over_earlier_ones(tmp_path: Path) -> None:
    write_files(tmp_path, {"a": "a", "b": "b"})
    (entry,) = collected(tmp_path, copy("a", "/x"), copy("b", "/x"))
    assert entry.source == tmp_path / "b"


WEB = {
    "static/a.css": "",
    "static/css/b.css": "",
    "static/css/deep/c.css": "",
    "static/css/c.js": "",
    "static/.hidden.css": "",
    "static/.cache/d.css": "",
    "templates/a.html": "",
    "templates/sub/b.html": "",
    "templates/[id].html": "",
}


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("static/**/*.css", ["a.css", "css/b.css", "css/deep/c.css"]),
        ("static/*.css", ["a.css"]),
        ("static/c*", ["css/b.css", "css/c.js", "css/deep/c.css"]),
        ("static/c*/*.[cj]s*", ["css/b.css", "css/c.js"]),
        ("static/**/deep", ["css/deep/c.css"]),
        ("static/css/**", ["b.css", "c.js", "deep/c.css"]),
        ("static/.*.css", [".hidden.css"]),
        ("static/.*/*.css", [".cache/d.css"]),
        ("./templates/?.html", ["a.html"]),
        ("*/a.*", ["static/a.css", "templates/a.html"]),
        ("**/b.*", ["static/css/b.css", "templates/sub/b.html"]),
        ("templates/[id].html", [""]),
        ("templates/[[]*.html", ["[id].html"]),
    ],
)
def test_a_pattern_takes_what_a_shell_would_from_its_first_wildcard_on(
    tmp_path: Path, pattern: str, found: list[str]
) -> None:
    write_files(tmp_path, WEB)
    assert names(tmp_path, pattern) == found


def test_patterns_agree_with_bash(tmp_path: Path) -> None:
    need(shutil.which("bash"), "bash")
    write_files(tmp_path, WEB)
    for pattern in (
        "static/**/*.css",
        "static/c*/*.[cj]s*",
        "*/a.*",
        "**/*.html",
        "static/.*.css",
        "**/c*.*",
    ):
        script = f"shopt -s globstar failglob; printf '%s\\n' {pattern}"
        said = SystemRunner().run(Command(argv=("bash", "-c", script), cwd=tmp_path)).stdout.decode()
        entries = collect_files((copy(pattern, "/x"),), tmp_path, tmp_path)
        assert sorted(str(entry.source) for entry in entries) == sorted(
            str(tmp_path / name) for name in said.split()
        )


def test_links_that_lead_in_a_circle_are_not_there(tmp_path: Path) -> None:
    write_files(tmp_path, {"static/x": "x"})
    (tmp_path / "static" / "loop").symlink_to("loop")
    for source in ("static", "static/loop", "static/*"):
        assert refusal(tmp_path, copy(source)).message.endswith("loop' is not there")


def test_a_pattern_finds_files_behind_links_and_refuses_those_that_leave(tmp_path: Path) -> None:
    place = tmp_path / "project"
    write_files(place, {"shared/a.css": "", "static/b.css": ""})
    (place / "static" / "more").symlink_to("../shared")
    assert names(place, "static/**/*.css") == ["b.css", "more/a.css"]
    write_files(tmp_path, {"outside/c.css": ""})
    (place / "static" / "c.css").symlink_to("../../outside/c.css")
    assert "leaves the project" in refusal(place, copy("static/*.css")).message
    assert names(place, "static/b*") == ["b.css"]
    (place / "static" / "c.css").unlink()
    (place / "static" / "out").symlink_to("../../outside")
    assert "leaves the project" in refusal(place, copy("static/**/*.css")).message
    assert "leaves the project" in refusal(place, copy("../outside/*.css")).message


def test_a_folder_comes_without_those_in_it_that_can_be_made_anew(tmp_path: Path) -> None:
    write_files(tmp_path, {"a.css": "", "target/CACHEDIR.TAG": "", "target/program": ""})
    assert names(tmp_path, ".") == ["a.css"]


def test_a_wildcard_passes_by_the_folders_that_can_be_made_anew(tmp_path: Path) -> None:
    write_files(tmp_path, {"web/a.html": "", "target/CACHEDIR.TAG": "", "target/doc/b.html": ""})
    assert names(tmp_path, "**/*.html") == ["web/a.html"]
    assert names(tmp_path, "*/*") == ["web/a.html"]
    assert names(tmp_path, "target/doc/*") == ["b.html"]


@pytest.mark.parametrize("pattern", ["static/*.html", "static/**/*.html", "static/css/x*/y", "static/b*/c"])
def test_a_pattern_that_matches_nothing_is_an_error(tmp_path: Path, pattern: str) -> None:
    write_files(tmp_path, WEB)
    error = refusal(tmp_path, copy(pattern))
    assert error.message == f"the pattern '{pattern}' matches nothing"
    assert str(tmp_path) in error.hint


def test_a_pattern_in_a_folder_that_is_not_there_names_the_folder(tmp_path: Path) -> None:
    assert refusal(tmp_path, copy("statik/*.css")).message == "the file 'statik' is not there"


SECRETS = {
    ".env": "an environment file",
    ".env.production": "an environment file",
    ".ENV.local": "an environment file",
    "production.env": "an environment file",
    "Secrets.toml": "a credentials file",
    "id_ed25519": "a private key",
    "tls/server.key": "a private key",
    "store.p12": "a private key",
    ".npmrc": "a credentials file",
    ".netrc": "a credentials file",
    ".git-credentials": "a credentials file",
    "credentials.json": "a credentials file",
    ".docker/config.json": "a credentials file",
    ".aws/credentials": "a credentials file",
    ".cargo/credentials.toml": "a credentials file",
    ".git/config": "the history of the repository",
}


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_in_a_folder_is_refused_unless_it_is_named_exactly(tmp_path: Path, name: str) -> None:
    write_files(tmp_path, {"static/a.css": "", f"static/{name}": "x"})
    error = refusal(tmp_path, copy("static"))
    secret = name.removesuffix("/config") if name.startswith(".git/") else name
    assert error.message == (
        f"static/{secret} looks like a secret ({SECRETS[name]}): whoever can pull the image could read it"
    )
    assert f'{{ from = "static/{secret}", to = "/app/s/{secret}" }}' in error.hint
    # What the hint proposes is what helps.
    entries = collected(tmp_path, copy("static"), copy(f"static/{secret}", f"/app/s/{secret}"))
    assert f"/app/s/{name}" in [str(entry.path) for entry in entries]
    assert names(tmp_path, f"static/{name}") == [""]


def test_a_key_is_known_by_its_content_where_the_name_does_not_tell(tmp_path: Path) -> None:
    account = '{"type": "service_account", "private_key": "' + KEY.replace("\n", "\\n") + '"}'
    write_files(tmp_path, {"a/project-1f.json": account, "b/both.pem": f"a certificate\n{KEY}"})
    write_files(tmp_path, {"d/deploy_key": KEY})
    write_files(tmp_path, {"c/roots.pem": "-----BEGIN CERTIFICATE-----\n", "c/page.html": KEY})
    for pattern in ("a", "b/*.pem", "d"):
        assert "looks like a secret (a private key)" in refusal(tmp_path, copy(pattern)).message
    assert names(tmp_path, "c") == ["page.html", "roots.pem"]


def test_what_only_resembles_a_secret_is_taken(tmp_path: Path) -> None:
    harmless = [".env.example", ".environment", "config.json", "credentials", "example.env", "id_rsa.pub"]
    harmless += ["monkey", "x.git"]
    write_files(tmp_path, {f"static/{name}": "x" for name in harmless})
    assert names(tmp_path, "static") == harmless


def test_a_secret_behind_a_harmless_name_is_seen(tmp_path: Path) -> None:
    write_files(tmp_path, {".env": "PASSWORD=x", "static/a": ""})
    (tmp_path / "static" / "settings.txt").symlink_to("../.env")
    assert refusal(tmp_path, copy("static")).message.startswith("static/settings.txt looks like a secret")
    assert names(tmp_path, "static/settings.txt") == [""]


def test_a_file_where_others_need_a_folder_is_refused(tmp_path: Path) -> None:
    write_files(tmp_path, {"a": "", "b/c": ""})
    for copies in ((copy("a", "/app"),), (copy("a", "/x"), copy("b/c", "/x/c"))):
        error = refusal(tmp_path, *copies)
        assert "other files lie in it" in error.message
        assert f"{copies[0].target}/a" in error.hint


def test_what_cannot_be_read_is_one_clear_line(tmp_path: Path) -> None:
    error = refusal(tmp_path, copy("x" * 300))
    assert error.message.startswith("cannot read ")


def test_a_slash_at_the_end_is_for_folders(tmp_path: Path) -> None:
    write_files(tmp_path, {"a": "", "folder/b": ""})
    assert refusal(tmp_path, parse_file("a:/app/conf/")).hint == "write its own place, such as /app/conf/a"
    assert collected(tmp_path, parse_file("folder:/app/conf/")) == collected(
        tmp_path, parse_file("folder:/app/conf")
    )


@pytest.mark.parametrize("source", ["a", "folder"])
def test_nothing_may_lie_where_a_program_will(tmp_path: Path, source: str) -> None:
    write_files(tmp_path, {"a": "", "folder/b": ""})
    with pytest.raises(ProjectError, match="/app/shop is the program") as caught:
        collect_files((copy(source, "/app/shop"),), tmp_path, tmp_path, ("admin", "shop"))
    assert caught.value.hint == "choose another place for it, such as /app/shop-files"
    assert collect_files((copy(source, "/app/shop-files"),), tmp_path, tmp_path, ("shop",))
