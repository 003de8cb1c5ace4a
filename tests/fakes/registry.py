"""A registry in memory, as a handler for httpx2's MockTransport, with knobs for what real ones do to us."""

import base64
import hashlib
import itertools
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx2

USER, PASSWORD = "shopkeeper", "correct horse: battery"
Headers = dict[str, str]


@dataclass(kw_only=True)
class FakeRegistry:
    """One registry, and the token realm and blob host that belong to it.

    `auth` is open, basic or bearer; with `anonymous`, tokens need no login; `challenge` replaces what a 401
    says. `answers` are given out once each, instead of what would have happened, to requests whose
    "METHOD path" matches the pattern.
    """

    host: str = "127.0.0.1:5000"
    auth: str = "open"
    anonymous: bool = False
    challenge: str | None = None
    realm: str = "http://127.0.0.1:5001/token"
    identity_token: str = "the identity of the tests"
    relative: bool = False
    blob_host: str | None = None
    answers: list[tuple[str, httpx2.Response | Exception]] = field(default_factory=list)
    blobs: dict[tuple[str, str], bytes] = field(default_factory=dict)
    manifests: dict[tuple[str, str], tuple[str, bytes]] = field(default_factory=dict)
    requests: list[httpx2.Request] = field(default_factory=list)
    tokens: dict[str, tuple[str, ...]] = field(default_factory=dict)
    uploads: dict[str, bytes] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def transport(self) -> httpx2.MockTransport:
        return httpx2.MockTransport(lambda request: unread(self.handle(request)))

    def expire(self) -> None:
        """No token that was given out opens anything any more."""
        self.tokens.clear()

    def lines(self) -> list[str]:
        """Every request so far as "METHOD path", with the query."""
        return [_line(request) for request in self.requests]

    def handle(self, request: httpx2.Request) -> httpx2.Response:
        body = request.read()
        host = request.url.netloc.decode()
        if request.url.path == "/v2/" and host == self.host:
            return httpx2.Response(200 if self.auth == "open" else 401)
        self.requests.append(request)
        for place, (pattern, answer) in enumerate(self.answers):
            if re.search(pattern, _line(request)):
                del self.answers[place]
                if isinstance(answer, Exception):
                    raise answer
                return answer
        if host == httpx2.URL(self.realm).netloc.decode() and self.auth == "bearer":
            return self._token(request, body)
        if host == self.blob_host:
            return self._foreign(request)
        if host != self.host:
            raise httpx2.ConnectError("refused") from ConnectionRefusedError()
        return self._refuse(request) or self._route(request, body)

    def _route(self, request: httpx2.Request, body: bytes) -> httpx2.Response:
        path = request.url.path.removeprefix("/v2/")
        routes: tuple[tuple[str, Callable[..., httpx2.Response]], ...] = (
            (r"(.+)/blobs/uploads/", self._begin),
            (r"(.+)/blobs/uploads/([0-9]+)", self._upload),
            (r"(.+)/blobs/(sha256:[0-9a-f]{64})", self._blob),
            (r"(.+)/manifests/([^/]+)", self._manifest),
        )
        for pattern, route in routes:
            if match := re.fullmatch(pattern, path):
                return route(request, body, *match.groups())
        return httpx2.Response(404)

    def _blob(self, request: httpx2.Request, body: bytes, repository: str, digest: str) -> httpx2.Response:
        content = self.blobs.get((repository, digest))
        if content is None:
            return httpx2.Response(404)
        if self.blob_host:
            return httpx2.Response(
                307, headers={"location": f"http://{self.blob_host}/{repository}/{digest}"}
            )
        return _content(request, content, {"docker-content-digest": digest})

    def _foreign(self, request: httpx2.Request) -> httpx2.Response:
        repository, _, digest = request.url.path[1:].rpartition("/")
        return _content(request, self.blobs[repository, digest], {})

    def _manifest(self, request: httpx2.Request, body: bytes, repository: str, name: str) -> httpx2.Response:
        if request.method == "PUT":
            digest = _digest(body)
            if name.startswith("sha256:") and name != digest:
                return _complaint(400, "DIGEST_INVALID", "the digest is of something else")
            for key in (name, digest):
                self.manifests[repository, key] = (request.headers["content-type"], body)
            return httpx2.Response(201, headers={"docker-content-digest": digest})
        if (repository, name) not in self.manifests:
            return _complaint(404, "MANIFEST_UNKNOWN", "manifest unknown")
        media_type, content = self.manifests[repository, name]
        return _content(
            request, content, {"content-type": media_type, "docker-content-digest": _digest(content)}
        )

    def _begin(self, request: httpx2.Request, body: bytes, repository: str) -> httpx2.Response:
        digest, source = request.url.params.get("mount"), request.url.params.get("from")
        if digest and source and (source, digest) in self.blobs and self._opens(request, source, "pull"):
            self.blobs[repository, digest] = self.blobs[source, digest]
            return httpx2.Response(201, headers={"docker-content-digest": digest})
        number = str(next(self._numbers))
        self.uploads[number] = b""
        return httpx2.Response(202, headers={"location": self._location(repository, number, 0)})

    def _upload(self, request: httpx2.Request, body: bytes, repository: str, number: str) -> httpx2.Response:
        # What a registry keeps of an upload is in the query: a client that drops it has lost.
        if number not in self.uploads or request.url.params.get("state") != str(len(self.uploads[number])):
            return _complaint(404, "BLOB_UPLOAD_UNKNOWN", "blob upload unknown")
        self.uploads[number] += body
        if request.method == "PATCH":
            state = self._location(repository, number, len(self.uploads[number]))
            return httpx2.Response(202, headers={"location": state})
        content = self.uploads.pop(number)
        if request.url.params.get("digest") != _digest(content):
            return _complaint(400, "DIGEST_INVALID", "provided digest did not match uploaded content")
        self.blobs[repository, _digest(content)] = content
        return httpx2.Response(201, headers={"docker-content-digest": _digest(content)})

    def _location(self, repository: str, number: str, state: int) -> str:
        path = f"/v2/{repository}/blobs/uploads/{number}?state={state}"
        return path if self.relative else f"http://{self.host}{path}"

    def _refuse(self, request: httpx2.Request) -> httpx2.Response | None:
        repository = re.sub(r"^/v2/(.+)/(blobs|manifests)/.*", r"\1", request.url.path)
        action = "pull" if request.method in ("GET", "HEAD") else "push"
        if self._opens(request, repository, action):
            return None
        challenge = 'Basic realm="tests"'
        if self.auth == "bearer":
            scope = f"repository:{repository}:{action}"
            challenge = f'Bearer realm="{self.realm}",service="tests",scope="{scope}"'
        return httpx2.Response(401, headers={"www-authenticate": self.challenge or challenge})

    def _opens(self, request: httpx2.Request, repository: str, action: str) -> bool:
        kind, _, value = request.headers.get("authorization", "").partition(" ")
        if self.auth == "basic":
            return kind == "Basic" and value == _pair()
        scopes = self.tokens.get(value, ())
        granted = [scope.rpartition(":") for scope in scopes]
        wanted = f"repository:{repository}"
        return self.auth == "open" or any(
            name == wanted and action in actions.split(",") for name, _, actions in granted
        )

    def _token(self, request: httpx2.Request, body: bytes) -> httpx2.Response:
        if request.method == "POST":
            form = httpx2.QueryParams(body.decode())
            allowed, scopes = form["refresh_token"] == self.identity_token, tuple(form["scope"].split())
        else:
            known = request.headers.get("authorization")
            allowed = known == f"Basic {_pair()}" or (self.anonymous and known is None)
            scopes = tuple(request.url.params.get_list("scope"))
        if not allowed:
            return httpx2.Response(401)
        token = f"token-{next(self._numbers)}"
        self.tokens[token] = scopes
        return httpx2.Response(200, json={"token": token, "expires_in": 300})


def cut_after(data: bytes) -> httpx2.Response:
    """An answer whose connection is cut after the data."""

    def chunks() -> Iterator[bytes]:
        yield data
        raise httpx2.ReadError("cut")

    return httpx2.Response(200, content=chunks())


def unread(response: httpx2.Response) -> httpx2.Response:
    """The response as it comes from a network: its body has still to be read."""
    if not response.is_stream_consumed:
        return response
    return httpx2.Response(response.status_code, headers=response.headers, content=iter((response.content,)))


def _line(request: httpx2.Request) -> str:
    return f"{request.method} {request.url.raw_path.decode()}"


def _content(request: httpx2.Request, content: bytes, headers: Headers) -> httpx2.Response:
    length = {"content-length": str(len(content))}
    return httpx2.Response(
        200, headers={**headers, **length}, content=b"" if request.method == "HEAD" else content
    )


def _complaint(status: int, code: str, message: str) -> httpx2.Response:
    complaint: dict[str, Any] = {"errors": [{"code": code, "message": message}]}
    return httpx2.Response(status, json=complaint)


def _pair() -> str:
    return base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"
