"""Containers that run on without us: what `ferrule run --detach` started with Podman."""

import msgspec

from ferrule.engine.podman_call import podman, podman_json, remove_container, said
from ferrule.errors import EngineError, UsageError
from ferrule.process import Runner

LABEL = "ferrule.detached"
"""On every container that `ferrule stop` may stop and remove: others are somebody else's."""

KEEP = ("--label", f"{LABEL}=", "--log-driver", "k8s-file")
"""What makes a container one of these. Not every machine has the journal that Podman logs to by itself."""

STILL = ("running", "paused", "stopping")


class _Container(msgspec.Struct, frozen=True, kw_only=True):
    ours: bool
    running: bool
    exit_code: int


class PodmanDetached:
    """A container that ferrule started; see `Detached`."""

    def __init__(self, runner: Runner, name: str) -> None:
        self.name = name
        self.output = f"podman logs {name}"
        self._runner = runner

    def ended(self) -> bool:
        """Whether the program is gone."""
        found = _inspect(self._runner, self.name)
        return found is None or not found.running

    def last_lines(self, count: int) -> str:
        """The end of both outputs."""
        finished = podman(self._runner, "logs", "--tail", str(count), self.name)
        return (finished.stdout + finished.stderr).decode(errors="replace") if finished.ok else ""

    def stop(self, seconds: int) -> int | None:
        """See `Detached.stop`."""
        finished = podman(self._runner, "stop", "--ignore", "--time", str(seconds), self.name)
        if not finished.ok:
            raise EngineError(f"podman does not stop {self.name}: {said(finished)}")
        found = _inspect(self._runner, self.name)
        remove_container(self._runner, self.name)
        return None if found is None else found.exit_code


def find_container(runner: Runner, name: str) -> PodmanDetached | None:
    """The container of that name. Raises `UsageError` when it is not one of ferrule's."""
    found = _inspect(runner, name)
    if found is None:
        return None
    if not found.ours:
        raise UsageError(
            f"podman has a container {name} that ferrule did not start",
            hint="choose another name, or stop it with podman",
        )
    return PodmanDetached(runner, name)


def running_containers(runner: Runner) -> tuple[str, ...]:
    """The names of those that ferrule started and that run still."""
    finished = podman(runner, "ps", "--filter", f"label={LABEL}", "--format", "{{.Names}}")
    return tuple(finished.stdout.decode(errors="replace").split())


def _inspect(runner: Runner, name: str) -> _Container | None:
    found = podman_json(runner, "container", "inspect", name)
    try:
        if found is None or found[0]["Name"] != name:
            return None  # podman takes the beginning of an id for a name too
        state = found[0]["State"]
        return _Container(
            ours=LABEL in (found[0]["Config"]["Labels"] or {}),
            running=state["Status"] in STILL,
            exit_code=int(state["ExitCode"]),
        )
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise EngineError("podman's answer about its containers cannot be read") from error
