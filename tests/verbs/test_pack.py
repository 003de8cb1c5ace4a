"""Images of binaries that were built elsewhere, without cargo, read by programs that are not ours."""

import json
import os
import subprocess  # noqa: TID251 - the command line itself is under test
import sys
from pathlib import Path

import pytest

from ferrule.elf.facts import read_binary
from tests.fakes.elf import AARCH64, Elf
from tests.fakes.report import without_slow_steps
from tests.journey.ferrule import ferrule, tool
from tests.parts.aids import compiled_aids
from tests.parts.compile import compiled
from tests.parts.debian import debian_tool
from tests.parts.targets import need_targets

RISCV = 243
SAYS = '#include <stdio.h>\nint main(int c, char **v) { printf("%s %d\\n", v[0], c); return c; }\n'


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Five programs, two of them static."""
    folder = tmp_path_factory.mktemp("programs")
    flags = {"shop": ("-static",), "admin": ("-static",), "one": (), "two": ("-pie",), "three": ("-lm",)}
    return {name: compiled(folder, f"{name}.c", SAYS, *more) for name, more in flags.items()}


def pack(*arguments: object, folder: Path, code: int = 0) -> "subprocess.CompletedProcess[str]":
    """`ferrule pack` without cargo or rustc on the PATH."""
    env = {**os.environ, "PATH": "/usr/bin:/bin", "FERRULE_CACHE_DIR": str(folder / "cache")}
    argv = (sys.executable, "-m", "ferrule", "pack", *map(str, arguments))
    finished = subprocess.run(argv, cwd=folder, env=env, capture_output=True, text=True)
    assert finished.returncode == code, finished.stderr
    return finished


def config_of(layout: str) -> dict[str, object]:
    config: dict[str, object] = json.loads(tool("skopeo", "inspect", "--config", layout))["config"]
    return config


@pytest.mark.real
@pytest.mark.parametrize("names", [("shop",), ("one",), ("shop", "admin", "one", "two", "three")])
def test_what_pack_writes_is_read_by_every_judge(
    programs: dict[str, Path], tmp_path: Path, names: tuple[str, ...]
) -> None:
    files = [programs[name] for name in names]
    line = pack(*files, "-o", "oci:out:v1", "-o", "docker-archive:out.tar", folder=tmp_path).stdout
    assert line == "oci:out:v1\ndocker-archive:out.tar\n"
    assert tool(debian_tool("crane"), "validate", "--tarball", tmp_path / "out.tar").startswith("PASS")
    assert config_of(f"oci:{tmp_path}/out:v1")["Entrypoint"] == [f"/app/{names[0]}"]
    tool("umoci", "unpack", "--image", f"{tmp_path}/out:v1", tmp_path / "bundle")
    root = tmp_path / "bundle" / "rootfs"
    assert {path.name for path in (root / "app").iterdir()} == set(names)
    for name in names:
        assert (root / "app" / name).read_bytes() == programs[name].read_bytes()
        assert run_in(root, name) == f"/app/{name} 1"


def run_in(root: Path, name: str) -> str:
    """What the program says in the image's own root: it ends with the number of its arguments."""
    finished = subprocess.run(("chroot", str(root), f"/app/{name}"), capture_output=True, text=True)
    assert finished.returncode == 1, finished.stderr
    return finished.stdout.strip()


def test_the_same_binaries_give_the_same_digest_anywhere(programs: dict[str, Path], tmp_path: Path) -> None:
    digests = set()
    for place in ("a", "b"):
        (tmp_path / place).mkdir()
        said = pack(programs["shop"], "-o", "oci:out", "--json", folder=tmp_path / place).stdout
        digests.add(json.loads(said)["digest"])
    assert len(digests) == 1


@pytest.mark.real
def test_flags_and_the_table_of_a_file_mean_the_same(programs: dict[str, Path], tmp_path: Path) -> None:
    (tmp_path / "static").mkdir()
    (tmp_path / "static" / "x").write_text("x")
    (tmp_path / "image.toml").write_text(
        'args = ["serve"]\nports = [3000]\nhealth = { path = "/health" }\nworkdir = "/srv"\nuser = "1000"\n'
        'stop-signal = "SIGINT"\nvolumes = ["/data"]\nfiles = [{ from = "static", to = "/app/static" }]\n'
        '[env]\nRUST_LOG = "info"\n[labels]\nteam = "a"\n'
    )
    compiled_aids(tmp_path)  # what another machine has compiled, which has Rust
    flags = (
        *("--arg", "serve", "--port", "3000", "--health", "/health", "--workdir", "/srv", "--user", "1000"),
        *("--stop-signal", "SIGINT", "--volume", "/data", "--file", "static:/app/static"),
        *("--env", "RUST_LOG=info", "--label", "team=a"),
    )
    by_flags = json.loads(
        pack(programs["shop"], *flags, "-o", "oci:out:flags", "--json", folder=tmp_path).stdout
    )
    by_file = pack(
        programs["shop"], "--config", "image.toml", "-o", "oci:out:file", "--json", folder=tmp_path
    )
    assert json.loads(by_file.stdout)["digest"] == by_flags["digest"]
    config = config_of(f"oci:{tmp_path}/out:flags")
    assert (config["Cmd"], config["WorkingDir"], config["User"]) == (["serve"], "/srv", "1000:1000")
    assert (config["StopSignal"], config["Volumes"], config["Env"]) == ("SIGINT", {"/data": {}}, rust_log())
    tool("umoci", "unpack", "--image", f"{tmp_path}/out:flags", tmp_path / "bundle")
    data = (tmp_path / "bundle" / "rootfs" / "data").stat()
    assert (data.st_uid, data.st_gid) == (1000, 1000)


