"""Registries for tests: a folder goes in, a running registry on a free loopback port comes out.

Debian's `docker-registry` open, with passwords, with TLS or with tokens, and crane's as a second judge.
"""

import re
import shutil
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from ferrule.process import Attached, Command, SystemRunner
from tests.parts.debian import debian_tool, run
from tests.parts.need import need
from tests.parts.tokens import TokenServer, token_server

START_SECONDS = 120
USER, PASSWORD = "shopkeeper", "correct horse: battery"


@dataclass(frozen=True, kw_only=True, slots=True)
class RunningRegistry:
    """A registry that answers at `host` (with its port). `ca_file` where it speaks TLS."""

    host: str
    log: Path
    ca_file: Path | None = None
    tokens: TokenServer | None = None


@contextmanager
def open_registry(folder: Path) -> Iterator[RunningRegistry]:
    """Plain HTTP, everybody may do everything."""
    with _docker_registry(folder, {}, {}) as registry:
        yield registry


@contextmanager
def htpasswd_registry(folder: Path, *, blobs: str | None = None) -> Iterator[RunningRegistry]:
    """Basic authentication for `USER` with `PASSWORD`; who wants a blob is sent to `blobs`, if given."""
    need(shutil.which("htpasswd"), "htpasswd (Debian's apache2-utils)")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "htpasswd").write_text(run("htpasswd", "-Bbn", USER, PASSWORD))
    auth = {"htpasswd": {"realm": "tests", "path": str(folder / "htpasswd")}}
    redirect = {"storage": [{"name": "redirect", "options": {"baseurl": blobs}}]} if blobs else {}
    with _docker_registry(folder, {"auth": auth, "middleware": redirect}, {}) as registry:
        yield registry


@contextmanager
def tls_registry(folder: Path, name: str) -> Iterator[RunningRegistry]:
    """HTTPS under a name that resolves nowhere: the test's transport has to bring it to this machine."""
    import trustme

    folder.mkdir(parents=True, exist_ok=True)
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "ca.pem")
    server = authority.issue_cert(name)
    server.private_key_pem.write_to_path(folder / "key.pem")
    (folder / "cert.pem").write_bytes(b"".join(pem.bytes() for pem in server.cert_chain_pems))
    tls = {"certificate": str(folder / "cert.pem"), "key": str(folder / "key.pem")}
    with _docker_registry(folder, {}, {"tls": tls}) as registry:
        yield RunningRegistry(
            host=registry.host.replace("127.0.0.1", name), log=registry.log, ca_file=folder / "ca.pem"
        )


@contextmanager
def token_registry(folder: Path) -> Iterator[RunningRegistry]:
    """Bearer authentication: tokens for `USER` with `PASSWORD`, from a server of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    with token_server(folder, USER, PASSWORD) as tokens:
        auth = {
            "token": {
                "realm": tokens.realm,
                "service": tokens.service,
                "issuer": tokens.issuer,
                "rootcertbundle": str(tokens.certificate),
            }
        }
        with _docker_registry(folder, {"auth": auth}, {}) as registry:
            yield RunningRegistry(host=registry.host, log=registry.log, tokens=tokens)


@contextmanager
def crane_registry(folder: Path) -> Iterator[RunningRegistry]:
    """The registry of go-containerregistry: plain HTTP, everybody may do everything."""
    folder.mkdir(parents=True, exist_ok=True)
    argv = (str(debian_tool("crane")), "registry", "serve", "--address", "127.0.0.1:0", "--disk", str(folder))
    with _running(Command(argv=argv), folder / "log", r"serving on port (\d+)") as registry:
        yield registry


@contextmanager
def _docker_registry(
    folder: Path, settings: Mapping[str, object], http: Mapping[str, object]
) -> Iterator[RunningRegistry]:
    need(shutil.which("docker-registry"), "docker-registry")
    folder.mkdir(parents=True, exist_ok=True)
    content = {
        "version": "0.1",
        "log": {"level": "info"},
        "storage": {"filesystem": {"rootdirectory": str(folder / "data")}, "delete": {"enabled": True}},
        "http": {"addr": "127.0.0.1:0", "secret": "of no use to anybody", **http},
        **settings,
    }
    # JSON is YAML.
    (folder / "config.yml").write_bytes(msgspec.json.encode(content))
    command = Command(argv=("docker-registry", "serve", str(folder / "config.yml")))
    with _running(command, folder / "log", r"listening on 127\.0\.0\.1:(\d+)") as registry:
        yield registry


@contextmanager
def _running(command: Command, log: Path, ready: str) -> Iterator[RunningRegistry]:
    with log.open("wb") as stream:
        server = SystemRunner().attached(command, stdout=stream, stderr=stream)
    try:
        yield RunningRegistry(host=f"127.0.0.1:{_port(server, log, ready)}", log=log)
    finally:
        server.signal(signal.SIGTERM)
        server.wait()


def _port(server: Attached, log: Path, ready: str) -> str:
    deadline = time.monotonic() + START_SECONDS
    while not (match := re.search(ready, log.read_text(errors="replace"))):
        gone = server.ended() or time.monotonic() > deadline
        assert not gone, f"the registry does not start:\n{log.read_text(errors='replace')}"
        time.sleep(0.02)
    return match[1]
