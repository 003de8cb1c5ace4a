"""The process that becomes the program: process 1 of the sandbox, in the image's root, as the image's user.

Only the standard library is imported: this must start quickly.
"""

# Pathlib would double the time to start.
# ruff: noqa: PTH103, PTH110

import errno
import os
import signal
import stat
from typing import NoReturn

from ferrule.engine.sandbox_mounts import build_root
from ferrule.engine.sandbox_record import ROOT
from ferrule.engine.sandbox_spec import SandboxFailure, SandboxSpec, StartError
from ferrule.engine.syscalls import (
    CLONE_NEWNS,
    MS_RDONLY,
    die_with_parent,
    drop_capabilities,
    forbid_capabilities,
    forbid_new_privileges,
    restrict,
    unshare,
)

FAILED = 125


def become_program(spec: SandboxSpec, failure: int) -> NoReturn:
    """Never returns. Why it could not be started is written to the descriptor `failure`."""
    try:
        os.setsid()
        os.umask(0o022)
        _prepare_streams(spec)
        try:
            # Only here, so that the guard keeps its own root.
            unshare(CLONE_NEWNS)
            build_root(f"{spec.place}/{ROOT}", spec.mounts, honour_files=bool(spec.capabilities))
        except OSError as error:
            raise not_allowed(spec, error) from error
        _enter_folder(spec.cwd)
        if spec.read_only:
            restrict("/", MS_RDONLY)
        execute(spec)
    except StartError as error:
        os.write(failure, error.failure.to_json())
    except Exception as error:  # noqa: BLE001 - the last resort of a forked process: nobody else tells
        os.write(failure, SandboxFailure(message=f"{error}", hint="", of_image=False).to_json())
    os._exit(FAILED)


def execute(spec: SandboxSpec) -> NoReturn:
    """Become the program, as the image's user. Raises `StartError` when it cannot be started."""
    _become_user(spec)
    _reset_signals()
    _execute(spec)


def _prepare_streams(spec: SandboxSpec) -> None:
    """No input, as `docker run` gives none; the user can open a pipe, or a log of ours, as /dev/stdout."""
    os.dup2(os.open("/dev/null", os.O_RDONLY), 0)
    if not spec.as_user:
        for stream in (1, 2):
            if spec.parent == 0 or spec.watched or stat.S_ISFIFO(os.fstat(stream).st_mode):
                os.fchown(stream, spec.uid, spec.gid)


def _enter_folder(cwd: str) -> None:
    try:
        os.makedirs(cwd, exist_ok=True)
        os.chdir(cwd)
    except OSError as error:
        raise StartError(
            f"the image's working folder {cwd} cannot be entered: {error.strerror}",
            hint="name another with --workdir, or look at the image: ferrule inspect",
        ) from error


def _become_user(spec: SandboxSpec) -> None:
    forbid_capabilities(spec.capabilities)
    if not spec.as_user:
        os.setgroups(spec.groups)
        os.setresgid(spec.gid, spec.gid, spec.gid)
        os.setresuid(spec.uid, spec.uid, spec.uid)
    drop_capabilities()
    if not spec.capabilities:
        forbid_new_privileges()
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
        hint = "look at the image's entry point: ferrule inspect"
        raise StartError(f"exec {program}: {_reason(program, error)}", hint=hint) from error


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


def not_allowed(spec: SandboxSpec, error: OSError) -> StartError:
    """What the kernel said, and what a person can do about it."""
    hint = "use --engine docker"
    if spec.as_user:
        hint += (
            ", or allow user namespaces (sysctl user.max_user_namespaces, kernel.unprivileged_userns_clone"
        )
        hint += ", kernel.apparmor_restrict_unprivileged_userns)"
    # What unshare(2) has for a limit that is reached, or 0: it has nothing to do with a disk.
    is_limit = error.errno == errno.ENOSPC
    why = "the limit of namespaces is reached" if is_limit else error.strerror or str(error)
    return StartError(f"this machine does not allow a sandbox: {why}", hint=hint, of_image=False)
