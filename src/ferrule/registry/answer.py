"""Answers: an answer, or a broken connection, goes in, and the error that it means comes out."""

import socket
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TypeVar
from urllib.parse import urlsplit

import msgspec

from ferrule.errors import RegistryError
from ferrule.registry.access import Place

E = TypeVar("E", bound=BaseException)

MAX_ERROR_BYTES = 64 << 10
MAX_SAID = 200
RETRIED = (408, 429, 500, 502, 503, 504)


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """An answer read to its end. `headers` has lower-case names; `url` is where it came from in the end."""

    status: int
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = field(default=b"", repr=False)

    @property
    def ok(self) -> bool:
        """Whether the registry did what it was asked for."""
        return 200 <= self.status < 300


class TransientError(RegistryError):
    """A failure that may be gone the next time. `after` is how long the registry asks to wait, in seconds."""

    def __init__(self, message: str, *, hint: str = "", after: float | None = None) -> None:
        super().__init__(message, hint=hint)
        self.after = after


def refusal(place: Place, answer: Answer, what: str) -> RegistryError:
    """The error for an answer that is not the expected one, nor about a login. `what` was asked for."""
    host, repository, login = place.site.registry, place.title, place.site.login
    if answer.status == 404 and place.push:
        return RegistryError(
            f"{host} has no place for {repository}{_said(answer.body)}",
            hint="some registries want a repository to be made before the first push",
        )
    if answer.status == 404:
        hint = f"check the name; a private repository needs `{login}`"
        whole = f"{place.mirrored or host}/{place.repository}"
        asked = f" (asked at {host})" if place.mirrored else ""
        return RegistryError(f"{whole} has no {what}{asked}", hint=hint)
    if answer.status == 413:
        return RegistryError(
            f"{host} takes no {what} of this size for {repository} (413)",
            hint="raise the limit of the registry, or of the proxy in front of it",
        )
    if answer.status == 429:
        return TransientError(
            f"{host} says that there were too many requests (429)",
            hint=f"wait a while, or get a higher limit with `{login}`",
            after=_retry_after(answer),
        )
    message = f"{host} answers {answer.status} for the {what} of {repository}{_said(answer.body)}"
    if answer.status in RETRIED:
        return TransientError(message, hint="try again later", after=_retry_after(answer))
    return RegistryError(message, hint="look at the registry's log, and check the name")


def credentials_refused(place: Place, *, has_login: bool) -> RegistryError:
    """The user's login does not open this repository, or it needs one and there is none."""
    host, may = place.site.registry, "push to" if place.push else "pull"
    if has_login:
        return RegistryError(
            f"{host} refuses the credentials for {place.title}",
            hint=f"run `{place.site.login}` as a user who may {may} it",
        )
    return RegistryError(
        f"{host} wants a login for {place.title}, and there is none",
        hint=f"check the name, or log in: `{place.site.login}` or `podman login {host}`",
    )


def refused_elsewhere(place: Place, answer: Answer, what: str) -> RegistryError:
    """Where the registry has sent us, something is refused: no login of the user's is meant for there."""
    elsewhere = f"{urlsplit(answer.url).netloc}, where {place.site.registry} sends us"
    return RegistryError(
        f"{elsewhere} for the {what} of {place.title}, answers {answer.status}",
        hint="try again; if it stays, look at the registry's storage, and at the clocks of both",
    )


def broken(host: str, error: Exception, named: str) -> RegistryError:
    """The error for a connection that failed: name unknown, refused, TLS, cut, or silent.

    `named` is the host with what a person knows of it.
    """
    causes = tuple(_causes(error))
    if found := _first(causes, ssl.SSLCertVerificationError):
        return RegistryError(
            f"{named} has a certificate that is not trusted: {found.verify_message.rstrip('.')}",
            hint=f"name its CA in FERRULE_CA_FILE, or trust the host blindly with --insecure {host}",
        )
    if found_tls := _first(causes, ssl.SSLError):
        return RegistryError(
            f"{named} does not speak TLS as it should: {found_tls.reason or 'the handshake failed'}",
            hint=f"a registry without TLS has to be named: --insecure {host}",
        )
    if _first(causes, socket.gaierror) or _first(causes, UnicodeError):
        return RegistryError(f"there is no host {named}", hint="check the registry's name and the network")
    if _first(causes, ConnectionRefusedError):
        return TransientError(
            f"{named} refuses the connection", hint="is the registry running, and on that port?"
        )
    if any(type(cause).__name__.endswith("Timeout") for cause in causes):
        return TransientError(f"{named} does not answer in time", hint="check the network, and try again")
    return TransientError(
        f"the connection to {named} was cut{_reason(causes)}", hint="check the network, and try again"
    )


def printable(text: str) -> str:
    """Text of a stranger as one line that a terminal can be shown."""
    line = " ".join(text.split())
    return "".join(letter if letter.isprintable() else "?" for letter in line)[:MAX_SAID]


class _Complaint(msgspec.Struct):
    code: str = ""
    message: str = ""


class _Complaints(msgspec.Struct):
    errors: tuple[_Complaint, ...] = ()


def _said(body: bytes) -> str:
    try:
        complaints = msgspec.json.decode(body, type=_Complaints).errors
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return ""
    said = "; ".join(complaint.message or complaint.code for complaint in complaints[:3])
    return f": {printable(said)}" if said.strip() else ""


def _retry_after(answer: Answer) -> float | None:
    """Seconds, from a number or a date (RFC 9110, section 10.2.3)."""
    text = answer.headers.get("retry-after", "")[:100]
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    # A date without a zone is in UTC.
    return max(0.0, (date.replace(tzinfo=date.tzinfo or UTC) - datetime.now(UTC)).total_seconds())


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _first(causes: tuple[BaseException, ...], kind: type[E]) -> E | None:
    return next((cause for cause in causes if isinstance(cause, kind)), None)


def _reason(causes: tuple[BaseException, ...]) -> str:
    reasons = [cause.strerror for cause in causes if isinstance(cause, OSError) and cause.strerror]
    return f": {reasons[-1].lower()}" if reasons else ""
