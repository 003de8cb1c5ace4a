"""A `RunRequest` goes in, the words of `podman create` come out; and what Podman says against it."""

import re

import msgspec

from ferrule.engine.engine import RunRequest
from ferrule.engine.inside import Strict
from ferrule.engine.mount import Mount
from ferrule.engine.strict import SYSCTLS, TMP
from ferrule.errors import EngineError, FerruleError, ImageError
from ferrule.oci.reference import parse_reference

PORT_TAKEN = re.compile(r":([0-9]+): bind: address already in use")
TMPFS = f"{TMP}:rw,mode=1777,notmpcopyup"
OF_A_NETWORK = "plugin type="
"""How CNI begins, such as where iptables is missing, which it says in the words for a missing program."""
NOT_FOR_A_FILE = re.compile(r"[\r\n\"'`]")
"""In a value: what some version of Podman does not take as it is from a line of a file."""


class Variables(msgspec.Struct, frozen=True, kw_only=True):
    """How a program's variables reach Podman: `words` on its command line, lines on its `stdin`, and `env` in
    its own environment.
    """

    words: tuple[str, ...]
    stdin: bytes
    env: dict[str, str]


def variables_of(request: RunRequest) -> Variables:
    """Values go by Podman's stdin: everybody can read a command line, and a file may outlive us.

    What a line cannot hold goes by Podman's own environment.
    """
    lines, words, env = [], [], {}
    for name, value in request.env:
        if value is None:
            words += ["--unsetenv", name]
        elif NOT_FOR_A_FILE.search(value) or name.startswith("#"):
            words += ["--env", name]
            env[name] = value
        else:
            lines.append(f"{name}={value}\n")
    file = ("--env-file", "/dev/stdin") if lines else ()
    stdin = "".join(lines).encode(errors="surrogateescape")
    return Variables(words=(*file, *words), stdin=stdin, env=env)


def create_words(
    container: str, request: RunRequest, network: str, options: tuple[str, ...], keep: tuple[str, ...]
) -> tuple[str, ...]:
    """`create` and all that belongs to it; `keep` says how it is marked, and where its output goes."""
    words = ["create", "--name", container, "--pull", "never", *keep, "--http-proxy=false"]
    if network:
        words += ["--network", network]
    if network not in ("host", "none"):
        for port in request.ports:
            words += ["--publish", f"{port.host}:{port.container}/{port.protocol}"]
    for mount in request.mounts:
        words += ["--mount", _mount(mount)]
    if network == "none":  # whoever joins it cannot set them any more
        words += [word for name, value in SYSCTLS.items() for word in ("--sysctl", f"{name}={value}")]
    if request.strict:
        words += _strictly(request.strict)
    return (*words, *options, _full_name(request), *request.args)


def _strictly(strict: Strict) -> list[str]:
    words = ["--cap-drop", "all", "--memory", str(strict.memory), "--tmpfs", TMPFS]
    words += [] if strict.writable else ["--read-only", "--read-only-tmpfs=false"]
    words += [word for name in strict.capabilities for word in ("--cap-add", name)]
    words += [] if strict.capabilities else ["--security-opt", "no-new-privileges"]
    return [*words, *(["--user", strict.user] if strict.user else [])]


def explain(said: str, request: RunRequest) -> FerruleError:
    """Podman's refusal to create or start a container, as a person would say it."""
    if "image not known" in said or "no such image" in said.lower():
        return EngineError(
            f"podman has no image {request.name}", hint="load it: ferrule build --load --engine podman"
        )
    if taken := PORT_TAKEN.search(said):
        return EngineError(
            f"port {taken[1]} of this machine is taken", hint=f"publish another one: -p OTHER:{taken[1]}"
        )
    if OF_A_NETWORK in said:
        return EngineError(f"podman makes no network here: {said}", hint="use --network host")
    _, found, reason = said.partition("exec: ")
    if found:
        return ImageError(
            f"exec {reason.partition(': OCI ')[0]}", hint="look at the image's entry point: ferrule inspect"
        )
    if "no command or entrypoint" in said:
        return ImageError("the image names no program to run", hint="give one behind --")
    return EngineError(f"podman does not run the image: {said}")


def may_be_network(said: str) -> bool:
    """Whether the host's network could help: no version of podman has words of its own for it."""
    other = ("exec: ", "entrypoint", "image")
    return OF_A_NETWORK in said or not (PORT_TAKEN.search(said) or any(word in said for word in other))


def _mount(mount: Mount) -> str:
    if not mount.source:
        return f"type=tmpfs,target={mount.target},tmpfs-mode=1777,notmpcopyup"
    return f"type=bind,source={mount.source},target={mount.target},ro={str(mount.read_only).lower()}"


def _full_name(request: RunRequest) -> str:
    """What was loaded from here is on docker.io for podman, which would look at `localhost/` first."""
    return str(parse_reference(request.name)) if request.image is not None else request.name
