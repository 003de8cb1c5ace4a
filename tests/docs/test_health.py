"""What the reference says of the probe and the init: their size, and what they ask the kernel."""

import re
import shutil
import signal
import subprocess  # noqa: TID251 - traced programs, and signals to them
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.parts.need import need
from tests.probe.conftest import TRIPLES, Tool, compiled, toolchain
from tests.probe.servers import serving, status

__all__ = ["compiled", "toolchain"]

pytestmark = pytest.mark.real
PAGE = (Path(__file__).resolve().parents[2] / "docs" / "reference" / "health.md").read_text(encoding="utf-8")
TOLERANCE = 0.15
"""Other versions of Rust make programs of another size."""


def rows(header: str) -> dict[str, str]:
    """The table below the header: first column → the rest."""
    table = PAGE.partition(header)[2].partition("\n\n")[0]
    return dict(re.findall(r"^\| (\w+) \| (.*) \|$", table, re.MULTILINE))


@pytest.mark.parametrize("name", ["probe", "init"])
def test_the_page_says_their_sizes(compiled: Callable[[str, str], Tool], name: str) -> None:
    said = rows("| | amd64 | arm64 |")[name].split(" | ")
    for text, processor in zip(said, TRIPLES, strict=True):
        size = compiled(name, processor).path.stat().st_size
        assert abs(size / int(text.replace(",", "")) - 1) < TOLERANCE, f"{processor}: {size} bytes"


@pytest.mark.parametrize("processor", list(TRIPLES))
def test_the_page_lists_every_system_call_of_the_probe(
    compiled: Callable[[str, str], Tool], processor: str, tmp_path: Path
) -> None:
    probe = compiled("probe", processor)
    with serving(status(200)) as port:
        made = calls(traced(probe, tmp_path, f"http://localhost:{port}/"))
    made |= calls(traced(probe, tmp_path, f"http://localhost:{port}/"))
    assert sorted(made) == listed("probe")


@pytest.mark.parametrize("processor", list(TRIPLES))
def test_the_page_lists_every_system_call_of_the_init(
    compiled: Callable[[str, str], Tool], processor: str, tmp_path: Path
) -> None:
    init = compiled("init", processor)
    script = "trap 'exit 0' TERM; echo ready; while :; do sleep 0.05; done"
    made = calls(traced(init, tmp_path, "--", "/bin/sh", "-c", script, stop=True))
    made |= calls(traced(init, tmp_path, "--", "/nowhere"))
    assert sorted(made) == listed("init")


def listed(name: str) -> list[str]:
    return re.findall(r"`(\w+)`", rows("| | system calls |")[name])


def traced(tool: Tool, folder: Path, *words: str, stop: bool = False) -> str:
    """The trace of a run; with `stop` it is sent SIGTERM as soon as its program is ready."""
    need(shutil.which("strace"), "strace")
    log = folder / "trace"
    emulated = ("-strace", "-D", str(log)) if tool.emulator else ()
    tracer = () if tool.emulator else ("strace", "-f", "-o", str(log))
    argv = (*tracer, *tool.emulator, *emulated, str(tool.path), *words)
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        if stop:
            assert process.stdout.readline() == "ready\n"
            target = process.pid if tool.emulator else child_of(process.pid)
            subprocess.run(("kill", f"-{signal.SIGTERM}", str(target)), check=True)
    trace = log.read_text()
    return trace if tool.emulator else trace.partition("\n")[2]  # strace begins with its own execve


def child_of(process: int) -> int:
    return int(Path(f"/proc/{process}/task/{process}/children").read_text().split()[0])


def calls(trace: str) -> set[str]:
    """Those of the program itself: nothing of what it becomes, and not the one that started it."""
    gone, made = set(), set()
    for line in trace.splitlines():
        # Where another process is seen meanwhile, strace ends a call's line and resumes it in a later one.
        found = re.match(r"(\d+) +(?:<\.\.\. )?(\w+)(?:\(| resumed>)", line)
        if found is None or found[1] in gone:
            continue
        made.add(found[2])
        if found[2] == "execve" and "= -1" not in line and "<unfinished" not in line:
            gone.add(found[1])
    return made
