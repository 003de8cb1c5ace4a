"""cargo runs: a `BuildPlan` goes in, the `Artifact` comes out, with the link mode that the build decided."""

import time
from dataclasses import dataclass
from pathlib import Path

import msgspec
from msgspec.structs import replace

from ferrule.cargo.link import (
    NOTHING_SHARED,
    LinkChoice,
    LinkMemory,
    libc_of_this_machine,
    objection,
    objection_of_libc,
)
from ferrule.cargo.lock import say_if_waiting, say_if_written
from ferrule.cargo.messages import Message, PackageId, parse_message
from ferrule.cargo.own_code import objection_of_sources
from ferrule.cargo.plan import BuildPlan, output_folder, tag_output
from ferrule.elf.facts import Binary, read_binary
from ferrule.errors import BuildError, ProjectError
from ferrule.process import Finished, ProgramMissingError, Runner, Stop
from ferrule.report import Report


class Artifact(msgspec.Struct, frozen=True, kw_only=True):
    """A program that cargo made. `graph` are the packages compiled into it; `seconds` is cargo's time."""

    path: Path
    binary: Binary
    link: LinkChoice
    graph: tuple[PackageId, ...]
    seconds: float


@dataclass(kw_only=True)
class _Attempt:
    """What one run of cargo said, collected while it runs."""

    plan: BuildPlan
    report: Report
    static: bool
    guess: bool
    executable: Path | None = None
    graph: tuple[PackageId, ...] = ()
    objections: tuple[str, ...] = ()
    link_failure: Message | None = None
    errors: tuple[Message, ...] = ()

    def hear(self, line: bytes) -> None:
        message = parse_message(line)
        if message is None:
            return
        if message.reason == "compiler-message":
            self._diagnose(message)
        elif message.is_for(self.plan.triple):
            self._note(message)

    def _note(self, message: Message) -> None:
        reason = objection(message, self.plan.triple)
        if reason:
            self.objections = (*self.objections, reason)
            if self.static and self.guess:
                # The messages say it before the link: what is compiled so far serves the next attempt.
                raise Stop
        if message.reason != "compiler-artifact":
            return
        self.graph = (*self.graph, message.package)
        if message.executable and message.target.name == self.plan.selection.binary:
            self.executable = Path(message.executable)

    def _diagnose(self, message: Message) -> None:
        if message.message.level == "error":
            self.errors = (*self.errors, message)
        if message.is_link_failure_of(self.plan.selection.binary):
            self.link_failure = message
            if self.static and self.guess and not message.is_broken_off:
                return
        if message.message.rendered:
            self.report.raw(message.message.rendered)


def build(
    runner: Runner, report: Report, plan: BuildPlan, *, link: str, colour: bool, asked: str = ""
) -> Artifact:
    """Build the binary. `link` is auto, static, dynamic or musl; `asked` says who asked for it.

    Raises `BuildError` after cargo has shown its own text.
    """
    started = time.monotonic()
    locked_before = plan.project.workspace.lock_file.is_file()
    memory = LinkMemory(output_folder(plan.project))
    known = known_choice(plan, link, asked or f"asked for by --link {link}")
    choice = known or memory.recall(plan) or LinkChoice(mode="static", reason=NOTHING_SHARED)
    tag_output(plan.project)
    say_if_waiting(report, plan)
    artifact = _attempt(runner, report, plan, choice, guess=known is None, colour=colour)
    if known is None:
        memory.remember(plan, artifact.link)
    if not locked_before:
        say_if_written(report, plan)
    return replace(artifact, seconds=time.monotonic() - started)


def known_choice(plan: BuildPlan, link: str, asked: str) -> LinkChoice | None:
    """What is certain before cargo runs, or None. `asked` is the reason where `link` is not auto."""
    if plan.target.link is not None:
        return LinkChoice(mode=plan.target.link, reason=plan.target.reason)
    if link != "auto":
        return LinkChoice(mode=link, reason=asked)
    if plan.forbids_static:
        return LinkChoice(mode="dynamic", reason="the project's own flags turn crt-static off")
    selection = plan.selection
    reason = objection_of_sources(plan.project.workspace, selection.package, selection.binary)
    if reason is None and not plan.target.is_musl:
        reason = objection_of_libc(libc_of_this_machine())
    return LinkChoice(mode="dynamic", reason=reason) if reason else None


