"""A `RunRequest` goes in, a container as Docker's API wants it comes out; and what Docker says against it."""

import re
from typing import Any

from ferrule.engine.docker_http import DockerRefusalError
from ferrule.engine.engine import RunRequest
from ferrule.engine.inside import Strict
from ferrule.engine.mount import Mount
from ferrule.engine.strict import SYSCTLS, TMP
from ferrule.errors import EngineError, FerruleError, ImageError

PORT_TAKEN = re.compile(r":([0-9]+)(?::| failed:).*already (?:allocated|in use)")


def container_of(request: RunRequest, network: str) -> dict[str, Any]:
    """The body of a request that creates a container."""
    ports: dict[str, list[dict[str, str]]] = {}
    for port in request.ports:
        ports.setdefault(f"{port.container}/{port.protocol}", []).append({"HostPort": str(port.host)})
    body: dict[str, Any] = {
        "Image": request.name,
        # A name without a value takes the image's away.
        "Env": [name if value is None else f"{name}={value}" for name, value in request.env],
        "AttachStdout": True,
        "AttachStderr": True,
        "ExposedPorts": {port: {} for port in ports},
        "HostConfig": {
            "NetworkMode": network,
            "PortBindings": ports if network not in ("host", "none") else {},
            "Mounts": [_mount(mount) for mount in request.mounts],
        },
    }
    if network == "none":  # whoever joins it cannot set them any more
        body["HostConfig"]["Sysctls"] = dict(SYSCTLS)
    if request.args:
        body["Cmd"] = list(request.args)
    if request.strict:
        body["HostConfig"] |= _strictly(request.strict)
        body |= {"User": request.strict.user} if request.strict.user else {}
    return body


def _strictly(strict: Strict) -> dict[str, object]:
    return {
        "ReadonlyRootfs": not strict.writable,
        "Tmpfs": {TMP: "rw,mode=1777"},
        "CapDrop": ["ALL"],
        "CapAdd": list(strict.capabilities),
        "SecurityOpt": [] if strict.capabilities else ["no-new-privileges"],
        "Memory": strict.memory,
    }


def explain(error: DockerRefusalError, request: RunRequest) -> FerruleError:
    """Docker's refusal to create or start a container, as a person would say it."""
    if error.status == 404 and "no such image" in error.said.lower():
        return EngineError(f"docker has no image {request.name}", hint="load it: ferrule build --load")
    if taken := PORT_TAKEN.search(error.said):
        return EngineError(
            f"port {taken[1]} of this machine is taken", hint=f"publish another one: -p OTHER:{taken[1]}"
        )
    _, found, reason = error.said.partition("exec: ")
    if found:
        reason = reason.removesuffix(": unknown").removesuffix(".")
        return ImageError(f"exec {reason}", hint="look at the image's entry point: ferrule inspect")
    if "no command specified" in error.said.lower():
        return ImageError("the image names no program to run", hint="give one behind --")
    return error


def _mount(mount: Mount) -> dict[str, object]:
    if not mount.source:
        return {"Type": "tmpfs", "Target": mount.target, "TmpfsOptions": {"Mode": 0o1777}}
    return {"Type": "bind", "Source": mount.source, "Target": mount.target, "ReadOnly": mount.read_only}
