"""A Dockerfile that makes the image as ferrule would, its `.dockerignore`, and the source of the probe."""

import posixpath
import re
import textwrap

from ferrule.errors import ProjectError
from ferrule.generate.build_facts import DEBIAN, DISTROLESS, SCRATCH, Build
from ferrule.generate.docker import PLAIN, exec_form, has_lines, one_line, shell_word
from ferrule.generate.docker_steps import (
    aid_programs,
    compile_aids,
    compile_step,
    cook_step,
    files_step,
    is_cross,
    prepare_step,
    run_of,
    skeleton_step,
)
from ferrule.generate.dockerignore import PATH as IGNORE_PATH
from ferrule.generate.dockerignore import ignored
from ferrule.generate.service import Draft, Service
from ferrule.generate.template import Written, render
from ferrule.probe.compile import SOURCE
from ferrule.probe.place import init_command, probe_command
from ferrule.values import PROGRAM_FOLDER

KIND = "dockerfile"
WIDTH = 110
PATH = "Dockerfile"
AIDS = "deploy/docker"
"""Where the sources of the probe and the init go."""

LICENCE = "// SPDX-License-Identifier: MIT OR Apache-2.0"
DISTROLESS_CC = "gcr.io/distroless/cc-debian12:nonroot"
DISTROLESS_STATIC = "gcr.io/distroless/static-debian12:nonroot"
DEBIAN_SLIM = "debian:bookworm-slim"
CA_FILE = "/etc/ssl/certs/ca-certificates.crt"


def drafts(service: Service) -> tuple[Draft, ...]:
    """`Dockerfile`, `.dockerignore`, and `deploy/docker/*.rs` where something of ferrule's goes along.

    Raises `ProjectError` for a base that no Dockerfile can name.
    """
    build = service.build
    if build is None:
        raise ProjectError("nothing is known of how the program is built", hint="ask for the kind dockerfile")
    sources = _aid_sources(service)
    return (
        Draft(kind=KIND, path=PATH, text=_dockerfile(service, build, sources)),
        # Of a Dockerfile that is not at the root of its context, BuildKit reads the one with its name.
        Draft(kind=KIND, path=f"{PATH if build.folder else ''}{IGNORE_PATH}", text=ignored(build)),
        *(
            Draft(kind=KIND, path=f"{AIDS}/{name}", text=f"{LICENCE}\n{(SOURCE / name).read_text()}")
            for name in sources
        ),
    )


def is_chef(text: str) -> bool:
    """Whether a Dockerfile of ours has dependencies in layers of their own."""
    return "\nRUN cargo chef prepare " in text


def rust_of(text: str) -> str | None:
    """The version that a Dockerfile of ours compiles with, where it has one."""
    found = re.search(r"^FROM \S* ?rust:(\d+\.\d+\.\d+)-", text, re.MULTILINE)
    return found[1] if found else None


def _dockerfile(service: Service, build: Build, sources: tuple[str, ...]) -> str:
    named = tuple(each for each in service.contract if each.default is not None)
    programs = aid_programs(service)
    step, skeleton = prepare_step(service, build), skeleton_step(service, build)
    return render(
        "dockerfile",
        name=service.name,
        image=service.reference.partition("@")[0],
        reason=build.link_reason or "asked for",
        link=Written(_link_words(build)),
        ground=Written(_ground_words(build)),
        platforms=",".join(service.platforms) if len(service.platforms) > 1 else "",
        cross=is_cross(service, build),
        jemalloc=build.has_jemalloc,
        mimalloc=build.wants_mimalloc,
        musl=build.link == "musl",
        capabilities=service.capabilities,
        prepare=step,
        packages=bool(step) and "apt-get" in step,
        cook=cook_step(service, build),
        compile=compile_step(service, build),
        locked=build.is_locked,
        aids=Written(" and ".join(programs)),
        aid_sources=_copied(tuple(posixpath.join(build.folder, AIDS, name) for name in sources)),
        file=Written(shell_word(posixpath.join(build.folder, PATH))) if build.folder else "",
        compile_aids=compile_aids(service, build),
        skeleton=skeleton,
        skeleton_words=Written(_skeleton_words(build)),
        environment=_environment(build),
        variables=(
            *_own_variables(service, build),
            *((e.name, e.default) for e in named if _fits(e.default)),
        ),
        unwritten=tuple(each.name for each in named if not _fits(each.default)),
        labels=tuple((one_line(key), one_line(value)) for key, value in build.labels if "=" not in key),
        unlabelled=tuple(key for key, _ in build.labels if "=" in key),
        entrypoint=init_command(PROGRAM_FOLDER / service.name)
        if service.init
        else (str(PROGRAM_FOLDER / service.name),),
        args=service.args,
        workdir=service.workdir,
        user=str(service.user),
        ports=tuple(map(str, service.ports)),
        volumes=service.volumes,
        stop_signal=service.stop_signal,
        **_rust(build),
        **_base(service, build),
        **_files(service, build),
        **_health(service),
    )


def _copied(paths: tuple[str, ...]) -> Written:
    """What a COPY takes to where it works: a list where a path has more than letters in it."""
    words = (*paths, "./")
    is_plain = all(map(PLAIN.fullmatch, words))
    return Written(" ".join(words) if is_plain else exec_form(words))


