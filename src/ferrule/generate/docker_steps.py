"""The RUN instructions of a Dockerfile: facts go in, commands with their mounts come out."""

from collections.abc import Iterator

from ferrule.base.skeleton import CA_FILE, ZONES, skeleton
from ferrule.errors import ProjectError
from ferrule.generate.build_facts import DEBIAN, DISTROLESS, SCRATCH, Build, Program, Taken
from ferrule.generate.docker import bash_pattern, shell_word
from ferrule.generate.service import Service
from ferrule.generate.template import Written
from ferrule.oci.platform import parse_platform
from ferrule.probe.compile import FLAGS, FOR_LD, PROCESSORS, linker_flags
from ferrule.probe.place import INIT, PROBE
from ferrule.values import PROGRAM_FOLDER

IMAGE = "/image"
TARGET = "/target"
CHEF = "0.1.78"
"""Of cargo-chef: the version that this was tried with."""

WORDS_A_LINE = 8
"""Of rustc's flags."""

SHARED = "/tmp"  # noqa: S108 - the image's, not ours
CROSS = frozenset(("linux/amd64", "linux/arm64"))


def run_of(commands: tuple[str, ...], mounts: tuple[str, ...] = ()) -> Written:
    """One RUN with a line for each mount and each command; a long command has lines of its own."""
    parts = [*(f"--mount={mount}" for mount in mounts)]
    parts += [f"{command} &&" for command in commands[:-1]] + [commands[-1]]
    return Written("RUN " + " \\\n    ".join(parts))


def _lines(*parts: str) -> str:
    """A command that takes several lines."""
    return " \\\n      ".join(filter(None, parts))


def is_cross(service: Service, build: Build) -> bool:
    """Whether programs are compiled for a platform on another: for two that Debian's compilers know.

    Only what is static with glibc: shared libraries of another processor would have to be installed too.
    """
    several = {platform.removesuffix("/v8") for platform in service.platforms}
    return len(several) > 1 and several <= CROSS and build.link == "static" and build.is_stable


def prepare_step(service: Service, build: Build) -> Written | str:
    """What the compiler's image lacks."""
    cross = is_cross(service, build)
    tools = (*build.tools, *(("libcap2-bin",) if service.capabilities else ()))
    tools = (*tools, *(("musl-tools",) if build.link == "musl" else ()))
    install = "apt-get install --yes --no-install-recommends"
    commands: list[str] = []
    if tools or cross:
        commands += ["apt-get update"]
        if cross:
            foreign = 'if [ "$(dpkg --print-architecture)" != "$TARGETARCH" ]; then'
            commands += [_lines(foreign, f'{install} "$CROSS_GCC" "$CROSS_LIBC"; fi')]
        commands += [f"{install} {' '.join(sorted(set(tools)))}"] if tools else []
        commands += ["rm -rf /var/lib/apt/lists/*"]
    commands += ['rustup target add "$TRIPLE"'] if cross else []
    commands += ['rustup target add "$(uname -m)-unknown-linux-musl"'] if build.link == "musl" else []
    commands += [f"cargo install --locked cargo-chef --version {CHEF}"] if build.cache == "chef" else []
    return run_of(tuple(commands)) if commands else ""


def cook_step(service: Service, build: Build) -> Written | str:
    """The dependencies alone, for a layer of their own."""
    if build.cache != "chef":
        return ""
    locked = " --locked" if build.is_locked else ""
    packages = dict.fromkeys(program.package for program in build.programs)
    cook = (
        _lines(
            f"cargo chef cook --release{locked} --recipe-path /recipe.json --package {shell_word(package)}",
            f'--target "$TRIPLE" --target-dir {TARGET}',
        )
        for package in packages
    )
    return run_of((*_before(service, build), *cook))


def compile_step(service: Service, build: Build) -> Written:
    """cargo for every program; each is put where the image has it."""
    mounts: tuple[str, ...] = ()
    commands = list(_before(service, build))
    if build.cache == "mount":
        # cargo's own lock of these two is not in them: builds side by side unpack one crate over the other.
        mounts = (
            "type=cache,sharing=locked,target=/usr/local/cargo/registry",
            "type=cache,sharing=locked,target=/usr/local/cargo/git",
            f"type=cache,id={service.label}-target,target={TARGET}",
        )
        commands.insert(0, "find . -type f -exec touch {} +")
    for program in build.programs:
        made = f'{TARGET}/"$TRIPLE"/release/{shell_word(program.binary)}'
        place = shell_word(f"{IMAGE}{PROGRAM_FOLDER}/{program.binary}")
        commands += [_cargo(build, program), f"install -D -m 0755 {made} {place}"]
    if service.capabilities:
        names = ",".join(f"cap_{name.lower()}" for name in service.capabilities)
        commands += [f"setcap {names}=ep {shell_word(f'{IMAGE}{PROGRAM_FOLDER}/{service.name}')}"]
    return run_of(tuple(commands), mounts)


def _cargo(build: Build, program: Program) -> str:
    """The flag for the link goes to the last crate alone, so that a change of it compiles no other anew."""
    locked = " --locked" if build.is_locked else ""
    what = f"--package {shell_word(program.package)} --bin {shell_word(program.binary)}"
    return _lines(
        f"cargo rustc --release{locked} {what}",
        f'--target "$TRIPLE" --target-dir {TARGET}',
        "-- -C target-feature=+crt-static" if program.static else "",
    )


