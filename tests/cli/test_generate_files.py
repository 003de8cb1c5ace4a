"""`ferrule generate` where files are there: left over, another program's, somebody else's, links."""

import json
from pathlib import Path

import pytest

from tests.cargo_projects import manifest
from tests.cli.conftest import CONTRACT, InProject


@pytest.fixture
def ferrule(in_project: InProject) -> InProject:
    return in_project


def keys(example: Path, text: str) -> None:
    """Replace the project's settings but for its environment."""
    file = example.with_name("Cargo.toml")
    file.write_text(manifest(extra=f"{CONTRACT}[package.metadata.ferrule]\n{text}"))


def test_what_is_not_generated_any_more_is_named(ferrule: InProject, example: Path) -> None:
    project = example.parent
    keys(
        example, 'ports = [8080]\nhealth = { path = "/", live = "/live" }\nmigrate = { args = ["migrate"] }\n'
    )
    assert ferrule("generate", "kubernetes", "systemd", "dockerfile")[0] == 0
    mine = project / "deploy" / "systemd" / "mine.service"
    mine.write_text("[Service]\n")
    keys(example, "ports = [8080]\n")
    ends = (
        "docker/probe.rs",
        "docker/sys.rs",
        "kubernetes/resources/migrate.yaml",
        "systemd/hello-health.service",
        "systemd/hello-health.timer",
    )
    stale = [str(project / "deploy" / end) for end in ends]
    code, _, err = ferrule("generate", "--check")
    assert code == 3
    assert f"; 5 files not generated any more: {', '.join(stale)}\nhint: ferrule generate " in err
    code, _, err = ferrule("generate", "kubernetes", "systemd", "dockerfile")
    assert code == 0
    assert err.count(" is not generated any more: delete it\n") == 5
    code, out, err = ferrule("generate", "--check")
    assert (code, out) == (3, "")
    paths = ", ".join(stale)
    assert err == f"error: 5 files not generated any more: {paths}\nhint: delete {paths}\n"
    files = json.loads(ferrule("generate", "systemd", "--json", "--diff")[1])["files"]
    assert {"kind": "systemd", "path": stale[-1], "state": "stale", "diff": ""} in files
    for path in stale:
        Path(path).unlink()
    assert ferrule("generate", "--check") == (0, "", "")


def test_a_renamed_program_leaves_files_behind(ferrule: InProject, example: Path) -> None:
    ferrule("generate", "systemd", "compose")
    file = example.with_name("Cargo.toml")
    file.write_text(file.read_text().replace('"hello"', '"welcome"'))
    code, _, err = ferrule("generate", "systemd", "compose")
    assert code == 0
    assert "hello.service is not generated any more: delete it" in err
    assert "name: welcome\n" in example.with_name("compose.yaml").read_text()


def test_a_second_program_does_not_take_the_place_of_the_first(ferrule: InProject, example: Path) -> None:
    other = example.parent / "src" / "bin" / "other.rs"
    other.parent.mkdir()
    other.write_text("fn main() {}\n")
    composed = example.with_name("compose.yaml")
    assert ferrule("generate", "compose", "systemd", "--bin", "hello")[0] == 0
    before = composed.read_text()
    code, out, err = ferrule("generate", "systemd", "compose", "--bin", "other")
    assert (code, out) == (3, "")
    assert err.startswith(f"error: {composed}: it was generated for hello\nhint: --output DIR ")
    assert not (example.parent / "deploy" / "systemd" / "other.service").exists()
    assert composed.read_text() == before
    code, out, _ = ferrule("generate", "compose", "--check", "--bin", "other")
    assert code == 3
    assert "+name: other\n" in out
    assert (
        f"{composed}  (the service on one machine, with the database that it needs; that of hello is there)"
        in (ferrule("generate", "--bin", "other")[1])
    )
    assert ferrule("generate", "systemd", "--bin", "other")[0] == 0
    assert ferrule("generate", "systemd", "--check", "--bin", "hello") == (0, "", "")
    place = example.parent / "deploy" / "other"
    assert ferrule("generate", "compose", "--bin", "other", "-o", str(place))[0] == 0
    assert ferrule("generate", "--check", "--bin", "other", "-o", str(place)) == (0, "", "")
    assert ferrule("generate", "compose", "--force", "--bin", "other")[0] == 0
    assert composed.read_text() != before


def test_without_a_kind_it_says_what_is_there(ferrule: InProject, example: Path) -> None:
    example.with_name("Dockerfile").write_text("FROM scratch\n")
    ferrule("generate", "env", "kubernetes")
    example.write_text(example.read_text().replace("RUST_LOG=info", "RUST_LOG=debug"))
    code, out, err = ferrule("generate")
    assert (code, err) == (0, "nothing is written without a KIND, such as `ferrule generate compose`\n")
    ends = {
        line.split()[1]: line.rpartition("; ")[2]
        for line in out.splitlines()
        if "; it" in line or "--force" in line
    }
    assert ends[str(example)] == "it is there, and has drifted)"
    code, shown, err = ferrule("generate", "--diff")
    assert (code, err, shown.startswith(out)) == (0, "", True)
    assert "\n-RUST_LOG=debug\n" in shown
    assert "-FROM scratch" not in shown
    assert ferrule("generate", "dockerfile", "--diff")[0] == 3
    assert ends[str(example.with_name("Dockerfile"))] == "another one is there, which only --force replaces)"
    assert ends[str(example.parent / "deploy" / "kubernetes" / "kustomization.yaml")] == "it is there)"


