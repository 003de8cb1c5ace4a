"""The process that becomes the sandbox: a `SandboxSpec` on stdin, the program's output on stdout and stderr.

It stays outside as the guard: SIGTERM to it means "stop the program", a second one or SIGHUP "now". The
program is process 1 of its own namespace. Only the standard library is imported: this must start quickly.
"""

# Pathlib would double the time to start.
# ruff: noqa: PTH103, PTH110

import os
import signal
import stat
import sys
import time
from typing import NoReturn

from ferrule.engine.sandbox_mounts import build_root
from ferrule.engine.sandbox_spec import SandboxFailure, SandboxSpec
from ferrule.engine.syscalls import (
    CLONE_NEWIPC,
    CLONE_NEWNS,
    CLONE_NEWPID,
    CLONE_NEWUSER,
    CLONE_NEWUTS,
    die_with_parent,
    drop_capabilities,
    forbid_capabilities,
    unshare,
)

SIGNALS = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD}
NAMESPACES = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS
FAILED = 125


class _StartError(Exception):
    def __init__(self, message: str, *, hint: str = "", of_image: bool = True) -> None:
        super().__init__(message)
        self.failure = SandboxFailure(message=message, hint=hint, of_image=of_image)


def main() -> NoReturn:
    """Run the program; our exit code is the program's, 128 + the signal's number when one ended it."""
    # Blocked from the first moment, so that none is lost: the guard fetches them one by one.
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    spec = SandboxSpec.from_json(sys.stdin.buffer.read())
    failure = os.open(spec.failure_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    code = FAILED
    try:
        die_with_parent(signal.SIGTERM)
        _leave_namespaces(spec)
        program = os.fork()
        if program == 0:
            _become_program(spec, failure)
        code = _guard(program, spec)
    except _StartError as error:
        os.write(failure, error.failure.to_json())
    except OSError as error:
        os.write(failure, SandboxFailure(message=f"{error}", hint="", of_image=False).to_json())
    os._exit(code)


def _leave_namespaces(spec: SandboxSpec) -> None:
    uid, gid = os.geteuid(), os.getegid()
    try:
        unshare(NAMESPACES | (CLONE_NEWUSER if spec.as_user else 0))
        if spec.as_user:
            _write("/proc/self/setgroups", "deny")
            _write("/proc/self/uid_map", f"{spec.uid} {uid} 1")
            _write("/proc/self/gid_map", f"{spec.gid} {gid} 1")
    except OSError as error:
        raise _not_allowed(spec, error) from error


def _become_program(spec: SandboxSpec, failure: int) -> NoReturn:
    try:
        os.setsid()
        _prepare_streams(spec)
        try:
            build_root(spec.root)
        except OSError as error:
            raise _not_allowed(spec, error) from error
        _enter_folder(spec.cwd)
        _become_user(spec)
        _reset_signals()
        _execute(spec)
    except _StartError as error:
        os.write(failure, error.failure.to_json())
    except Exception as error:  # noqa: BLE001 - the last resort of a forked process: nobody else tells
        os.write(failure, SandboxFailure(message=f"{error}", hint="", of_image=False).to_json())
    os._exit(FAILED)


def _prepare_streams(spec: SandboxSpec) -> None:
    """No input, as `docker run` gives none; a pipe becomes the user's, so that /dev/stdout can be opened."""
    os.dup2(os.open("/dev/null", os.O_RDONLY), 0)
    if not spec.as_user:
        for stream in (1, 2):
            if stat.S_ISFIFO(os.fstat(stream).st_mode):
                os.fchown(stream, spec.uid, spec.gid)


def _enter_folder(cwd: str) -> None:
    try:
        os.makedirs(cwd, exist_ok=True)
        os.chdir(cwd)
    except OSError as error:
        raise _StartError(f"the image's working folder {cwd} cannot be entered: {error.strerror}") from error


def _become_user(spec: SandboxSpec) -> None:
    forbid_capabilities()
    if not spec.as_user:
        os.setgroups(spec.groups)
        os.setresgid(spec.gid, spec.gid, spec.gid)
        os.setresuid(spec.uid, spec.uid, spec.uid)
    drop_capabilities()
    os.umask(0o022)
    die_with_parent(signal.SIGKILL)  # a change of user forgets it, so it comes last


def _reset_signals() -> None:
    # Python ignores SIGPIPE, a shell's background jobs ignore SIGINT: a container begins with none of it.
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def _execute(spec: SandboxSpec) -> NoReturn:
    program = spec.argv[0]
    env = dict(pair.split("=", 1) for pair in spec.env)
    try:
        os.execvpe(program, spec.argv, env)  # noqa: S606 - there is no shell in the image
    except OSError as error:
        raise _StartError(f"exec {program}: {_reason(program, error)}") from error


def _reason(program: str, error: OSError) -> str:
    reason = (error.strerror or str(error)).lower()
    if isinstance(error, FileNotFoundError):
        if "/" not in program:
            return f"{reason} in PATH"
        if os.path.exists(program):
            return f"{reason}: the file is there, but its loader or interpreter is missing in the image"
    if reason == "exec format error":
        return f"{reason}: it is for another processor, or no program"
    return reason


def _guard(program: int, spec: SandboxSpec) -> int:
    """Wait for the end of the program; stop it when we are told to."""
    deadline = None
    while True:
        if deadline is None:
            came: int | None = signal.sigwait(SIGNALS)
        else:
            info = signal.sigtimedwait(SIGNALS, max(0.0, deadline - time.monotonic()))
            came = info.si_signo if info else None
        if came == signal.SIGCHLD:
            ended, status = os.waitpid(program, os.WNOHANG)
            if ended:
                code = os.waitstatus_to_exitcode(status)
                return code if code >= 0 else 128 - code
        elif deadline is None and came != signal.SIGHUP:
            os.kill(program, spec.stop_signal)
            deadline = time.monotonic() + spec.grace
        else:  # asked twice, or the time is over
            os.kill(program, signal.SIGKILL)
            deadline = None


def _not_allowed(spec: SandboxSpec, error: OSError) -> _StartError:
    hint = "use --engine docker"
    if spec.as_user:
        hint += (
            ", or allow user namespaces (sysctl user.max_user_namespaces, kernel.unprivileged_userns_clone"
        )
        hint += ", kernel.apparmor_restrict_unprivileged_userns)"
    return _StartError(f"this machine does not allow a sandbox: {error}", hint=hint, of_image=False)


def _write(path: str, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY)
    try:
        os.write(descriptor, text.encode())
    finally:
        os.close(descriptor)
