import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from ferrule.image.archive import write_archive
from ferrule.oci.reference import parse_reference
from tests.cargo_projects import write_project
from tests.cli.conftest import LOWER, RUN, UPPER, Ferrule, Refused
from tests.fakes.images import entry, image_of, tar_of, write_layout_of

SCREEN = """\
    image  oci:layout
   digest  sha256:{digest}
 platform  linux/amd64
     user  65532:65532
  program  /app/tool 'two words'
arguments  serve
  workdir  /app
variables  RUST_LOG=info
           MODE=prod
    ports  3000/tcp
   signal  SIGINT
   labels  title=tool
     base  Tiny 1 (test), as its os-release says; no label names it
     size  1.54 kB unpacked, {stored} stored, 2 layers
   layers   1  {first}   2.08 kB     {a} stored            4 files  a test
            2  {second}   1.50 kB     {b} stored  1 file, 1 removal  a test
   hidden  2.04 kB in 2 files that no container sees
            2.00 kB  /app/tool of layer 1, which layer 2 replaces
               40 B  /etc/shadow of layer 1, which layer 2 removes
"""


def test_the_whole_screen_of_an_image(ferrule: Ferrule) -> None:
    said = json.loads(ferrule("inspect", "oci:layout", "--json"))
    first, second = said["layers"]

    assert ferrule("inspect", "oci:layout") == SCREEN.format(
        digest=said["digest"].removeprefix("sha256:"),
        stored=f"{said['stored']} B",
        first=first["digest"][7:19],
        second=second["digest"][7:19],
        a=f"{first['stored']} B",
        b=f"{second['stored']} B",
    )


TREE = """\
drwxr-xr-x  0:0            /
drwxr-xr-x  0:0              app/
-rwxr-xr-x  0:0   1.50 kB      tool
lrw-r--r--  0:0              bin -> usr/bin
drwxr-xr-x  0:0              etc/
-rw-r--r--  0:0      38 B      os-release
drwxrwxrwt  0:0              tmp/
"""


def test_the_files_are_those_that_a_container_sees(ferrule: Ferrule) -> None:
    assert ferrule("inspect", "layout", "--files") == TREE


def test_one_layer_shows_what_it_brings_and_what_it_removes(ferrule: Ferrule) -> None:
    shown = ferrule("inspect", "layout", "--layer", "2").splitlines()

    assert [line.split()[-1] for line in shown[:1]] == ["tool"]
    assert [line.split(maxsplit=2)[-1] for line in shown[1:]] == ["shadow (removed)", "tmp/"]
    assert "-rwsr-xr-x" in ferrule("inspect", "layout", "--layer", "1")
    assert "0:42" in ferrule("inspect", "layout", "--layer", "1")


def test_json_has_everything(ferrule: Ferrule) -> None:
    said: dict[str, Any] = json.loads(ferrule("inspect", "layout", "--json", "--files"))

    assert said["version"] == 1
    assert said["config"]["Cmd"] == ["serve"]
    assert [layer["size"] for layer in said["layers"]] == [2078, 1500]
    assert said["hidden"]["size"] == 2040
    assert {"path": "/etc/shadow", "size": 40, "layer": 1, "by": 2, "how": "removed"} in said["hidden"][
        "files"
    ]
    tool = next(file for file in said["files"] if file["path"] == "/app/tool")
    assert tool == {
        "path": "/app/tool",
        "kind": "file",
        "mode": "0755",
        "uid": 0,
        "gid": 0,
        "size": 1500,
        "layer": 2,
    }
    layer = json.loads(ferrule("inspect", "layout", "--json", "--layer", "1"))
    assert "/etc/shadow" in {file["path"] for file in layer["files"]}
    assert "files" not in json.loads(ferrule("inspect", "layout", "--json"))


def test_an_archive_tells_the_same_as_the_layout_it_came_from(ferrule: Ferrule, tmp_path: Path) -> None:
    image = image_of(tmp_path / "again", [LOWER, UPPER], **RUN)
    write_archive(image, (parse_reference("tool:1"), parse_reference("tool:2")), tmp_path / "image.tar")

    of_layout = json.loads(ferrule("inspect", "layout", "--json"))
    for name in ("docker-archive:image.tar:tool:2", "oci-archive:image.tar:1"):
        assert json.loads(ferrule("inspect", name, "--json")) == {**of_layout, "image": name}