def test_a_hint_has_the_flags_that_chose_the_files(ferrule: InProject, tmp_path: Path) -> None:
    place = tmp_path / "elsewhere"
    _, _, err = ferrule("generate", "env", "--check", "--bin", "hello", "-o", str(place))
    assert err.endswith(f"\nhint: ferrule generate env --bin hello --output {place}\n")


def test_a_link_is_followed_where_it_stays_in_the_project(
    ferrule: InProject, example: Path, tmp_path: Path
) -> None:
    behind = example.with_name("env.txt")
    example.symlink_to(behind.name)
    assert ferrule("generate", "env")[0] == 0
    assert example.is_symlink()
    assert "APP_URL=" in behind.read_text()
    example.unlink()
    for target in (tmp_path / "outside", example):
        example.symlink_to(target)
        code, _, err = ferrule("generate", "env")
        assert (code, err.splitlines()[0]) == (3, f"error: {example}: a link leads out of {example.parent}")
        example.unlink()
    assert not (tmp_path / "outside").exists()
    example.symlink_to(tmp_path / "outside")
    assert ferrule("generate", "env", "--force")[0] == 0
    assert not example.is_symlink()


def test_nothing_is_written_behind_a_folder_that_leads_out_of_the_project(
    ferrule: InProject, example: Path, tmp_path: Path
) -> None:
    (tmp_path / "outside").mkdir()
    (example.parent / "deploy").symlink_to(tmp_path / "outside")
    for force in ((), ("--force",)):
        code, _, err = ferrule("generate", "systemd", *force)
        assert code == 3
        assert f": a link leads out of {example.parent}\n" in err
    assert list((tmp_path / "outside").iterdir()) == []


def test_json_holds_the_diff_that_is_asked_for(ferrule: InProject, example: Path) -> None:
    code, out, _ = ferrule("generate", "env", "--diff", "--json")
    (file,) = json.loads(out)["files"]
    assert (code, file["path"], file["state"]) == (0, str(example), "new")
    assert f"+++ {example}\n" in file["diff"]


def test_a_folder_in_the_place_of_a_file_is_none_of_ours(ferrule: InProject, example: Path) -> None:
    example.with_name("compose.yaml").mkdir()
    assert ferrule("generate", "--check") == (0, "", "")
    code, _, err = ferrule("generate", "compose")
    assert code == 1
    assert err.startswith(f"error: cannot read {example.with_name('compose.yaml')}: Is a directory\n")


def test_an_end_without_a_line_end_is_no_drift(ferrule: InProject, example: Path) -> None:
    ferrule("generate", "env")
    example.write_bytes(example.read_bytes().replace(b"\n", b"\r\n").removesuffix(b"\r\n"))
    assert ferrule("generate", "env", "--check") == (0, "", "")


def test_a_dockerfile_in_a_folder_of_the_project_has_its_paths(ferrule: InProject, example: Path) -> None:
    keys(example, 'ports = [8080]\nhealth = { path = "/" }\n')
    place = example.parent / "deploy" / "hello"
    assert ferrule("generate", "dockerfile", "-o", "deploy/hello")[0] == 0
    text = (place / "Dockerfile").read_text()
    (line,) = (line for line in text.splitlines() if line.endswith(".rs ./"))
    for path in line.split()[1:-1]:
        assert (example.parent / path).is_file()
    assert (place / "Dockerfile.dockerignore").is_file()
    assert ferrule("generate", "dockerfile", "--check", "--output", str(place)) == (0, "", "")
    assert ferrule("generate", "dockerfile", "-o", ".")[0] == 0
    assert "COPY deploy/docker/probe.rs " in example.with_name("Dockerfile").read_text()


def test_a_workflow_lies_at_the_root_of_the_repository(ferrule: InProject, example: Path) -> None:
    """Where GitHub looks for it, whatever else lies in that repository."""
    repository = example.parents[1]
    workflows = repository / ".github" / "workflows"
    (repository / ".git").mkdir()
    assert ferrule("generate", "github") == (0, "", f"{workflows / 'ferrule-hello.yml'}: written\n")
    text = (workflows / "ferrule-hello.yml").read_text()
    assert "    working-directory: shop\n" in text
    assert "            shop/target\n" in text
    assert ferrule("generate", "--check") == (0, "", "")
    # Another project's beside it is none of ours.
    (workflows / "ferrule-other.yml").write_text(text.replace("anew for hello;", "anew for other;"))
    assert ferrule("generate", "github", "--check") == (0, "", "")


def test_two_programs_have_a_workflow_each(ferrule: InProject, example: Path) -> None:
    other = example.parent / "src" / "bin" / "other.rs"
    other.parent.mkdir()
    other.write_text("fn main() {}\n")
    place = example.parent / ".github" / "workflows"
    assert ferrule("generate", "github", "--bin", "hello")[2] == f"{place / 'ferrule.yml'}: written\n"
    assert ferrule("generate", "github", "--bin", "other")[2] == f"{place / 'ferrule-other.yml'}: written\n"
    assert '\nname: "Test and push other"\n' in (place / "ferrule-other.yml").read_text()
    for name in ("hello", "other"):
        assert ferrule("generate", "github", "--check", "--bin", name) == (0, "", "")
