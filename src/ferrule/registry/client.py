"""HTTP to registries, and the one place it leaves from: a place and a path go in, an answer comes out.

Credentials are added for the registry itself and for nobody else, redirects of reading requests are followed
by hand, and only what merely reads is tried again.
"""

import threading
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from msgspec.structs import replace

from ferrule import __version__
from ferrule.errors import RegistryError
from ferrule.registry.access import Access, Place
from ferrule.registry.address import is_at, resolve
from ferrule.registry.answer import (
    MAX_ERROR_BYTES,
    RETRIED,
    Answer,
    TransientError,
    broken,
    refusal,
    refused_elsewhere,
)
from ferrule.registry.auth import Authorizer, Logins
from ferrule.registry.body import Body
from ferrule.registry.retry import retried
from ferrule.registry.trust import no_check, nobody, tls

if TYPE_CHECKING:
    import ssl

    import httpx2

__all__ = ["Access", "Client"]

CONNECT_SECONDS = 10.0
READ_SECONDS = 60.0
MAX_REDIRECTS = 5
MAX_TOKEN_BYTES = 1 << 20
MAX_ANSWER_BYTES = 4 << 20
CHUNK = 1 << 18
REDIRECTS = (301, 302, 303, 307, 308)


class Client:
    """Talks to registries for one run of ferrule. Safe in threads."""

    def __init__(
        self, *, access: Access, credentials: Logins, transport: "httpx2.BaseTransport | None" = None
    ) -> None:
        self.access = access
        self._wire = _Wire(access, transport)
        self._plain: dict[str, bool] = {}
        self._lock = threading.Lock()
        self._auth = Authorizer(access=access, logins=credentials, ask=self._wire.ask_realm)
        # The verbs have no moment at which they are done with a registry: the connections go with the client.
        self.close: Callable[[], object] = weakref.finalize(self, self._wire.close)

    def read(self, place: Place, path: str, what: str, *, accept: tuple[str, ...] = ()) -> Answer:
        """GET something small (≤ 4 MiB), with retries. `what` names it in errors; only a 2xx comes back."""

        def work() -> Answer:
            with self._reading(place, "GET", path, accept) as response:
                answer = _answer(place.site.registry, response, MAX_ANSWER_BYTES)
            if not answer.ok:
                raise self.refusal(place, answer, what)
            return answer

        return retried(work)

    def probe(self, place: Place, path: str, what: str, *, accept: tuple[str, ...] = ()) -> Answer | None:
        """HEAD, with retries; None when it is not there."""

        def work() -> Answer | None:
            with self._reading(place, "HEAD", path, accept) as response:
                answer = _answer(place.site.registry, response, 0)
            if answer.status == 404:
                return None
            if not answer.ok:
                raise self.refusal(place, answer, what)
            return answer

        return retried(work)

    @contextmanager
    def download(self, place: Place, path: str, what: str) -> Iterator[Iterator[bytes]]:
        """GET something large as a stream, once: the caller wraps the whole of it in `retried`."""
        with self._reading(place, "GET", path, ()) as response:
            if response.status_code != 200:
                raise self.refusal(place, _answer(place.site.registry, response, MAX_ERROR_BYTES), what)
            yield response.iter_raw(CHUNK)

    def send(
        self,
        place: Place,
        method: str,
        url: str,
        *,
        body: Body | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """A request that changes something, once. Any answer but a 401 of its own comes back as it is."""
        with self._authorized(place, method, url, headers or {}, body) as response:
            return _answer(place.site.registry, response, MAX_ERROR_BYTES)

    def refusal(self, place: Place, answer: Answer, what: str) -> RegistryError:
        """The error for an answer that is not the expected one. `what` is the thing that was asked for."""
        if answer.status in (401, 403):
            own = is_at(self.settled(place).site, answer.url)
            return self._auth.refusal(place) if own else refused_elsewhere(place, answer, what)
        return refusal(place, answer, what)

    def settled(self, place: Place) -> Place:
        """The place with or without TLS, as its host answers where the user's trust leaves that open."""
        host = place.site.host
        with self._lock:
            if place.site.plain and host not in self._plain:
                found = self._is_plain(host)
                if found is None:
                    return place
                self._plain[host] = found
            return replace(place, site=replace(place.site, plain=self._plain.get(host, False)))

    def _is_plain(self, host: str) -> bool | None:
        """None where neither way brings an answer: the request itself will tell why."""
        for scheme in ("https", "http") if self.access.is_insecure(host) else ("http", "https"):
            try:
                answer = self._wire.ask_once("GET", f"{scheme}://{host}/v2/")
            except RegistryError:
                continue
            # So servers with TLS answer to those who come without.
            return scheme == "http" and not (answer.status == 400 and b"HTTPS" in answer.body)
        return None

    @contextmanager
    def _reading(
        self, place: Place, method: str, path: str, accept: tuple[str, ...]
    ) -> Iterator["httpx2.Response"]:
        place = self.settled(place)
        url = place.url(path)
        headers = {"accept": ", ".join(accept)} if accept else {}
        for _ in range(MAX_REDIRECTS + 1):
            with self._authorized(place, method, url, headers, None) as response:
                location = response.headers.get("location")
                if response.status_code not in REDIRECTS or location is None:
                    yield response
                    return
            url = resolve(place.site.registry, url, location)
        raise RegistryError(
            f"{place.site.registry} redirects more than {MAX_REDIRECTS} times", hint="look at the registry"
        )

    @contextmanager
    def _authorized(
        self, place: Place, method: str, url: str, headers: Mapping[str, str], body: Body | None
    ) -> Iterator["httpx2.Response"]:
        """One request; a 401 of the registry itself is answered once, with new credentials."""
        own = is_at(place.site, url)
        known = self._auth.header(place) if own else None
        with self._wire.open(method, url, _with(headers, known), body) as response:
            if response.status_code != 401 or not own:
                yield response
                return
            challenges = response.headers.get_list("www-authenticate")
        fresh = self._auth.renew(place, challenges, known)
        with self._wire.open(method, url, _with(headers, fresh), body) as response:
            if response.status_code == 401:
                raise self._auth.refusal(place)
            yield response


class _Wire:
    """Requests as they are, without credentials of their own; every failure is a `RegistryError`."""

    def __init__(self, access: Access, transport: "httpx2.BaseTransport | None") -> None:
        self._access = access
        self._transport = transport
        self._sessions: dict[str, httpx2.Client] = {}
        self._lock = threading.Lock()

    def close(self) -> None:
        for session in self._sessions.values():
            session.close()

    def _session(self, scheme: str, host: str) -> "httpx2.Client":
        """Made when it is first needed."""
        kind = "plain" if scheme == "http" else "unchecked" if self._access.is_insecure(host) else "checked"
        with self._lock:
            if kind not in self._sessions:
                self._sessions[kind] = _session(self._transport, self._believed(kind))
            return self._sessions[kind]

    def _believed(self, kind: str) -> "ssl.SSLContext":
        if kind == "checked" and self._transport is None:
            return tls(self._access)
        return no_check() if kind == "unchecked" else nobody()

    @contextmanager
    def open(
        self, method: str, url: str, headers: Mapping[str, str], body: Body | None
    ) -> Iterator["httpx2.Response"]:
        """The response with its body unread. Failures while the caller reads it are translated too."""
        import httpx2

        parts = urlsplit(url)
        host = parts.netloc
        sent = {"accept-encoding": "identity", **headers}
        if body is not None:
            sent["content-length"] = str(body.size)
        session = self._session(parts.scheme, host)
        try:
            request = session.build_request(
                method, url, headers=sent, content=body.chunks() if body is not None else None
            )
            response = session.send(request, stream=True)
            try:
                yield response
            finally:
                response.close()
        except (httpx2.HTTPError, httpx2.InvalidURL, httpx2.StreamError, UnicodeError) as error:
            raise broken(host, error, self._access.named(host)) from error

    def ask_once(self, method: str, url: str) -> Answer:
        """A request without anything, and its answer whatever it is."""
        with self.open(method, url, {}, None) as response:
            return _answer(urlsplit(url).netloc, response, MAX_ANSWER_BYTES)

    def ask_realm(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Answer:
        """A token realm's answer, whatever it is. Redirects would carry the login on."""

        def work() -> Answer:
            content = Body(body, len(body)) if body is not None else None
            with self.open(method, url, headers, content) as response:
                answer = _answer(urlsplit(url).netloc, response, MAX_TOKEN_BYTES)
            if answer.status in RETRIED:
                raise TransientError(
                    f"{urlsplit(url).netloc} answers {answer.status}", hint="try again later"
                )
            return answer

        try:
            return retried(work) if method == "GET" else work()
        except TransientError as error:
            # Tried enough: the request that the token is for shall not begin all of it anew.
            raise RegistryError(error.message, hint=error.hint) from error


def _session(transport: "httpx2.BaseTransport | None", verify: "ssl.SSLContext") -> "httpx2.Client":
    from http.cookiejar import CookieJar, DefaultCookiePolicy

    import httpx2

    try:
        return httpx2.Client(
            transport=transport,
            verify=verify,
            timeout=httpx2.Timeout(READ_SECONDS, connect=CONNECT_SECONDS, pool=None),
            follow_redirects=False,
            headers={"user-agent": f"ferrule/{__version__}"},
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
            # A proxy of the environment cannot reach what is on this machine.
            mounts=dict.fromkeys(("all://127.0.0.1", "all://localhost", "all://[::1]")),
        )
    except (ValueError, ImportError, httpx2.InvalidURL) as error:
        raise RegistryError(
            "the proxy that the environment names cannot be used",
            hint="see HTTPS_PROXY, HTTP_PROXY, ALL_PROXY",
        ) from error


def _answer(host: str, response: "httpx2.Response", limit: int) -> Answer:
    """Read to the end. An error's body is cut where it gets long, anything else is refused."""
    if response.status_code >= 400:
        limit = MAX_ERROR_BYTES
    body = bytearray()
    for chunk in response.iter_raw(CHUNK):
        body += chunk
        if len(body) > limit and response.status_code >= 400:
            del body[limit:]
            break
        if len(body) > limit:
            raise RegistryError(
                f"{host} sends more than {limit >> 10} KiB where a document is due",
                hint="look at the registry",
            )
    headers = {name.lower(): value for name, value in response.headers.items()}
    return Answer(status=response.status_code, url=str(response.url), headers=headers, body=bytes(body))


def _with(headers: Mapping[str, str], authorization: str | None) -> dict[str, str]:
    return {**headers, **({"authorization": authorization} if authorization else {})}