def test_an_archive_without_an_oci_index_is_read_by_its_names(ferrule: Ferrule, tmp_path: Path) -> None:
    image = image_of(tmp_path / "again", [LOWER, UPPER], **RUN)
    write_archive(image, (parse_reference("tool:1"),), tmp_path / "both.tar")
    with tarfile.open(tmp_path / "both.tar") as both, tarfile.open(tmp_path / "docker.tar", "w") as docker:
        for member in both:
            if member.name not in ("index.json", "oci-layout"):
                docker.addfile(member, both.extractfile(member))

    said = json.loads(ferrule("inspect", "docker.tar", "--json"))

    assert (said["digest"], said["size"], said["hidden"]["size"]) == (None, 1538, 2040)
    assert [layer["digest"] for layer in said["layers"]] == [None, None]


def test_an_index_gives_the_image_for_the_platform_that_is_asked_for(
    ferrule: Ferrule, tmp_path: Path
) -> None:
    write_layout_of(tmp_path / "two", {"amd64": ((LOWER,), {}), "arm64": ((UPPER,), {})})

    said = json.loads(ferrule("inspect", "two", "--platform", "linux/arm64", "--json"))

    assert (said["platform"], said["size"]) == ("linux/arm64", 1500)


def test_an_image_for_another_processor_needs_no_flag(ferrule: Ferrule, tmp_path: Path) -> None:
    write_layout_of(tmp_path / "other", {"s390x": ((UPPER,), {})})

    assert json.loads(ferrule("inspect", "other", "--json"))["platform"] == "linux/s390x"


def test_names_in_an_image_cannot_steer_the_terminal(ferrule: Ferrule, tmp_path: Path) -> None:
    evil = "\x1b[2J\nerror: all is lost"
    image_of(tmp_path / "evil", [tar_of([entry(f"a{evil}")])], Labels={evil: evil}, User=evil)

    for flags in ((), ("--files",), ("--layer", "1")):
        assert "\x1b" not in ferrule("inspect", "evil", *flags)
    assert "\nerror" not in ferrule("inspect", "evil")


def test_files_are_not_asked_of_a_binary(refused: Refused) -> None:
    import sys

    code, error, _ = refused("inspect", sys.executable, "--files")
    assert (code, error) == (2, f"--files is for images, and {sys.executable} is a binary")


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("layout", "--layer", "3"), 2, "Invalid value for '--layer': the image has 2 layers"),
        (("layout", "--layer", "0"), 2, "0 is not in the range"),
        (("layout", "--platform", "arm64"), 2, "is not a platform"),
        (("oci:layout:v9",), 3, "has no image 'v9'"),
        (("oci:nowhere",), 3, "nowhere is no OCI layout"),
        (("oci:",), 2, "no path behind the colon"),
        (("docker-daemon:",), 2, "no name behind docker-daemon:"),
        (("docker-archive:nowhere.tar",), 3, "nowhere.tar cannot be read"),
        (("./nothing",), 3, "cannot read nothing"),
        (("UPPER/case:1",), 2, "is not an image reference"),
    ],
)
def test_what_cannot_be_inspected_is_said_in_a_line(
    refused: Refused, arguments: tuple[str, ...], code: int, says: str
) -> None:
    exit_code, error, hint = refused("inspect", *arguments)

    assert says in error
    assert exit_code == code
    assert hint


def test_the_folder_of_a_project_is_answered_with_what_it_takes(refused: Refused, tmp_path: Path) -> None:
    write_project(tmp_path / "shop")

    code, error, hint = refused("inspect", f"{tmp_path}/shop")

    assert (code, error) == (3, f"{tmp_path}/shop is a project and no image")
    assert hint == f"write ferrule inspect $(ferrule build {tmp_path}/shop)"


def test_docker_that_does_not_answer_hints_at_nothing_that_only_run_can_do(
    refused: Refused, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no.sock")

    code, error, hint = refused("inspect", "docker-daemon:shop:1")

    assert (code, error) == (6, f"docker does not answer at unix://{tmp_path}/no.sock")
    assert hint == "start docker, or set DOCKER_HOST"
