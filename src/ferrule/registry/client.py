"""HTTP to registries, and the one place it leaves from: a place and a path go in, an answer comes out.

Credentials are added for the registry itself and for nobody else, redirects of reading requests are followed
by hand, and only what merely reads is tried again.
"""

import logging
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

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
    credentials_refused,
    refusal,
)
from ferrule.registry.auth import Authorizer, Logins
from ferrule.registry.body import Body

if TYPE_CHECKING:
    import ssl

    import httpx2

__all__ = ["Access", "Client"]

CONNECT_SECONDS = 10.0
READ_SECONDS = 60.0
ATTEMPTS = 4
MAX_WAIT_SECONDS = 60.0
RETRY_SECONDS = 180.0
MAX_REDIRECTS = 5
MAX_TOKEN_BYTES = 1 << 20
MAX_ANSWER_BYTES = 4 << 20
CHUNK = 1 << 18
REDIRECTS = (301, 302, 303, 307, 308)

T = TypeVar("T")


class Client:
    """Talks to registries for one run of ferrule. Safe in threads."""

    def __init__(
        self, *, access: Access, credentials: Logins, transport: "httpx2.BaseTransport | None" = None
    ) -> None:
        self.access = access
        self._wire = _Wire(access, transport)
        self._auth = Authorizer(access=access, logins=credentials, ask=self._wire.ask_realm)
        # The verbs have no moment at which they are done with a registry: the connections go with the client.
        self.close: Callable[[], object] = weakref.finalize(self, self._wire.close)

    def read(self, place: Place, path: str, what: str, *, accept: tuple[str, ...] = ()) -> Answer:
        """GET something small (≤ 4 MiB), with retries. `what` names it in errors; only a 2xx comes back."""

        def work() -> Answer:
            with self._reading(place, "GET", path, accept) as response:
                answer = _answer(place.site.registry, response, MAX_ANSWER_BYTES)
            if not answer.ok:
                raise refusal(place, answer, what)
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
                raise refusal(place, answer, what)
            return answer

        return retried(work)

    @contextmanager
    def download(self, place: Place, path: str, what: str) -> Iterator[Iterator[bytes]]:
        """GET something large as a stream, once: the caller wraps the whole of it in `retried`."""
        with self._reading(place, "GET", path, ()) as response:
            if response.status_code != 200:
                raise refusal(place, _answer(place.site.registry, response, MAX_ERROR_BYTES), what)
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
        """A request that changes something, once. Any answer but a 401 comes back as it is."""
        with self._authorized(place, method, url, headers or {}, body) as response:
            return _answer(place.site.registry, response, MAX_ERROR_BYTES)

    @contextmanager
    def _reading(
        self, place: Place, method: str, path: str, accept: tuple[str, ...]
    ) -> Iterator["httpx2.Response"]:
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
            if response.status_code != 401:
                yield response
                return
            challenges = response.headers.get_list("www-authenticate")
        if not own:
            raise credentials_refused(place)
        fresh = self._auth.renew(place, challenges, known)
        with self._wire.open(method, url, _with(headers, fresh), body) as response:
            if response.status_code == 401:
                raise credentials_refused(place)
            yield response


def retried(work: Callable[[], T]) -> T:
    """Do something that only reads, up to four times while its failures are transient ones."""
    import stamina

    # stamina reports each retry to logging, and Python prints what nobody else handles.
    logging.getLogger("stamina").addHandler(_SILENCE)
    caller = stamina.RetryingCaller(
        attempts=ATTEMPTS, timeout=RETRY_SECONDS, wait_initial=0.2, wait_max=5.0, wait_jitter=0.2
    )
    return caller.on(_backoff)(work)


_SILENCE = logging.NullHandler()


def _backoff(error: Exception) -> bool | float:
    if not isinstance(error, TransientError):
        return False
    return True if error.after is None else error.after <= MAX_WAIT_SECONDS and max(error.after, 0.1)


class _Wire:
    """Requests as they are, without credentials of their own; every failure is a `RegistryError`."""

    def __init__(self, access: Access, transport: "httpx2.BaseTransport | None") -> None:
        self._access = access
        self._transport = transport
        self._http = _session(access, transport)

    def close(self) -> None:
        self._http.close()

    @contextmanager
    def open(
        self, method: str, url: str, headers: Mapping[str, str], body: Body | None
    ) -> Iterator["httpx2.Response"]:
        """The response with its body unread. Failures while the caller reads it are translated too."""
        import httpx2

        host = urlsplit(url).netloc
        sent = {"accept-encoding": "identity", **headers}
        if body is not None:
            sent["content-length"] = str(body.size)
        try:
            request = self._http.build_request(
                method, url, headers=sent, content=body.chunks() if body is not None else None
            )
            response = self._http.send(request, stream=True)
            try:
                yield response
            finally:
                response.close()
        except (httpx2.HTTPError, httpx2.InvalidURL, httpx2.StreamError, UnicodeError) as error:
            raise broken(host, error) from error

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


def _session(access: Access, transport: "httpx2.BaseTransport | None") -> "httpx2.Client":
    from http.cookiejar import CookieJar, DefaultCookiePolicy

    import httpx2

    return httpx2.Client(
        transport=transport,
        verify=tls(access) if transport is None else True,
        timeout=httpx2.Timeout(READ_SECONDS, connect=CONNECT_SECONDS, pool=None),
        follow_redirects=False,
        headers={"user-agent": f"ferrule/{__version__}"},
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
        # A proxy of the environment cannot reach what is on this machine.
        mounts=dict.fromkeys(("all://127.0.0.1", "all://localhost", "all://[::1]")),
    )


def tls(access: Access) -> "ssl.SSLContext":
    """Whom we believe: the machine's own authorities, and the user's CA file where there is one."""
    import httpx2

    context = httpx2.create_ssl_context()
    if access.ca_file is not None:
        try:
            context.load_verify_locations(cafile=access.ca_file)
        except OSError as error:
            raise RegistryError(
                f"cannot read the CA file {access.ca_file}: {error.strerror or 'it is not PEM'}",
                hint="name a file with certificates in PEM form",
            ) from error
    return context


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
