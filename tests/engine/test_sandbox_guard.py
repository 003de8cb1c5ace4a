"""What the guard of a sandbox leaves when its parent dies, as it may be seen while that goes on."""

import signal
import sys
import time

from ferrule.process import Command, SystemRunner
from tests.engine.bench import Bench

DYING = """
import ctypes, platform, sys, threading, time
from pathlib import Path
from ferrule.engine.engine import RunRequest
from ferrule.engine.sandbox import Sandbox
from ferrule.image.layout import read_layout
from tests.fakes.images import AMD64

layout, folder, said = map(Path, sys.argv[1:])
request = RunRequest(name="x", image=read_layout(layout, "latest", AMD64), args=("wait",), network="host")
threading.Thread(target=time.sleep, args=(60,)).start()
running = Sandbox(folder=folder).start(request, stdout=sys.stdout.buffer, stderr=sys.stderr.buffer)
while "ready" not in said.read_text():
    time.sleep(0.01)
exit_of_a_thread = {"x86_64": 60, "aarch64": 93}[platform.machine()]
ctypes.CDLL(None).syscall(exit_of_a_thread, 0)
"""
"""A process that is told by its first thread's end to be dying, and whose number is still there."""


def test_a_dying_parent_whose_number_is_still_there_leaves_no_folder(sandbox_bench: Bench) -> None:
    request = sandbox_bench.image()
    layout, roots = sandbox_bench.folder / request.name[:14], sandbox_bench.folder / "roots"
    said = sandbox_bench.folder / "said"
    with said.open("wb") as stream:
        command = Command(argv=(sys.executable, "-c", DYING, str(layout), str(roots), str(said)))
        ours = SystemRunner().attached(command, stdout=stream, stderr=stream)
        try:
            deadline = time.monotonic() + 60
            while "signal 15" not in said.read_text() or list(roots.iterdir()):
                assert not ours.ended(), said.read_text()
                assert time.monotonic() < deadline, said.read_text()
                time.sleep(0.01)
        finally:
            ours.signal(signal.SIGKILL)
            ours.wait()
    assert said.read_text() == "ready\nsignal 15\n"