def _attempt(
    runner: Runner, report: Report, plan: BuildPlan, choice: LinkChoice, *, guess: bool, colour: bool
) -> Artifact:
    static = choice.mode == "static"
    attempt = _Attempt(plan=plan, report=report, static=static, guess=guess)
    finished = _run(runner, plan, attempt, colour=colour)
    binary = read_binary(attempt.executable) if finished.ok and attempt.executable else None
    reason = _why_not_static(attempt, binary) if static else None
    if reason and guess:
        report.say(f"linking dynamically: {reason}")
        return _attempt(
            runner, report, plan, LinkChoice(mode="dynamic", reason=reason), guess=False, colour=colour
        )
    _raise_on_failure(runner, plan, attempt, finished)
    if guess and not static and _has_changed(choice, attempt):
        return _attempt(
            runner, report, plan, LinkChoice(mode="static", reason=NOTHING_SHARED), guess=True, colour=colour
        )
    assert attempt.executable is not None
    assert binary is not None
    if static and not binary.is_static:
        raise BuildError(
            "the program is not static although it was linked so", hint="leave out --link static"
        )
    return Artifact(path=attempt.executable, binary=binary, link=choice, graph=attempt.graph, seconds=0.0)


def _has_changed(choice: LinkChoice, attempt: _Attempt) -> bool:
    """A remembered objection of a build script that is not raised any more (a vendored library, say)."""
    raised_before = " links the system's " in choice.reason
    return raised_before and not attempt.objections


def _run(runner: Runner, plan: BuildPlan, attempt: _Attempt, *, colour: bool) -> Finished:
    try:
        return runner.stream(plan.command(static=attempt.static, colour=colour), attempt.hear)
    except ProgramMissingError as error:
        raise ProjectError(error.message, hint="install Rust with rustup (https://rustup.rs)") from error


def _why_not_static(attempt: _Attempt, binary: Binary | None) -> str | None:
    if attempt.objections and attempt.guess:
        return attempt.objections[0]
    if attempt.link_failure is not None and not attempt.link_failure.is_broken_off:
        return f"the static link fails: {_linker_reason(attempt.link_failure)}"
    if binary is not None and not binary.is_static:
        return f"the static link left a need for {', '.join(binary.needed) or 'an interpreter'}"
    return None


def _linker_reason(message: Message) -> str:
    """The linker's own first error, which stands in the notes below rustc's."""
    lines = (message.message.rendered or message.message.message).splitlines()
    marks = ("undefined reference", "unable to find", "cannot find", "undefined symbol", "error:")
    own = [line.strip().removeprefix("= note: ") for line in lines[1:]]
    return next((line for line in own if any(mark in line for mark in marks)), message.message.message)


def _raise_on_failure(runner: Runner, plan: BuildPlan, attempt: _Attempt, finished: Finished) -> None:
    name = plan.selection.binary
    if not finished.ok:
        _raise_known(runner, plan, attempt, finished)
    if attempt.link_failure:
        reason = _linker_reason(attempt.link_failure)
        raise BuildError(f"linking {name} failed: {reason}", hint="rustc's own message is above")
    if not finished.ok:
        raise BuildError(f"cargo could not build {name}", hint="cargo's own messages are above")
    if attempt.executable is None:
        raise BuildError(f"cargo built no binary {name}", hint="check required-features of the binary")


def _raise_known(runner: Runner, plan: BuildPlan, attempt: _Attempt, finished: Finished) -> None:
    """Raise with the cause, where it is known."""
    from ferrule.cargo.diagnose import diagnose
    from ferrule.cargo.features import missing_feature, unknown_feature

    said = finished.stderr.decode(errors="replace")
    rendered = (message.message.rendered or "" for message in attempt.errors)
    foreign = "" if plan.target.is_native else plan.triple
    cause = (
        missing_feature(runner, attempt.errors, plan.project.workspace.packages)
        or unknown_feature(said, plan.selection.package)
        or diagnose("\n".join((said, *rendered)), plan.target_dir, foreign)
    )
    if cause:
        raise BuildError(cause.message, hint=cause.hint)
