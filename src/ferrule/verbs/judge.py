"""What was seen of an image's boots goes in, a verdict comes out: checks with reasons and hints. Pure."""

import signal
from collections.abc import Iterator, Mapping

from ferrule.errors import InvalidValueError
from ferrule.values import parse_volume
from ferrule.verbs.judge_ports import judge_ports
from ferrule.verbs.verdict import Check, Expected, Trials, Verdict
from ferrule.verbs.verify_boot import Boot, Ended, Stopped

PANICKED = 101
"""The exit code of a Rust program whose main thread panicked."""

SIGNALLED = 128


def judge(expected: Expected, trials: Trials) -> Verdict:
    """The verdict."""
    return Verdict(checks=(*_checks(expected, trials), *_environment(trials.without)))


def _checks(expected: Expected, trials: Trials) -> Iterator[Check]:
    seen = trials.strict
    if seen.refused:
        yield Check(name="start", ok=False, said=seen.refused, hint=_refusal_hint(seen.refused))
        return
    yield _health(expected, seen)
    yield from _differences(expected, trials)
    yield from _version(expected, seen)
    yield from _live(seen)
    yield from judge_ports(expected, seen)
    yield from _state(seen)
    if seen.stopped is not None:
        yield _stop(expected, seen.stopped)


def _refusal_hint(refused: str) -> str:
    if "exec format" in refused.lower():
        return "build it for the processor of the machines that run it: --platform"
    return "look at the image's entry point: ferrule inspect"


def _health(expected: Expected, seen: Boot) -> Check:
    values = {"seconds": seen.healthy_after, "asked": expected.asked}
    last = f": {seen.health.said}" if seen.health is not None and seen.health.said else ""

    def failed(said: str, hint: str) -> Check:
        return Check(name="health", ok=False, said=said, hint=hint, values=values)

    if seen.ended is not None:
        before = f"healthy after {seen.healthy_after:.2f} s, then " if seen.healthy_after is not None else ""
        return failed(f"{before}{_end(seen.ended, expected)}", _end_hint(seen.ended))
    if seen.healthy_after is None:
        hint = "its last lines may say why; a start period, or --wait-timeout, gives it longer"
        if not expected.host_network:
            hint += "; a database of this machine is reached with --network host"
        return failed(f"not healthy after {expected.within:g} s{last}", hint)
    if seen.unhealthy_after is not None:
        said = (
            f"healthy after {seen.healthy_after:.2f} s, and not any more after {seen.unhealthy_after:.1f} s"
        )
        return failed(f"{said}{last}", "its last lines may say why")
    return Check(
        name="health", ok=True, said=f"healthy after {seen.healthy_after:.2f} s{last}", values=values
    )


def _end(ended: Ended, expected: Expected) -> str:
    after = f"after {ended.after:.1f} s"
    if ended.out_of_memory:
        return f"it was ended {after}: it used more than {expected.memory >> 20} MiB of memory"
    if ended.code == PANICKED:
        return f"it panicked {after} (exit code {ended.code})"
    if ended.code > SIGNALLED:
        return f"{signal_name(ended.code - SIGNALLED)} ended it {after}"
    return f"it ended {after} with exit code {ended.code}"


def _end_hint(ended: Ended) -> str:
    if ended.out_of_memory:
        return "find what grows, or give it more: --memory of verify, --verify-memory of build"
    if ended.code == 0:
        return "a service runs in the foreground until it is stopped: look at `args`"
    return "its last lines may say why"


def signal_name(number: int) -> str:
    """`SIGSEGV`, or `signal 60` for one without a name."""
    known = {int(member): member.name for member in signal.Signals}
    return known.get(number, f"signal {number}")


def _differences(expected: Expected, trials: Trials) -> Iterator[Check]:
    """What the boots that were less strict tell of the strict one."""
    if trials.writable is not None and trials.writable.healthy_after is not None:
        yield _files("with a writable root", trials.writable.written)
    if trials.with_both is not None and trials.with_both.healthy_after is not None:
        yield _files("as root with a writable root", trials.with_both.written)
    if trials.as_root is not None and trials.as_root.healthy_after is not None:
        yield Check(
            name="user",
            ok=False,
            said=f"it runs as root, and not as the image's user {expected.user}",
            hint="let the user own what it needs (volumes), or choose another: user",
        )
    low = [port for port in expected.ports if port.number < 1024]
    needs = low and not expected.capabilities and trials.strict.healthy_after is None
    if needs and expected.user not in ("0", "0:0", ""):
        yield Check(
            name="privileges",
            ok=False,
            said=f"port {low[0].number} takes a right that user {expected.user} has not",
            hint='a port from 1024 on, or capabilities = ["NET_BIND_SERVICE"]',
        )