def _fits(value: str | None) -> bool:
    return value is not None and not has_lines(value)


def _link_words(build: Build) -> str:
    if build.link == "musl":
        return "static with musl"
    return build.link


def _ground_words(build: Build) -> str:
    return build.base if build.base in (SCRATCH, DISTROLESS, DEBIAN) else "the base that was asked for"


def _rust(build: Build) -> dict[str, object]:
    """The image of the compiler, and what rustup is told."""
    if build.is_stable:
        reason = "The compiler of this image: for rust-toolchain.toml rustup would download one of its own."
        return {
            "rust": Written(f"rust:{build.rust}-slim-bookworm"),
            "toolchain": build.rust if build.has_toolchain_file else "",
            "toolchain_reason": reason if build.has_toolchain_file else "",
        }
    return {
        "rust": Written("rust:1-slim-bookworm"),
        "toolchain": "" if build.has_toolchain_file else build.rust,
        "toolchain_reason": f"rustup downloads {build.rust} when it is first used: no image holds it.",
    }


def _environment(build: Build) -> tuple[tuple[str, str, str], ...]:
    """Variables of the build, each with its reason."""
    profile = tuple(
        (
            f"CARGO_PROFILE_RELEASE_{key.upper().replace('-', '_')}",
            value,
            PROFILE_REASONS.get(key, "Asked for by `optimize`."),
        )
        for key, value in build.profile
    )
    offline = ("SQLX_OFFLINE", "true", "The committed .sqlx stands in for a database: none is near a build.")
    return (*profile, offline) if build.has_sqlx_data else profile


PROFILE_REASONS = {
    "codegen-units": "Smaller and faster code for a slightly longer build.",
    "strip": "Symbols are not needed to run.",
}


def _own_variables(service: Service, build: Build) -> tuple[tuple[str, str], ...]:
    """OpenSSL has its own idea of where CA roots lie; the contract may know better."""
    said = {each.name for each in service.contract if each.default is not None}
    return (("SSL_CERT_FILE", CA_FILE),) if build.certificates and "SSL_CERT_FILE" not in said else ()


def _base(service: Service, build: Build) -> dict[str, object]:
    """The last stage's image, what it is told to install, and why."""
    named = {SCRATCH: SCRATCH, DEBIAN: DEBIAN_SLIM}
    static = all(program.static for program in build.programs)
    named[DISTROLESS] = DISTROLESS_STATIC if static else DISTROLESS_CC
    packages = _packages(build) if build.base == DEBIAN else ()
    account = _account(service) if build.base == DEBIAN else ()
    commands = (
        *(
            ("apt-get update", f"apt-get install --yes --no-install-recommends {' '.join(packages)}")
            if packages
            else ()
        ),
        *(("rm -rf /var/lib/apt/lists/*",) if packages else ()),
        *account,
    )
    comment = build.base_reason
    if build.unknown:
        comment += f"; to be installed besides: what has {', '.join(build.unknown)}, here and for the build"
    return {
        "base": Written(named.get(build.base, build.base)),
        "base_comment": textwrap.wrap(comment, WIDTH),
        "base_packages": bool(packages),
        "base_run": run_of(commands) if commands else "",
    }


def _packages(build: Build) -> tuple[str, ...]:
    more = ("ca-certificates",) if build.certificates else ()
    zones = ("tzdata",) if build.zones else ()
    return (*more, *build.libraries, *zones)


def _account(service: Service) -> tuple[str, ...]:
    """A line for the user, for programs that ask who they are."""
    uid, gid = service.user.uid, service.user.gid
    if not uid:
        return ()
    return (
        f"echo 'app:x:{gid}:' >> /etc/group",
        f"echo 'app:x:{uid}:{gid}:app:/:/sbin/nologin' >> /etc/passwd",
    )


def _files(service: Service, build: Build) -> dict[str, object]:
    return {"files": files_step(service, build), "files_of_project": bool(build.files)}


def _health(service: Service) -> dict[str, object]:
    """Docker's flags and the command; nothing where nothing in the image could ask."""
    health, port = service.health, service.health_port
    command: tuple[str, ...] = ()
    if health is not None and health.command:
        command = health.command
    elif health is not None and port is not None and "the health probe" in aid_programs(service):
        command = probe_command(health, port)
    if health is None or not command:
        return {"health": "", "health_command": ()}
    flags = (
        ("interval", _duration(health.interval)),
        ("timeout", _duration(health.timeout)),
        ("start-period", _duration(health.start_period)),
        ("retries", str(health.retries)),
    )
    return {
        "health": Written(" ".join(f"--{flag}={value}" for flag, value in flags)),
        "health_command": command,
    }


def _duration(seconds: float) -> str:
    """As Go reads it, and hadolint too, which knows no `ms`."""
    return f"{round(seconds, 3)}".removesuffix(".0") + "s"


def _skeleton_words(build: Build) -> str:
    more = [*(["CA roots"] if build.certificates else []), *(["time zones"] if build.zones else [])]
    ours = ("a /tmp", "users", "where hosts are looked up") if build.base == SCRATCH else ()
    return ", ".join((*ours, *more))


def _aid_sources(service: Service) -> tuple[str, ...]:
    names = {"the health probe": "probe.rs", "the init": "init.rs"}
    found = tuple(names[program] for program in aid_programs(service))
    return (*found, "sys.rs") if found else ()
