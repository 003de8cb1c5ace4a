"""The right to ask: a place and a registry's challenge go in, the value of an Authorization header comes out.

The Docker registry token specification, with its OAuth2 form for identity tokens.
"""

import re
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Protocol
from urllib.parse import urlencode, urlsplit

import msgspec

from ferrule.errors import RegistryError
from ferrule.registry.access import Access, Place, Site
from ferrule.registry.answer import Answer, credentials_refused
from ferrule.registry.challenge import Challenge, parse_challenges
from ferrule.registry.login import Login

CLIENT_ID = "ferrule"
DEFAULT_LIFE_SECONDS = 60
MARGIN_SECONDS = 10
MAX_LIFE_SECONDS = 24 * 3600
MAX_REALM = 4096


class Logins(Protocol):
    """Something that knows the user's logins: `Credentials`, or a table in a test."""

    def find(self, registry: str, repository: str) -> Login | None:
        """The login for a repository."""
        ...


class Ask(Protocol):
    """Sends one request to a token realm, follows nothing, and reads the answer to its end."""

    def __call__(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Answer:
        """Raises `RegistryError` when there is no answer."""
        ...


class _Ticket(msgspec.Struct, frozen=True, kw_only=True):
    header: str
    until: float


class _TokenAnswer(msgspec.Struct):
    token: str | None = None
    access_token: str | None = None
    expires_in: float | None = None


_Key = tuple[Site, str, tuple[str, ...]]


class Authorizer:
    """Remembers how each registry wants to be asked, and a token per set of scopes. Safe in threads."""

    def __init__(
        self, *, access: Access, logins: Logins, ask: Ask, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`clock` counts seconds, from anywhere."""
        self._access = access
        self._logins = logins
        self._ask = ask
        self._clock = clock
        self._lock = threading.Lock()
        self._usual: dict[Site, Challenge] = {}
        self._challenges: dict[_Key, Challenge] = {}
        self._tickets: dict[_Key, _Ticket] = {}

    def header(self, place: Place) -> str | None:
        """The authorization for a place, as far as its registry has asked for one before."""
        with self._lock:
            challenge = self._challenges.get(_key(place)) or self._usual.get(place.site)
            return self._ticket(place, challenge).header if challenge else None

    def renew(self, place: Place, challenges: Iterable[str], rejected: str | None) -> str:
        """An authorization that answers a 401. `rejected` is the header that brought it.

        Raises `RegistryError` when there is nothing new to say.
        """
        with self._lock:
            offered = parse_challenges(challenges)
            if not offered:
                raise self.refusal(place)
            challenge = _choose(place, offered)
            self._challenges[_key(place)] = challenge
            self._usual[place.site] = _without_scope(challenge)
            ticket = self._tickets.get(_key(place))
            # Another thread may have got a new one meanwhile.
            if ticket and ticket.header == rejected:
                del self._tickets[_key(place)]
            fresh = self._ticket(place, challenge)
            if fresh.header == rejected:
                raise self.refusal(place)
            return fresh.header

    def refusal(self, place: Place) -> RegistryError:
        """The error for a place that stays closed to this user."""
        login = self._logins.find(place.site.registry, place.repository)
        return credentials_refused(place, has_login=login is not None)

    def _ticket(self, place: Place, challenge: Challenge) -> _Ticket:
        ticket = self._tickets.get(_key(place))
        if ticket is None or self._clock() >= ticket.until:
            login = self._logins.find(place.site.registry, place.repository)
            ticket = self._fetch(place, challenge, login)
            self._tickets[_key(place)] = ticket
        return ticket

    def _fetch(self, place: Place, challenge: Challenge, login: Login | None) -> _Ticket:
        if challenge.scheme == "basic":
            if login is None or login.basic is None:
                raise credentials_refused(place, has_login=login is not None)
            return _Ticket(header=login.basic, until=float("inf"))
        if login is not None and login.registry_token:
            return _Ticket(header=_bearer(place, login.registry_token), until=float("inf"))
        asked = self._clock()
        answer = self._ask_realm(place, challenge, login)
        if answer.status in (400, 401, 403):
            raise credentials_refused(place, has_login=login is not None)
        if not answer.ok:
            raise RegistryError(
                f"the token server of {place.site.registry} answers {answer.status}", hint="try again later"
            )
        try:
            token = msgspec.json.decode(answer.body, type=_TokenAnswer, strict=False)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            raise _no_token(place) from None
        life = min(max(token.expires_in or 0, DEFAULT_LIFE_SECONDS), MAX_LIFE_SECONDS) - MARGIN_SECONDS
        return _Ticket(header=_bearer(place, token.token or token.access_token or ""), until=asked + life)

    def _ask_realm(self, place: Place, challenge: Challenge, login: Login | None) -> Answer:
        realm = _checked_realm(self._access, place, challenge)
        service = challenge.parameters.get("service", "")
        scopes = _scopes(place, challenge)
        if login is not None and login.identity_token:
            form = {
                "grant_type": "refresh_token",
                "service": service,
                "scope": " ".join(scopes),
                "client_id": CLIENT_ID,
                "refresh_token": login.identity_token,
            }
            headers = {"content-type": "application/x-www-form-urlencoded"}
            return self._ask("POST", realm, headers, urlencode(form).encode())
        pairs = [*([("service", service)] if service else []), *(("scope", scope) for scope in scopes)]
        url = f"{realm}{'&' if '?' in realm else '?'}{urlencode(pairs)}"
        basic = login.basic if login else None
        return self._ask("GET", url, {"authorization": basic} if basic else {}, None)


def _key(place: Place) -> _Key:
    # Podman keeps logins per repository: one registry may know the user under several names.
    return place.site, place.repository, place.scopes


def _without_scope(challenge: Challenge) -> Challenge:
    parameters = {name: value for name, value in challenge.parameters.items() if name != "scope"}
    return Challenge(scheme=challenge.scheme, parameters=parameters)


def _choose(place: Place, challenges: tuple[Challenge, ...]) -> Challenge:
    """Bearer before Basic: a token opens less, and for a shorter time."""
    for scheme in ("bearer", "basic"):
        for challenge in challenges:
            if challenge.scheme == scheme and (scheme == "basic" or "realm" in challenge.parameters):
                return challenge
    offered = ", ".join(challenge.scheme for challenge in challenges[:5])
    raise RegistryError(
        f"{place.site.registry} asks for a way to log in that ferrule does not know: {offered[:60]}",
        hint="Basic and Bearer are known",
    )


def _checked_realm(access: Access, place: Place, challenge: Challenge) -> str:
    """The realm, if a password may go there: over TLS, or on this machine for a registry on this machine."""
    realm = challenge.parameters["realm"]
    try:
        parts = urlsplit(realm)
        host = parts.netloc if parts.port != 0 and parts.username is None else ""
    except ValueError:
        parts, host = urlsplit(""), ""
    plain = parts.scheme == "http" and place.site.plain and access.is_plain(host.lower())
    odd = not host or bool(parts.fragment) or len(realm) > MAX_REALM or not re.fullmatch("[!-~]+", realm)
    if odd or not (plain or parts.scheme == "https"):
        raise RegistryError(
            f"{place.site.registry} wants the login sent to a place that is not safe",
            hint="a token realm is an https address; ask whoever runs the registry",
        )
    return realm


def _scopes(place: Place, challenge: Challenge) -> tuple[str, ...]:
    """What the place needs, and what the registry says: a proxy may know the repository by another name."""
    said = challenge.parameters.get("scope", "").split()
    known = {scope.rpartition(":")[0] for scope in place.scopes}
    return (*place.scopes, *(scope for scope in said if scope.rpartition(":")[0] not in known))


def _bearer(place: Place, token: str) -> str:
    if not re.fullmatch(r"[!-~]+", token):
        raise _no_token(place)
    return f"Bearer {token}"


def _no_token(place: Place) -> RegistryError:
    return RegistryError(f"the token server of {place.site.registry} sends no token", hint="try again later")
