"""Secrets of every kind lie where people keep them; nothing that ferrule makes, keeps or says has one.

Each is a text of its own, so that a find names its source. Searched are the layers of the image (unpacked),
its documents, what a registry got, ferrule's cache and target folder, all that it printed at -vvv and as
JSON, and the command lines of its children, which wrappers on PATH write down.
"""

import base64
import gzip
import json
import os
import shutil
import subprocess  # noqa: TID251 - the command line itself is under test
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.cargo_projects import manifest, write_files
from tests.parts.registry import PASSWORD, USER, htpasswd_registry

pytestmark = pytest.mark.real

MAIN = 'fn main() { println!("{}", std::env::var("APP_TOKEN").is_ok()); }'
TABLE = """
[package.metadata.ferrule]
files = [{ from = "assets/*.txt", to = "/app/assets" }]
[package.metadata.ferrule.env]
APP_TOKEN = { required = true, secret = true }
"""
WRAPPED = ("cargo", "rustc", "git", "cc", "ld", "rustup", "docker", "podman", "docker-credential-store")
LOGIN = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()


def secret(name: str) -> str:
    """A text that stands nowhere else."""
    return f"planted-{name}-0451"


NAMES = (
    *("aws-key", "cargo-token-variable", "database-url", "contract-variable", "docker-auth-variable"),
    *("proxy-password", "git-remote", "git-credentials", "netrc", "ssh-key", "cargo-credentials"),
    *("dotenv", "dotenv-in-assets", "key-in-assets", "config-env", "config-registry-token", "npmrc"),
    *("refused-env", "refused-label", "refused-argument", "kubeconfig", "pgpass"),
)
"""Every planted secret; the registry's password comes on top, in plain and as the header has it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class World:
    """A home, a project with everything in it, and a folder for what ferrule writes."""

    folder: Path
    env: dict[str, str]
    printed: list[str] = field(default_factory=list)

    @property
    def project(self) -> Path:
        return self.folder / "project"

    def ferrule(self, *arguments: str) -> int:
        """Run a command line, keep what it prints, give its exit code."""
        argv = (sys.executable, "-m", "ferrule", *arguments)
        finished = subprocess.run(argv, cwd=self.folder, env=self.env, capture_output=True, text=True)
        self.printed.extend((finished.stdout, finished.stderr))
        assert "Traceback" not in finished.stderr
        return finished.returncode

    def texts(self, registry: Path) -> Iterator[tuple[str, bytes]]:
        """Everything that there is to search, by name; layers unpacked."""
        for number, text in enumerate(self.printed):
            yield f"output {number}", text.encode()
        for place in (self.folder / "argv", self.folder / "cache", self.project / "target", registry):
            for file in [place, *place.rglob("*")]:
                if file.is_file():
                    data = file.read_bytes()
                    yield str(file), data
                    if data[:2] == b"\x1f\x8b":
                        yield f"{file} unpacked", gzip.decompress(data)


@pytest.fixture
def world(tmp_path: Path) -> World:
    home = tmp_path / "home"
    write_files(home, _at_home())
    write_files(tmp_path / "project", _in_the_project())
    (tmp_path / "bin").mkdir()
    for name in WRAPPED:
        _wrap(name, tmp_path)
    kept = {name: os.environ[name] for name in ("RUSTUP_HOME", "LANG") if name in os.environ}
    env = {
        "RUSTUP_HOME": str(Path.home() / ".rustup"),
        **kept,
        "HOME": str(home),
        "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}",
        "FERRULE_CACHE_DIR": str(tmp_path / "cache"),
        "AWS_SECRET_ACCESS_KEY": secret("aws-key"),
        "CARGO_REGISTRY_TOKEN": secret("cargo-token-variable"),
        "DATABASE_URL": f"postgres://shop:{secret('database-url')}@localhost/shop",
        "APP_TOKEN": secret("contract-variable"),
        "DOCKER_AUTH_CONFIG": json.dumps({"auths": {"ghcr.io": {"auth": secret("docker-auth-variable")}}}),
        "HTTPS_PROXY": f"http://me:{secret('proxy-password')}@127.0.0.1:1",
        "NO_PROXY": "127.0.0.1,localhost",
    }
    return World(folder=tmp_path, env=env)


def _at_home() -> dict[str, str]:
    return {
        ".git-credentials": f"https://me:{secret('git-credentials')}@github.com\n",
        ".netrc": f"machine github.com login me password {secret('netrc')}\n",
        ".ssh/id_ed25519": f"-----BEGIN OPENSSH PRIVATE KEY-----\n{secret('ssh-key')}\n",
        ".cargo/credentials.toml": f'[registry]\ntoken = "{secret("cargo-credentials")}"\n',
        ".npmrc": f"_authToken={secret('npmrc')}\n",
        ".kube/config": f"token: {secret('kubeconfig')}\n",
        ".pgpass": f"*:*:*:*:{secret('pgpass')}\n",
    }


def _in_the_project() -> dict[str, str]:
    config = f'[env]\nPROJECT_KEY = "{secret("config-env")}"\n[registries.acme]\nindex = "sparse+https://a.invalid/"\n'
    return {
        "Cargo.toml": manifest(extra=TABLE),
        "src/main.rs": MAIN,
        "Cargo.lock": 'version = 3\n\n[[package]]\nname = "hello"\nversion = "0.1.0"\n',
        ".env": f"DB_PASSWORD={secret('dotenv')}\n",
        ".git/HEAD": "ref: refs/heads/main\n",
        ".git/config": f'[remote "origin"]\n\turl = https://x:{secret("git-remote")}@github.com/a/b\n',
        ".cargo/config.toml": f'{config}token = "{secret("config-registry-token")}"\n',
        "assets/a.txt": "for everybody\n",
        "assets/.env": f"KEY={secret('dotenv-in-assets')}\n",
        "assets/server.key": f"-----BEGIN PRIVATE KEY-----\n{secret('key-in-assets')}\n",
    }


def _wrap(name: str, folder: Path) -> None:
    """A program of this name that writes its command line down and is the real one then."""
    real = shutil.which(name)
    if real is not None:
        file = folder / "bin" / name
        file.write_text(f'#!/bin/sh\necho "{name} $*" >> "{folder}/argv"\nexec "{real}" "$@"\n')
        file.chmod(0o755)


def test_no_planted_secret_is_found_anywhere(world: World, tmp_path: Path) -> None:
    (tmp_path / "registry").mkdir()
    with htpasswd_registry(tmp_path / "registry") as registry:
        auths = {"auths": {registry.host: {"auth": LOGIN}}}
        write_files(tmp_path / "home", {".docker/config.json": json.dumps(auths)})
        image = ("--image", f"{registry.host}/hello")
        assert world.ferrule("plan", "project", *image, "-v") == 0
        assert world.ferrule("plan", "project", *image, "--json") == 0
        assert world.ferrule("build", "project", *image, "-vvv", "--push", "-o", "oci:target/layout") == 0
        assert world.ferrule("build", "project", *image, "--push", "--json") == 0
        assert world.ferrule("inspect", f"{registry.host}/hello", "--files", "--json") == 0
        assert world.ferrule("env", "project", "--check", "-") == 0
        assert world.ferrule("env", "project", "--scan", "--json") == 0
        assert world.ferrule("run", "project", "--engine", "sandbox", "-e", "APP_TOKEN") == 0
        refused = (
            ("--file", "assets:/app/assets"),
            ("--file", "assets/*.key:/app/assets"),
            ("--env", f"URL=postgres://a:{secret('refused-env')}@b/c"),
            ("--env", f"APP_TOKEN={secret('refused-env')}"),
            ("--label", f"note=https://a:{secret('refused-label')}@b/c"),
            ("--label", f"note={secret('contract-variable')}"),
            ("--arg", f"redis://:{secret('refused-argument')}@b/c"),
        )
        codes = [world.ferrule("build", "project", "-vvv", *flags) for flags in refused]
        assert [code in (2, 3) for code in codes] == [True] * len(refused), codes
        texts = list(world.texts(tmp_path / "registry"))

    wanted = {name: secret(name) for name in NAMES} | {"password": PASSWORD, "login": LOGIN}
    found = [(name, place) for place, data in texts for name, text in wanted.items() if text.encode() in data]
    assert [each for each in found if not each[1].endswith("htpasswd")] == []
    assert len(NAMES) >= 20
    assert any(b"for everybody" in data for place, data in texts if place.endswith("unpacked"))
    assert b"cargo rustc" in (tmp_path / "argv").read_bytes()


def test_the_search_finds_what_is_there(world: World, tmp_path: Path) -> None:
    """The same search on an image that holds a secret, since somebody allowed it."""
    allowed = ("--env", f"URL=postgres://a:{secret('refused-env')}@b/c", "--allow-secret", "URL")
    assert world.ferrule("build", "project", *allowed) == 0
    assert any(secret("refused-env").encode() in data for _, data in world.texts(tmp_path / "registry"))
