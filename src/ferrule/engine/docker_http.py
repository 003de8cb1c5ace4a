"""Requests to Docker's API go in, checked answers come out. docs.docker.com, Docker Engine API.

A transport of its own: it never leaves this machine (a socket, or a port on loopback).
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import httpx2

from ferrule.engine.docker_address import CONNECT_SECONDS, DockerAddress, knock, silent
from ferrule.errors import EngineError

ANSWER_SECONDS = 60.0
MAX_ANSWER = 4 << 20


class DockerRefusalError(EngineError):
    """Docker answered, and says no. `status` is HTTP's."""

    def __init__(self, message: str, *, status: int) -> None:
        super().__init__(f"docker says: {message}")
        self.status = status
        self.said = message


class DockerSilentError(EngineError):
    """Docker was there, and the answer did not come in time."""

    def __init__(self, silent: EngineError) -> None:
        super().__init__(silent.message, hint=silent.hint)


class DockerHttp:
    """A connection to one daemon; may be used by several threads."""

    def __init__(self, address: DockerAddress) -> None:
        self._address = address
        transport = httpx2.HTTPTransport(
            uds=str(address.socket) if address.socket else None,
            # A connection costs nothing here, and one that is kept would have to be given back.
            limits=httpx2.Limits(max_keepalive_connections=0),
        )
        self._client = httpx2.Client(
            transport=transport,
            base_url=address.url,
            trust_env=False,
            follow_redirects=False,
        )
        self._prefix = ""

    def connect(self) -> None:
        """Ask whether it is there, and speak its newest version from now on. Raises `EngineError`."""
        knock(self._address)  # httpcore2 leaks a socket that fails
        with self.stream("GET", "/_ping", seconds=CONNECT_SECONDS) as answer:
            answer.read()
            version = answer.headers.get("api-version", "")
        if not version.replace(".", "").isdecimal():
            raise EngineError(
                f"what answers at {self._address.text} is not docker", hint="look at DOCKER_HOST"
            )
        self._prefix = f"/v{version}"

    def json(
        self, method: str, path: str, *, params: Mapping[str, str] | None = None, body: object = None
    ) -> Any:
        """One question and its answer, None where that is empty. Raises `DockerRefusalError`."""
        content = None if body is None else json.dumps(body).encode()
        with self.stream(method, path, params=params, content=content) as answer:
            data = b""
            for chunk in answer.iter_bytes():
                data += chunk
                if len(data) > MAX_ANSWER:
                    raise EngineError(f"docker's answer to {method} {path} is too long")
        try:
            return json.loads(data) if data.strip() else None
        except (ValueError, RecursionError) as error:
            raise EngineError(f"docker's answer to {method} {path} cannot be read") from error

    def stream(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        content: bytes | Iterable[bytes] | None = None,
        kind: str = "application/json",
        seconds: float | None = ANSWER_SECONDS,
    ) -> AbstractContextManager[httpx2.Response]:
        """An answer to be read piece by piece. `seconds` None: it may take for ever, as a program does."""
        timeout = httpx2.Timeout(seconds, connect=CONNECT_SECONDS)
        headers = {"Content-Type": kind} if content is not None else {}
        request = self._client.build_request(
            method, self._prefix + path, params=params, content=content, headers=headers, timeout=timeout
        )
        return self._send(request)

    @contextmanager
    def _send(self, request: httpx2.Request) -> Iterator[httpx2.Response]:
        try:
            answer = self._client.send(request, stream=True)
            try:
                if answer.status_code >= 400:
                    answer.read()
                    raise DockerRefusalError(_message(answer), status=answer.status_code)
                yield answer
            finally:
                answer.close()
        except httpx2.ReadTimeout as error:
            raise DockerSilentError(silent(self._address)) from error
        except (httpx2.HTTPError, httpx2.StreamError) as error:
            raise silent(self._address) from error


def _message(answer: httpx2.Response) -> str:
    try:
        text = str(answer.json()["message"])
    except (ValueError, KeyError, TypeError, RecursionError):
        text = answer.text or answer.reason_phrase
    return " ".join(text.split())[:2000]
