"""What is the sandbox's alone when programs run on without us, and when somebody is killed."""

import json
import os
import shutil
import signal
import sys
import time
from pathlib import Path

import pytest
from msgspec.structs import replace

from ferrule.engine.mount import Mount
from ferrule.engine.sandbox import Sandbox
from ferrule.engine.sandbox_detached import SandboxDetached
from ferrule.engine.sandbox_place import KEPT_SECONDS
from ferrule.engine.sandbox_record import ENDED, GUARD, LOG, ROOT, start_time
from ferrule.errors import EngineError, ImageError
from ferrule.process import Attached, Command, SystemRunner
from tests.engine.bench import Bench
from tests.engine.test_run import until
from tests.engine.test_sandbox import AS_NOBODY, run_here, run_here_command
from tests.parts.need import need

NAME = "web"


@pytest.fixture
def bench(sandbox_bench: Bench) -> Bench:
    return sandbox_bench


def place_of(bench: Bench) -> Path:
    return bench.folder / "state" / NAME


def guard_of(bench: Bench) -> int:
    number = json.loads((place_of(bench) / GUARD).read_text())[0]
    assert isinstance(number, int)
    return number


def started(bench: Bench, *cmd: str) -> SandboxDetached:
    program = bench.engine.detach(bench.image(Cmd=list(cmd)), NAME)
    assert isinstance(program, SandboxDetached)
    return program


def test_its_folder_is_for_this_user_alone_and_gone_with_it(bench: Bench) -> None:
    program = started(bench, "wait")
    assert place_of(bench).stat().st_mode & 0o777 == 0o700
    assert (bench.folder / "state").stat().st_mode & 0o777 == 0o700
    assert (place_of(bench) / ROOT / "program").is_file()
    assert program.output == str(place_of(bench) / LOG)
    program.stop(10)
    assert list((bench.folder / "state").iterdir()) == []


def test_its_root_is_removed_when_it_ends_by_itself_and_its_output_is_kept(bench: Bench) -> None:
    program = started(bench, "both")
    until(program.ended)
    assert sorted(path.name for path in place_of(bench).iterdir()) == [ENDED, "failure", GUARD, LOG]
    assert "to stdout" in program.last_lines(9)


def test_it_has_a_session_of_its_own_and_no_folder_of_ours(bench: Bench) -> None:
    program = started(bench, "wait")
    guard = guard_of(bench)
    assert os.getsid(guard) != os.getsid(0)
    assert Path(f"/proc/{guard}/cwd").readlink() == Path("/")
    program.stop(10)


def test_its_user_can_open_its_output_again(bench: Bench) -> None:
    program = bench.engine.detach(bench.image(Cmd=["put", "/dev/stdout"], User="65532"), NAME)
    until(program.ended)
    assert program.last_lines(1) == "1\n"


def test_a_guard_that_is_killed_takes_the_program_along_and_a_later_run_removes_the_rest(
    bench: Bench,
) -> None:
    program = started(bench, "stubborn")
    until(lambda: "ready" in program.last_lines(1))
    os.kill(guard_of(bench), signal.SIGKILL)
    until(program.ended)
    assert (place_of(bench) / ROOT).exists()
    assert bench.engine.running() == ()
    assert bench.engine.find(NAME) is None
    assert list((bench.folder / "state").iterdir()) == []
    another = started(bench, "wait")
    until(lambda: "ready" in another.last_lines(1))
    assert another.stop(10) == 7


def test_a_process_that_has_the_number_of_a_guard_is_not_touched(bench: Bench) -> None:
    with (bench.folder / "stranger").open("wb+") as out:
        command = Command(argv=("sh", "-c", "echo $$; exec sleep 60"))
        stranger = SystemRunner().attached(command, stdout=out, stderr=out)
        until(lambda: (bench.folder / "stranger").read_text().endswith("\n"))
    number = int((bench.folder / "stranger").read_text())
    began = start_time(number)
    assert began is not None
    place = place_of(bench)
    place.mkdir(parents=True)
    (place / GUARD).write_text(json.dumps([number, began - 1]))
    (place / ENDED).write_text("0")
    assert SandboxDetached(place).stop(0) == 0
    assert not stranger.ended()
    (place).mkdir()
    (place / GUARD).write_text(json.dumps([number, began]))
    assert SandboxDetached(place).stop(0) is None  # the same one would have been ended
    assert stranger.wait() < 0


@pytest.mark.parametrize("record", ["", "x", "[]", "[-1, 2]", '["a", 1]', "{}", "[99999999, 1]", "[1, 1]"])
def test_a_record_of_a_guard_that_is_not_there_is_no_guard(bench: Bench, record: str) -> None:
    place = place_of(bench)
    place.mkdir(parents=True)
    (place / GUARD).write_text(record)
    (place / ENDED).write_text(record)
    assert SandboxDetached(place).ended()
    assert SandboxDetached(place).stop(0) is None
    assert not place.exists()


def test_what_ended_is_forgotten_after_a_week(bench: Bench) -> None:
    program = started(bench, "exit", "3")
    until(program.ended)
    assert bench.engine.find(NAME) is not None
    old = time.time() - KEPT_SECONDS - 60
    os.utime(place_of(bench) / ENDED, (old, old))
    assert bench.engine.find(NAME) is None


def test_a_program_whose_guard_is_not_to_be_seen_is_left_alone(bench: Bench) -> None:
    program = started(bench, "wait")
    until(lambda: "ready" in program.last_lines(1))
    guard = place_of(bench) / GUARD
    known = guard.read_text()
    guard.unlink()
    with pytest.raises(EngineError, match="not to be seen from here"):
        program.stop(0)
    guard.write_text(known)
    assert program.stop(10) == 7


