"""A unit for systemd: the program without a container, with as little of the machine as it needs."""

from ferrule.generate.hardening import hardening
from ferrule.generate.quadlet import quadlet
from ferrule.generate.service import Draft, Service
from ferrule.generate.systemd_health import health_units
from ferrule.generate.unit import unit_line, unit_quoted, unit_word

KIND = "systemd"
FOLDER = "deploy/systemd"
PROGRAMS = "/usr/local/bin"
STATE = "/var/lib"
STOP_SECONDS = 15


def drafts(service: Service) -> tuple[Draft, ...]:
    """`deploy/systemd/NAME.service` and, in its place where there is Podman, `NAME.container`.

    Beside the first, where it can be asked whether it is alive, what asks it: `NAME-health.timer`.
    """
    texts = {
        ".service": _unit(service),
        **health_units(service),
        ".container": quadlet(service, env_file=_env_file(service)),
    }
    return tuple(
        Draft(kind=KIND, path=f"{FOLDER}/{service.name}{end}", text=text) for end, text in texts.items()
    )


def _unit(service: Service) -> str:
    program, env_file = f"{PROGRAMS}/{service.name}", unit_line(_env_file(service))
    start = _command(program, service.args)
    parts = (
        f"# The program is expected at {unit_line(program)}, its variables in {env_file}",
        "# (0600, root's: systemd reads it before it gives up root).",
        *_files(service),
        "[Unit]",
        f"Description={unit_line(f'{service.description} ({service.version})')}",
        "Wants=network-online.target",
        "After=network-online.target",
        "",
        "[Service]",
        "Type=exec",
        *_migration(service, program),
        f"ExecStart={start}",
        *_environment(service),
        *_user(service),
        *_volumes(service),
        f"KillSignal={service.stop_signal}",
        f"TimeoutStopSec={STOP_SECONDS}",
        "Restart=always",
        "RestartSec=2",
        "",
    )
    limits = hardening(capabilities=bool(_capabilities(service)))
    return "\n".join(parts) + f"\n{limits}\n[Install]\nWantedBy=multi-user.target\n"


def _command(program: str, arguments: tuple[str, ...]) -> str:
    return " ".join(unit_word(word) for word in (program, *arguments))


def _migration(service: Service, program: str) -> tuple[str, ...]:
    """A run before each start, which has nothing to do where all is done; long ones are waited for."""
    if service.migrate is None:
        return ()
    return (
        "# The same program brings the database up to date, and ends, before it starts.",
        f"ExecStartPre={_command(program, service.migrate)}",
        "TimeoutStartSec=15min",
    )


def _environment(service: Service) -> tuple[str, ...]:
    """Defaults, and a file over them: one that must be there where the program needs it."""
    required = any(variable.required for variable in service.contract)
    defaults = (
        f"Environment={unit_quoted(f'{each.name}={each.default}')}"
        for each in service.contract
        if each.default is not None
    )
    return (*defaults, f"EnvironmentFile={'' if required else '-'}{unit_line(_env_file(service))}")


def _env_file(service: Service) -> str:
    return f"/etc/{' '.join(service.name.split())}.env"


def _capabilities(service: Service) -> tuple[str, ...]:
    """What the program was given, and what its ports take: a machine's low ports are closed to its users."""
    ports = ("NET_BIND_SERVICE",) if service.lowest_port is not None else ()
    return tuple(dict.fromkeys((*service.capabilities, *ports)))


def _user(service: Service) -> tuple[str, ...]:
    """A user that exists while the service runs; its capabilities, and no other."""
    names = " ".join(f"CAP_{name}" for name in _capabilities(service))
    ambient = (f"AmbientCapabilities={names}",) if names else ()
    return ("DynamicUser=yes", f"CapabilityBoundingSet={names}", *ambient)


def _volumes(service: Service) -> tuple[str, ...]:
    """Folders for data: below /var/lib for systemd, and where the program looks for them."""
    if not service.volumes:
        return ()
    folders = {path: f"{service.name}/{path.strip('/').replace('/', '-')}" for path in service.volumes}
    binds = (f"{STATE}/{folder}:{path}" for path, folder in folders.items())
    return (
        "StateDirectory=" + " ".join(unit_word(folder) for folder in folders.values()),
        "BindPaths=" + " ".join(unit_word(bind) for bind in binds),
    )


def _files(service: Service) -> tuple[str, ...]:
    """The image's files are where the image has them; here a person puts them there."""
    return tuple(
        f"# It looks for {unit_line(source)} at {unit_line(target)}." for source, target in service.files
    )
