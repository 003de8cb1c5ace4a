"""Boots an image strictly, and again where that tells why it failed: a `Subject` becomes a verdict."""

from collections.abc import Callable
from typing import BinaryIO

import msgspec
from msgspec.structs import replace

from ferrule.config import Settings
from ferrule.contract import Variable as Declared
from ferrule.engine.choose import Choice
from ferrule.engine.engine import RunRequest
from ferrule.engine.inside import MEMORY, Strict
from ferrule.engine.sandbox_prepare import stop_signal
from ferrule.engine.variables import Variable
from ferrule.errors import UsageError
from ferrule.image.archive import familiar
from ferrule.image.image import Image
from ferrule.oci.image_config import RunConfig
from ferrule.oci.reference import Reference
from ferrule.values import Port, parse_port
from ferrule.verbs.context import Context
from ferrule.verbs.database import NOTHING, Needs, beside, choose_for, migrate, migration_check, needs_of
from ferrule.verbs.in_engine import load_image
from ferrule.verbs.judge import judge
from ferrule.verbs.program_output import hiding, last_lines, output_file, said_last
from ferrule.verbs.verdict import Check, Expected, Trials, Verdict
from ferrule.verbs.verify_boot import Boot, Watch, boot
from ferrule.verbs.verify_health import health_source

START_SECONDS = 10.0
"""What a program has to become healthy where its image does not say."""


class VerifyOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How to verify: `engine` as in `choose`, times in seconds, `memory` in bytes.

    `within` None is the image's own start period, or ten seconds; for `settle` see `Watch`. With `env_check`,
    a boot follows for each required variable of the contract that is left out. `host_network` is for a
    database of this machine. Without `database` none is started.
    """

    engine: str = "auto"
    env: tuple[Variable, ...] = ()
    memory: int = MEMORY
    within: float | None = None
    settle: float | None = None
    grace: float = 10.0
    env_check: bool = False
    host_network: bool = False
    database: bool = True


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """What is verified. `image` is None for one that only the engine has.

    `name` is the engine's, `given` another one that a person gave. `version`, `contract` and `needs` are the
    crate's, where a project is known; `capabilities` those of its program.
    """

    name: str
    given: str = ""
    run: RunConfig
    image: Image | None = None
    digest: str | None = None
    version: str | None = None
    contract: tuple[Declared, ...] = ()
    needs: Needs = NOTHING
    capabilities: tuple[str, ...] = ()


class Verified(msgspec.Struct, frozen=True, kw_only=True):
    """The verdict, and the program's last words in the boot that it is about."""

    name: str
    digest: str | None
    engine: str
    verdict: Verdict
    last_lines: str


def verify(context: Context, subject: Subject, options: VerifyOptions, load_as: Reference | None) -> Verified:
    """Boot it, and judge what was seen. With `load_as`, an engine that keeps images gets it first."""
    needs = needs_now(subject.needs, options)
    env = environment(subject.contract, options.env, needs)
    choice = choose_for(options.engine, needs, context.report.warn)
    why = f" ({choice.reason})" if choice.reason else ""
    called = subject.given or subject.name
    context.report.say(f"verifying {called} with {choice.engine.name}{why}")
    if choice.engine.loader is not None and subject.image is not None and load_as is not None:
        with context.report.step(f"loading into {choice.engine.name}"):
            load_image(context, choice.engine.loader, subject.image, load_as)
    trial = _Trial(choice, subject, options, env)
    with beside(context, choice.engine, trial.request, needs) as trial.request:
        verdict, said = _verdict(trial, needs)
    hide = hiding(subject.contract, trial.request.env)
    return Verified(
        name=called,
        digest=subject.digest,
        engine=choice.engine.name,
        verdict=_told(verdict, hide),
        last_lines=last_lines(hide(said)),
    )


def subject_of(image: Image, name: Reference, settings: Settings, version: str | None) -> Subject:
    """What was made by settings."""
    return Subject(
        name=familiar(name),
        image=image,
        run=image.config.run,
        digest=image.descriptor.digest,
        version=version,
        contract=settings.contract,
        needs=needs_of(settings),
        capabilities=settings.capabilities,
    )


def needs_now(needs: Needs, options: VerifyOptions) -> Needs:
    """What is started for it: in this machine's network somebody may have a database of his own."""
    if not options.database:
        return Needs()
    given = {name for name, value in options.env if value is not None}
    return needs.without(given) if options.host_network else needs