def _files(how: str, written: tuple[str, ...]) -> Check:
    listed = ", ".join(written[:5]) + (f" and {len(written) - 5} more" if len(written) > 5 else "")
    places = sorted({path.rpartition("/")[0] or "/" for path in written})
    volumes = ", ".join(f'"{place}"' for place in places[:3] if _may_be_volume(place))
    hint = f"make it a volume: volumes = [{volumes}]" if volumes else 'into a volume: volumes = ["/data"]'
    return Check(
        name="files",
        ok=False,
        said=f"it runs only {how}, and writes {listed or 'nothing that stays'}",
        hint=f"write below /tmp, or {hint}",
        values={"written": list(written)},
    )


def _may_be_volume(place: str) -> bool:
    """Whether the key takes it: the program's own folder is none."""
    try:
        return bool(parse_volume(place))
    except InvalidValueError:
        return False


def _version(expected: Expected, seen: Boot) -> Iterator[Check]:
    if expected.version is None or seen.version is None:
        return
    same = seen.version == expected.version
    said = f"it says {seen.version}" + ("" if same else f", and the crate is {expected.version}")
    hint = "" if same else 'answer with env!("CARGO_PKG_VERSION")'
    yield Check(name="version", ok=same, said=said, hint=hint, values={"version": seen.version})


def _live(seen: Boot) -> Iterator[Check]:
    if seen.live is not None:
        hint = (
            "" if seen.live.healthy else "a cluster would start it anew for ever: answer, or leave out `live`"
        )
        yield Check(name="live", ok=seen.live.healthy, said=seen.live.said, hint=hint)


def _state(seen: Boot) -> Iterator[Check]:
    if seen.memory is not None:
        values = {"bytes": seen.memory}
        yield Check(name="memory", ok=True, said=f"{seen.memory / 1e6:.1f} MB at rest", values=values)
    if seen.zombies:
        yield Check(
            name="children",
            ok=False,
            said=f"{seen.zombies} of its processes ended, and nobody asked how: such stay for ever",
            hint="wait for children, or set init = true",
            values={"zombies": seen.zombies},
        )


def _stop(expected: Expected, stopped: Stopped) -> Check:
    name = expected.stop_signal
    values = {"seconds": round(stopped.seconds, 3), "code": stopped.code, "killed": stopped.killed}

    def failed(said: str, hint: str) -> Check:
        return Check(name="stop", ok=False, said=said, hint=hint, values=values)

    if stopped.killed and stopped.handler == "none":
        return failed(
            f"{name} did nothing: a process 1 without a handler for it runs on, and was killed after "
            f"{expected.grace:g} s",
            f"handle {name}, or set init = true",
        )
    if stopped.killed:
        why = "it ignores the signal" if stopped.handler == "ignored" else "it had the signal"
        return failed(
            f"it did not end within {expected.grace:g} s of {name}, and was killed: {why}",
            "end open connections sooner, or give it longer: --grace",
        )
    if stopped.code not in (0, SIGNALLED + expected.stop):
        return failed(
            f"it ended with exit code {stopped.code} {stopped.seconds:.2f} s after {name}",
            "end with 0 when asked to: engines take another code for a failure",
        )
    said = f"it ended {stopped.seconds:.2f} s after {name} with exit code {stopped.code}"
    return Check(name="stop", ok=True, said=said, values=values)


def _environment(without: Mapping[str, Boot]) -> Iterator[Check]:
    for name, seen in without.items():
        ok, hint = False, "read all variables first, name the missing one, and end with an exit code"
        if seen.refused:
            said = seen.refused
        elif seen.healthy_after is not None:
            said = f"healthy without {name}, which the contract requires"
            hint = "leave out `required`, or read it at the start"
        elif seen.ended is None:
            said = f"without {name} it hangs: it did not end within {seen.waited:.1f} s"
        elif seen.ended.code == 0:
            said = f"without {name} it ends with exit code 0, as if all were well"
        else:
            ok, said = True, f"without {name} it ends after {seen.ended.after:.2f} s"
            said += f" with exit code {seen.ended.code}"
        yield Check(name=f"env {name}", ok=ok, said=said, hint="" if ok else hint)