@pytest.mark.parametrize(
    ("flags", "cause", "way"),
    [
        (("--port", "3000", "--health", "/h"), "the health probe is compiled", "health = { command = ["),
        (("--init",), "the init is compiled", "leave out init"),
    ],
)
def test_without_rust_the_error_says_what_it_is_for_and_the_ways_out(
    programs: dict[str, Path], tmp_path: Path, flags: tuple[str, ...], cause: str, way: str
) -> None:
    said = pack(programs["shop"], *flags, "-o", "oci:out", folder=tmp_path, code=3).stderr
    error, hint = without_slow_steps(said).splitlines()
    assert error.startswith(f"error: {cause} by rustc")
    assert way in hint
    assert "install Rust" in hint
    assert "cache" in hint
    assert not (tmp_path / "out").exists()


@pytest.mark.real
def test_a_program_for_another_processor_gets_a_probe_for_it(tmp_path: Path) -> None:
    need_targets()
    (tmp_path / "shop").write_bytes(Elf(machine=AARCH64, pie=True).bytes())
    env = {"FERRULE_CACHE_DIR": str(tmp_path / "cache")}
    flags = ("--health", "/h", "--port", "80", "--init", "-o", f"oci:{tmp_path}/out:v1")
    ferrule("pack", str(tmp_path / "shop"), *flags, env=env)
    tool("umoci", "unpack", "--image", f"{tmp_path}/out:v1", tmp_path / "bundle")
    aids = tmp_path / "bundle" / "rootfs" / ".ferrule"
    assert {read_binary(path).platform.architecture for path in aids.iterdir()} == {"arm64"}
    assert {path.name for path in aids.iterdir()} == {"probe", "init"}


def test_a_processor_that_the_probe_does_not_know_is_said_and_gets_no_check(tmp_path: Path) -> None:
    (tmp_path / "shop").write_bytes(Elf(machine=RISCV, pie=True).bytes())
    flags = ("--health", "/h", "--port", "80", "-o", "oci:out:v1")
    said = pack(tmp_path / "shop", *flags, folder=tmp_path).stderr
    assert "warning: no health check for linux/riscv64: the probe does not know the processor" in said
    said = pack(tmp_path / "shop", "--init", "-o", "oci:out:v2", folder=tmp_path, code=3).stderr
    assert said.startswith("error: ferrule has no init for linux/riscv64\nhint: ")


def rust_log() -> list[str]:
    """CA roots come along where nothing is known of the crates, and the variable that names them."""
    return ["SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt", "RUST_LOG=info"]


@pytest.mark.parametrize(
    ("arguments", "code", "cause"),
    [
        (["{shop}"], 2, "where is the image to go?"),
        (["{shop}", "{shop}", "-o", "oci:out"], 2, "two binaries are called shop"),
        (["{shop}", "-t", "{{version}}", "-o", "oci:out"], 2, "--tag {version}: '{version}' is not a tag"),
        (["{shop}", "--volume", "data", "-o", "oci:out"], 2, "'data' is not an absolute path"),
        (["{shop}", "--health", "health", "-o", "oci:out"], 2, "'health' is not a path of a URL"),
        (["{shop}", "--stop-signal", "x", "-o", "oci:out"], 2, "'x' is not a signal"),
        (["{here}/nope", "-o", "oci:out"], 3, "cannot read"),
        (["{here}/text", "-o", "oci:out"], 3, "is no ELF binary"),
        (["{here}/cut", "-o", "oci:out"], 3, "is cut short"),
        (["{shop}", "--config", "nope.toml", "-o", "oci:out"], 3, "cannot read nope.toml"),
        (["{shop}", "--config", "broken.toml", "-o", "oci:out"], 3, "cannot read broken.toml"),
        (
            ["{shop}", "--config", "wrong.toml", "-o", "oci:out"],
            3,
            "wrong.toml.prots is not a key of ferrule",
        ),
        (["{shop}", "--file", "../x:/x", "-o", "oci:out"], 3, "the file '../x'"),
        (["{shop}", "{here}/arm", "-o", "oci:out"], 6, "is for linux/arm64, and "),
        (["{one}", "--base", "scratch", "-o", "oci:out"], 6, "scratch has nothing"),
    ],
)
def test_wrong_input_is_one_clear_line(
    programs: dict[str, Path], tmp_path: Path, arguments: list[str], code: int, cause: str
) -> None:
    (tmp_path / "text").write_text("text")
    (tmp_path / "cut").write_bytes(programs["shop"].read_bytes()[:5000])
    (tmp_path / "arm").write_bytes(Elf(machine=AARCH64, pie=True).bytes())
    (tmp_path / "broken.toml").write_text("[")
    (tmp_path / "wrong.toml").write_text("prots = [1]")
    filled = [argument.format(here=tmp_path, **programs) for argument in arguments]
    finished = pack(*filled, folder=tmp_path, code=code)
    error, hint = finished.stderr.splitlines()[-2:]
    assert error.startswith("error: ")
    assert cause in error
    assert hint.startswith("hint: ")
    assert finished.stdout == ""
    assert not (tmp_path / "out").exists()