def environment(
    contract: tuple[Declared, ...], given: tuple[Variable, ...], needs: Needs = NOTHING
) -> tuple[Variable, ...]:
    """What the program gets beside what is in its image: examples of the contract, and ours over them.

    The URL of a database that is started for it comes later.
    Raises `UsageError` for a required one that has neither, and for a value that the contract does not take.
    """
    said = dict(given)
    missing = []
    for each in contract:
        value = said.get(each.name)
        if value is not None and (fault := each.fault(value)):
            raise UsageError(f"{each.name} {fault}", hint="`ferrule env` says what it takes")
        is_ours = needs.database is not None and needs.database.url_env == each.name
        if value is None and each.required and not is_ours:
            if each.example is not None:
                said[each.name] = each.example
            else:
                missing.append(each.name)
    if missing:
        raise UsageError(
            f"the contract requires {', '.join(missing)}, and there is no value for it here",
            hint=f"give one: -e {missing[0]}=…, --env-file FILE, or an `example` in the contract",
        )
    return tuple(said.items())


def declared_ports(run: RunConfig) -> tuple[Port, ...]:
    """The ports of the image's configuration."""
    return tuple(sorted(map(parse_port, run.exposed_ports or ()), key=str))


def _verdict(trial: "_Trial", needs: Needs) -> tuple[Verdict, str]:
    """The migration first: without it the program has nothing to run on. The words are what is judged."""
    checks: tuple[Check, ...] = ()
    if needs.migrate:
        with output_file() as output:
            migrated = migrate(trial.engine, trial.request, needs.migrate, (output, output))
            said = said_last(output)
        checks = migration_check(migrated)
    if checks and not checks[0].ok:
        return Verdict(checks=checks), said
    trials, said = trial.run()
    return Verdict(checks=(*checks, *judge(trial.expected, trials).checks)), said


class _Trial:
    """The boots of one image."""

    def __init__(
        self, choice: Choice, subject: Subject, options: VerifyOptions, env: tuple[Variable, ...]
    ) -> None:
        ports = declared_ports(subject.run)
        health = health_source(subject.run, ports)
        within = options.within or health.start_period or START_SECONDS
        number = stop_signal(subject.run.stop_signal)
        self.engine = choice.engine
        self._subject = subject
        self.request = RunRequest(
            name=subject.name,
            image=subject.image,
            env=env,
            strict=Strict(
                memory=options.memory,
                capabilities=subject.capabilities,
                host_network=options.host_network,
            ),
            # Ours decides; the engine's is only there in case that we do not.
            grace=int(options.grace) + 5,
        )
        self._without = tuple(each.name for each in subject.contract if each.required and options.env_check)
        self._watch = Watch(
            health=health,
            ports=ports,
            within=within,
            settle=options.settle,
            grace=options.grace,
            stop=number,
        )
        self.expected = Expected(
            asked=str(health),
            ports=ports,
            version=subject.version,
            stop_signal=subject.run.stop_signal or "SIGTERM",
            stop=number,
            within=within,
            grace=options.grace,
            memory=options.memory,
            user=subject.run.user,
            capabilities=subject.capabilities,
            host_network=options.host_network,
        )

    def run(self) -> tuple[Trials, str]:
        """The strict boot, and those that tell why it failed. The words are those of the strict one."""
        with output_file() as output:
            strict = self._boot(output)
            said = said_last(output)
        writable = as_root = with_both = None
        if strict.healthy_after is None and not strict.refused and not _is_out_of_memory(strict):
            writable = self._again(writable=True)
            is_root = self._subject.run.user in ("", "0", "0:0")
            if writable.healthy_after is None and strict.ended is not None and not is_root:
                as_root = self._again(user="0:0")
                if as_root.healthy_after is None:
                    with_both = self._again(writable=True, user="0:0")
        without = {}
        if strict.healthy_after is not None:
            without = {name: self._again(leave_out=name) for name in self._without}
        trials = Trials(
            strict=strict, writable=writable, as_root=as_root, with_both=with_both, without=without
        )
        return trials, said

    def _again(self, *, leave_out: str = "", writable: bool = False, user: str = "") -> Boot:
        with output_file() as output:
            return self._boot(output, leave_out=leave_out, writable=writable, user=user)

    def _boot(self, output: BinaryIO, *, leave_out: str = "", writable: bool = False, user: str = "") -> Boot:
        assert self.request.strict is not None
        env = tuple((name, value) for name, value in self.request.env if name != leave_out)
        request = replace(
            self.request,
            env=(*env, (leave_out, None)) if leave_out else env,
            strict=replace(self.request.strict, writable=writable, user=user),
        )
        return boot(self.engine, request, self._watch, output)


def _is_out_of_memory(seen: Boot) -> bool:
    return seen.ended is not None and seen.ended.out_of_memory


def _told(verdict: Verdict, hide: Callable[[str], str]) -> Verdict:
    checks = (replace(check, said=hide(check.said), hint=hide(check.hint)) for check in verdict.checks)
    return Verdict(checks=tuple(checks))
