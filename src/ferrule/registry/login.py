"""A login as a value, and how files and helpers write one. No I/O; errors never show a secret."""

import base64
import binascii
from dataclasses import dataclass, field

import msgspec

from ferrule.errors import InvalidValueError

IDENTITY_USER = "<token>"


@dataclass(frozen=True, kw_only=True, slots=True)
class Login:
    """What opens a registry: user and password, or an identity token, or a finished registry token."""

    user: str = ""
    password: str = field(default="", repr=False)
    identity_token: str = field(default="", repr=False)
    registry_token: str = field(default="", repr=False)

    @property
    def basic(self) -> str | None:
        """The value of a Basic authorization; None where there is no password."""
        if not self.user and not self.password:
            return None
        pair = base64.b64encode(f"{self.user}:{self.password}".encode())
        return f"Basic {pair.decode('ascii')}"


class Entry(msgspec.Struct):
    """One entry of `auths`."""

    auth: str = ""
    username: str = ""
    password: str = ""
    identitytoken: str = ""
    registrytoken: str = ""

    def __repr__(self) -> str:
        return "Entry(…)"

    def login(self) -> Login | None:
        """The login in the entry. An empty entry holds none: it says that a helper knows."""
        user, password = _decode(self.auth) if self.auth else (self.username, self.password)
        if self.identitytoken or self.registrytoken or user or password:
            return Login(
                user=user,
                password=password,
                identity_token=self.identitytoken,
                registry_token=self.registrytoken,
            )
        return None


class CredentialFile(msgspec.Struct, rename="camel"):
    """What matters of Docker's `config.json` and Podman's `auth.json`."""

    auths: dict[str, Entry | None] | None = None
    creds_store: str = ""
    cred_helpers: dict[str, str] | None = None


class _FromHelper(msgspec.Struct, rename="pascal"):
    username: str
    secret: str


def parse_file(data: bytes) -> CredentialFile:
    """A file's content. Raises `InvalidValueError`, whose text says nothing of the content."""
    try:
        return msgspec.json.decode(data.strip() or b"{}", type=CredentialFile)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise InvalidValueError("it is not JSON of the form that docker login writes") from None


def parse_helper_answer(data: bytes) -> Login | None:
    """What `docker-credential-NAME get` prints. Raises `InvalidValueError`."""
    try:
        answer = msgspec.json.decode(data, type=_FromHelper)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise InvalidValueError("it answers no JSON with Username and Secret") from None
    if answer.username == IDENTITY_USER:
        return Login(identity_token=answer.secret)
    if not answer.username and not answer.secret:
        return None
    return Login(user=answer.username, password=answer.secret)


def _decode(auth: str) -> tuple[str, str]:
    try:
        text = base64.b64decode(auth, validate=True).decode()
    except (binascii.Error, ValueError):
        raise InvalidValueError("an auth in it is not base64 of USER:PASSWORD") from None
    user, colon, password = text.partition(":")
    if not colon:
        raise InvalidValueError("an auth in it is not base64 of USER:PASSWORD")
    # Old versions of docker padded the password with NUL.
    return user, password.strip("\0")