def _before(service: Service, build: Build) -> Iterator[str]:
    """What the shell has to know: the triple, and what jemalloc is told where pages may be large."""
    if is_cross(service, build):
        return
    if build.link == "musl":
        yield 'TRIPLE="$(uname -m)-unknown-linux-musl"'
    elif build.has_printed_host:
        yield 'TRIPLE="$(rustc --print host-tuple)"'
    else:
        yield 'TRIPLE="$(rustc -vV)" && TRIPLE="${TRIPLE#*host: }" && TRIPLE="${TRIPLE%%[[:space:]]*}"'
    if build.has_jemalloc:
        yield 'if [ "$(uname -m)" = aarch64 ]; then export JEMALLOC_SYS_WITH_LG_PAGE=16; fi'


def aid_programs(service: Service) -> tuple[str, ...]:
    """What of ferrule's goes along. Raises `ProjectError` for an init where there is none."""
    names = {platform: parse_platform(platform).architecture for platform in service.platforms}
    unknown = next((platform for platform, name in names.items() if name not in PROCESSORS), None)
    if unknown is not None and service.init:
        raise ProjectError(f"ferrule has no init for {unknown}", hint="leave out init")
    probed = service.health is not None and service.health.needs_probe and service.health_port is not None
    wanted = {"the health probe": probed and unknown is None, "the init": service.init}
    return tuple(name for name, is_wanted in wanted.items() if is_wanted)


def compile_aids(service: Service, build: Build) -> Written | str:
    """rustc for the probe and the init, linked by Rust's own linker."""
    names = {"the health probe": PROBE, "the init": INIT}
    places = tuple(names[program] for program in aid_programs(service))
    if not places:
        return ""
    target = '--target "$TRIPLE" ' if is_cross(service, build) else ""
    flags = [*FLAGS, *linker_flags("rust-lld", "ld.lld", FOR_LD)]
    lines = [" ".join(flags[start : start + WORDS_A_LINE]) for start in range(0, len(flags), WORDS_A_LINE)]
    commands = (_lines("rustc", *lines, f"{target}-o {IMAGE}{place} {place.name}.rs") for place in places)
    return run_of((f"mkdir -p {IMAGE}{PROBE.parent}", *commands))


def skeleton_step(service: Service, build: Build) -> Written | str:
    """The files of an empty base, as `base.skeleton` has them; CA roots and zones are Debian's own.

    Debian gets the last two as packages, distroless has them, and of another base nothing is known.
    """
    if build.base in (DEBIAN, DISTROLESS):
        return ""
    commands = list(_users_and_tmp(service)) if build.base == SCRATCH else []
    if build.certificates:
        commands += [f"install -D -m 0644 {CA_FILE} {IMAGE}{CA_FILE}"]
    if build.zones:
        commands += [f"mkdir -p {IMAGE}{ZONES.parent}", f"cp -a {ZONES} {IMAGE}{ZONES}"]
    return run_of(tuple(commands)) if commands else ""


def _users_and_tmp(service: Service) -> Iterator[str]:
    texts = {str(entry.path): entry.source for entry in skeleton(service.user) if entry.kind == "file"}
    yield f"mkdir -p {IMAGE}/etc {IMAGE}{SHARED}"
    yield f"chmod 1777 {IMAGE}{SHARED}"
    for path, content in texts.items():
        assert isinstance(content, bytes)
        words = (shell_word(line) for line in content.decode().splitlines())
        yield _lines("printf '%s\\n'", *words, f"> {IMAGE}{path}")


def files_step(service: Service, build: Build) -> Written | str:
    """The working folder, files and volumes: root's, but for what is a volume or lies in one."""
    commands = [command for taken in build.files for command in _copy(taken)]
    commands += [f"chmod -R u=rwX,go=rX {IMAGE}"] if build.files else []
    # An engine makes a missing working folder, and buildah leaves that to it; a base may have it already.
    if build.base == SCRATCH and service.workdir not in ("/", SHARED, str(PROGRAM_FOLDER)):
        commands += [f"mkdir -p {shell_word(IMAGE + service.workdir)}"]
    owner = f"{service.user.uid}:{service.user.gid}"
    for path in service.volumes:
        place = shell_word(IMAGE + path)
        commands += [f"mkdir -p {place}", f"chown -R {owner} {place}"] if path != SHARED else []
    if any(f"{taken.target}/".startswith(f"{SHARED}/") for taken in build.files):
        commands += [f"chmod 1777 {IMAGE}{SHARED}"]
    return run_of(tuple(commands)) if commands else ""


def _copy(taken: Taken) -> Iterator[str]:
    """Links are followed, and a pattern is bash's: `**` is any depth, `*` no name with a dot in front."""
    source, place = shell_word(taken.source or "."), shell_word(IMAGE + taken.target)
    if taken.pattern:
        copy = f"cd -- {source} && cp -rL --parents -- {bash_pattern(taken.pattern)} {place}"
        yield f"mkdir -p {place}"
        yield f"bash -O globstar -O failglob -c {shell_word(copy)}"
    else:
        # -T: what a folder holds goes to the place, also where that is there already.
        yield f"mkdir -p {shell_word((IMAGE + taken.target).rpartition('/')[0])}"
        yield f"cp -rLT -- {source} {place}"
