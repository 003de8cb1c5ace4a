"""A unit for systemd: the program without a container, with as little of the machine as it needs."""

from ferrule.generate.service import Draft, Service

KIND = "systemd"
PROGRAMS = "/usr/local/bin"
STATE = "/var/lib"
STOP_SECONDS = 15

HARDENING = """\
# What the service may not do. `systemd-analyze security` explains each line.
UMask=0077
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=yes
ProtectProc=invisible
ProcSubset=pid
PrivateTmp=yes
PrivateDevices=yes
{users}PrivateIPC=yes
RemoveIPC=yes
ProtectHostname=yes
ProtectClock=yes
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
# A program that compiles while it runs (a JIT, WebAssembly) needs this one to be `no`.
MemoryDenyWriteExecute=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
SystemCallErrorNumber=EPERM
"""


def drafts(service: Service) -> tuple[Draft, ...]:
    """`deploy/systemd/NAME.service`."""
    return (Draft(kind=KIND, path=f"deploy/systemd/{service.name}.service", text=_unit(service)),)


def _unit(service: Service) -> str:
    program = f"{PROGRAMS}/{service.name}"
    start = " ".join(_word(word) for word in (program, *service.args))
    parts = (
        f"# The program is expected at {program}, its variables in {_env_file(service)}",
        "# (0600, root's: systemd reads it before it gives up root).",
        *_files(service),
        "[Unit]",
        f"Description={_text(f'{service.description} ({service.version})')}",
        "Wants=network-online.target",
        "After=network-online.target",
        "",
        "[Service]",
        "Type=exec",
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
    hardening = HARDENING.format(users="" if service.capabilities else "PrivateUsers=yes\n")
    return "\n".join(parts) + f"\n{hardening}\n[Install]\nWantedBy=multi-user.target\n"


def _environment(service: Service) -> tuple[str, ...]:
    """Defaults, and a file over them: one that must be there where the program needs it."""
    required = any(variable.required for variable in service.contract)
    defaults = (
        f"Environment={_quoted(f'{each.name}={each.default}')}"
        for each in service.contract
        if each.default is not None
    )
    return (*defaults, f"EnvironmentFile={'' if required else '-'}{_env_file(service)}")


def _env_file(service: Service) -> str:
    return f"/etc/{service.name}.env"


def _user(service: Service) -> tuple[str, ...]:
    """A user that exists while the service runs; capabilities that the program was given, and no other."""
    names = " ".join(f"CAP_{name}" for name in service.capabilities)
    ambient = (f"AmbientCapabilities={names}",) if names else ()
    return ("DynamicUser=yes", f"CapabilityBoundingSet={names}", *ambient)


def _volumes(service: Service) -> tuple[str, ...]:
    """Folders for data: below /var/lib for systemd, and where the program looks for them."""
    if not service.volumes:
        return ()
    folders = {path: f"{service.name}/{path.strip('/').replace('/', '-')}" for path in service.volumes}
    binds = (f"{STATE}/{folder}:{path}" for path, folder in folders.items())
    return (
        "StateDirectory=" + " ".join(_word(folder) for folder in folders.values()),
        "BindPaths=" + " ".join(_word(bind) for bind in binds),
    )


def _files(service: Service) -> tuple[str, ...]:
    """The image's files are where the image has them; here a person puts them there."""
    return tuple(f"# It looks for {_text(source)} at {_text(target)}." for source, target in service.files)


def _text(text: str) -> str:
    """One line without specifiers: `%` begins one."""
    return " ".join(text.replace("%", "%%").split())


def _word(text: str) -> str:
    """An argument: quoted where systemd would split it or look for a variable in it."""
    plain = text and all(letter.isalnum() or letter in "/._-=:,@+" for letter in text) and text.isascii()
    return text if plain else _quoted(text).replace("$", "$$")


def _quoted(text: str) -> str:
    escaped = "".join(_escaped(letter) for letter in text)
    return f'"{escaped}"'


def _escaped(letter: str) -> str:
    """As systemd.syntax(7) has it."""
    if letter in '"\\':
        return f"\\{letter}"
    if letter == "%":
        return "%%"
    return letter if letter.isprintable() else "".join(f"\\x{byte:02x}" for byte in letter.encode())