def test_a_start_that_fails_leaves_nothing(bench: Bench) -> None:
    with pytest.raises(ImageError, match="exec /nowhere"):
        bench.engine.detach(bench.image(Entrypoint=["/nowhere"]), NAME)
    assert list((bench.folder / "state").iterdir()) == []


def test_another_user_s_programs_run_on_too(bench: Bench) -> None:
    need(shutil.which("unshare"), "unshare (util-linux)")
    state = bench.folder / "state"
    code = (
        "import sys, time; from pathlib import Path; from ferrule.engine.engine import RunRequest;"
        "from ferrule.engine.sandbox import Sandbox; from ferrule.image.layout import read_layout;"
        "from tests.fakes.images import AMD64;"
        "image = read_layout(Path(sys.argv[1]), 'latest', AMD64);"
        "engine = Sandbox(state=Path(sys.argv[2]));"
        "program = engine.detach(RunRequest(name='x', image=image), 'web');"
        "assert engine.running() == ('web',)\n"
        # Before it has a handler, the kernel keeps a stop signal from a process 1.
        "while 'ready' not in program.last_lines(9): time.sleep(0.01)\n"
        "print(program.stop(30), engine.find('web'))"
    )
    request = bench.image(User="65532", Cmd=["wait"])
    argv = (*AS_NOBODY, sys.executable, "-c", code, str(bench.folder / request.name[:14]), str(state))
    finished = SystemRunner().run(Command(argv=argv))
    assert finished.stdout == b"7 None\n", finished.stderr
    assert list(state.iterdir()) == []


def test_another_user_can_mount_too(bench: Bench) -> None:
    need(shutil.which("unshare"), "unshare (util-linux)")
    (bench.folder / "data").mkdir()
    (bench.folder / "data" / "file").write_text("mounted\n")
    request = bench.image(User="65532")
    mount = f"{bench.folder}/data:/data:ro"
    shown = run_here(bench, request, "show", "/data/file", prefix=AS_NOBODY, mount=mount)
    assert shown.stdout == b"mounted\n", shown.stderr
    denied = run_here(bench, request, "put", "/data/new", prefix=AS_NOBODY, mount=mount)
    assert denied.stdout == b"/data/new: Read-only file system\n"


def test_what_is_mounted_in_a_mounted_folder_is_read_only_with_it(bench: Bench) -> None:
    outer = bench.folder / "outer"
    (outer / "in ner").mkdir(parents=True)
    code = 'mount -t tmpfs none "$0/in ner" && exec "$@"'
    prefix = ("unshare", "--mount", "sh", "-c", code, str(outer))
    request = bench.image()
    denied = run_here(bench, request, "put", "/data/in ner/new", prefix=prefix, mount=f"{outer}:/data:ro")
    assert denied.stdout == b"/data/in ner/new: Read-only file system\n", denied.stderr
    allowed = run_here(bench, request, "put", "/data/in ner/new", prefix=prefix, mount=f"{outer}:/data")
    assert allowed.returncode == 0, allowed.stdout


def test_what_is_mounted_outlives_the_root(bench: Bench) -> None:
    data = bench.folder / "data"
    data.mkdir()
    (data / "file").write_text("ours")
    request = replace(bench.image(Cmd=["stubborn"]), mounts=(Mount(source=str(data), target="/data"),))
    program = bench.engine.detach(request, NAME)
    os.kill(guard_of(bench), signal.SIGKILL)
    until(program.ended)
    assert bench.engine.find(NAME) is None
    assert (data / "file").read_text() == "ours"


def killed_while_running(bench: Bench, *words: str) -> tuple[Attached, Path]:
    """ferrule that runs the program attached, and is killed when that is ready; and the root's folder."""
    out = bench.folder / "said"
    with out.open("wb") as stream:
        ours = SystemRunner().attached(
            run_here_command(bench, bench.image(), *words), stdout=stream, stderr=stream
        )
    until(lambda: "ready" in out.read_text())
    (root,) = (bench.folder / "roots").iterdir()
    ours.signal(signal.SIGKILL)
    ours.wait()
    return ours, root


def test_the_root_goes_with_the_program_when_we_are_killed(bench: Bench) -> None:
    _, root = killed_while_running(bench, "wait")
    until(lambda: not root.exists())


def test_a_root_whose_processes_were_all_killed_is_removed_by_the_next_run(bench: Bench) -> None:
    left = bench.folder / "roots" / "ferrule-run-0123456789ab"
    (left / ROOT / "deep").mkdir(parents=True)
    somebody_s = bench.folder / "roots" / "other"
    somebody_s.mkdir()
    assert bench.run(bench.image(Cmd=["exit", "0"])).code == 0
    assert [path.name for path in (bench.folder / "roots").iterdir()] == ["other"]


def test_the_root_of_another_run_is_left_alone(bench: Bench) -> None:
    with bench.running(bench.image(Cmd=["wait"])) as running:
        until(lambda: "ready" in bench.said())
        other = Sandbox(folder=bench.folder / "roots", state=bench.folder / "state")
        with (bench.folder / "other").open("wb") as out:
            request = bench.image(Cmd=["exit", "0"])
            with other.start(request, stdout=out, stderr=out) as second:
                assert second.wait() == 0
        assert len(list((bench.folder / "roots").iterdir())) == 1
        assert not running.ended()
