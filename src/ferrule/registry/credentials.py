"""Who the user is to a registry: a repository goes in, the login that docker or podman keeps comes out."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import msgspec

from ferrule.errors import InvalidValueError, RegistryError
from ferrule.folders import home_folder
from ferrule.oci.reference import DEFAULT_REGISTRY
from ferrule.process import Command, ProgramMissingError, Runner
from ferrule.registry.login import CredentialFile, Login, parse_file, parse_helper_answer

LEGACY_HUB = "https://index.docker.io/v1/"
HUB_NAMES = (DEFAULT_REGISTRY, "index.docker.io", "registry-1.docker.io")
NOT_FOUND = b"credentials not found"
PODMAN_RUN = Path("/run/containers")
"""Where Podman keeps a user's logins without XDG_RUNTIME_DIR: containers-auth.json(5)."""

T = TypeVar("T")


class Credentials(msgspec.Struct, frozen=True, kw_only=True):
    """The logins that the user made with docker or podman; nothing is read before somebody asks.

    In each file `credHelpers` come before `credsStore` before `auths`, and of Podman's keys the one that
    names most of the repository wins. Docker's file comes before Podman's.
    """

    runner: Runner

    def find(self, registry: str, repository: str) -> Login | None:
        """The login for a repository; None where the user has none.

        Raises `RegistryError` that names the broken file or helper, and never shows what is in it.
        """
        for path in credential_files():
            if (content := _read(path)) is None:
                continue
            try:
                login = self._look(content, registry, repository)
            except InvalidValueError as error:
                raise RegistryError(
                    f"{path}: {error.message}", hint="mend the file, or log in anew with `docker login`"
                ) from None
            if login is not None:
                return login
        return None

    def _look(self, content: CredentialFile, registry: str, repository: str) -> Login | None:
        helpers = _by_key(content.cred_helpers or {})
        entries = _by_key(content.auths or {})
        keys = tuple(_keys(registry, repository))
        named = next((helpers[key] for key in keys if key in helpers), "")
        for helper in (named, content.creds_store):
            if helper and (login := self._ask(helper, registry)):
                return login
        # An empty entry only says that a helper knows: a less specific one may still hold a login.
        logins = (entry.login() for key in keys if (entry := entries.get(key)))
        return next((login for login in logins if login), None)

    def _ask(self, helper: str, registry: str) -> Login | None:
        if not re.fullmatch(r"[A-Za-z0-9._-]+", helper):
            raise InvalidValueError("it names a credential helper with other signs than letters and digits")
        program = f"docker-credential-{helper}"
        server = LEGACY_HUB if registry in HUB_NAMES else registry
        try:
            finished = self.runner.run(Command(argv=(program, "get"), stdin=server.encode()))
        except ProgramMissingError:
            raise InvalidValueError(f"it names the helper {program}, which is not on PATH") from None
        if finished.ok:
            try:
                return parse_helper_answer(finished.stdout)
            except InvalidValueError as error:
                raise InvalidValueError(f"its helper {program} is broken: {error.message}") from None
        if NOT_FOUND in finished.stdout + finished.stderr:
            return None
        raise InvalidValueError(f"its helper {program} failed with exit code {finished.returncode}")


def credential_files() -> tuple[Path, ...]:
    """Where docker and podman keep logins, in the order in which they are asked."""
    environment, home = os.environ, home_folder()
    docker = environment.get("DOCKER_CONFIG")
    files = [(Path(docker) if docker else home / ".docker") / "config.json"]
    if named := environment.get("REGISTRY_AUTH_FILE"):
        return (*files, Path(named))
    runtime = environment.get("XDG_RUNTIME_DIR")
    files.append((Path(runtime) / "containers" if runtime else PODMAN_RUN / str(os.getuid())) / "auth.json")
    configuration = environment.get("XDG_CONFIG_HOME")
    files.append((Path(configuration) if configuration else home / ".config") / "containers" / "auth.json")
    return tuple(files)


def _read(path: Path) -> CredentialFile | None:
    try:
        return parse_file(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        # Where root's containers ran, the folder may be closed to all others: no login of theirs is in it.
        if isinstance(error, PermissionError) and path.is_relative_to(PODMAN_RUN):
            return None
        raise RegistryError(
            f"cannot read {path}: {error.strerror}", hint="check the permissions of the file"
        ) from None
    except InvalidValueError as error:
        raise RegistryError(
            f"{path}: {error.message}", hint="mend the file, or remove it and log in anew"
        ) from None


def _keys(registry: str, repository: str) -> Iterator[str]:
    """The keys that stand for a repository, the most specific first."""
    names = HUB_NAMES if registry in HUB_NAMES else (registry,)
    parts = repository.split("/")
    for length in range(len(parts), -1, -1):
        for name in names:
            yield "/".join((name, *parts[:length]))


def _by_key(table: dict[str, T]) -> dict[str, T]:
    """The table under plain keys. Docker writes hosts, and in old files URLs with `/v1/` behind them."""
    plain: dict[str, T] = {}
    for key, value in table.items():
        rest = re.sub(r"^https?://", "", key)
        if rest != key or re.fullmatch(r"[^/]+/v[12]/?", rest):
            rest = rest.partition("/")[0]
        plain.setdefault(rest.rstrip("/").lower(), value)
    return plain
