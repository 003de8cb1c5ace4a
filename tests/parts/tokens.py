"""A token server for tests: a user goes in, a realm that signs RS256 tokens for docker-registry comes out."""

import base64
import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import trustme
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

LIFE_SECONDS = 300.0
LEEWAY_SECONDS = 60
"""docker-registry takes a token for so long after its end."""


@dataclass(kw_only=True, slots=True)
class TokenServer:
    """The realm. `life` is how long a token opens the registry, in seconds; `asked` are the scopes so far."""

    user: str
    password: str
    certificate: Path
    key: rsa.RSAPrivateKey
    realm: str = ""
    service: str = "registry of the tests"
    issuer: str = "tests"
    identity_token: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    life: float = LIFE_SECONDS
    asked: list[tuple[str, ...]] = field(default_factory=list)

    def token(self, scopes: tuple[str, ...]) -> str:
        """A signed token that opens exactly what the scopes say."""
        self.asked.append(scopes)
        der = serialization.Encoding.DER
        leaf = _certificate(self.certificate).public_bytes(der)
        header = {"typ": "JWT", "alg": "RS256", "x5c": [base64.b64encode(leaf).decode()]}
        end = time.time() + self.life - LEEWAY_SECONDS
        claims = {
            "iss": self.issuer,
            "aud": self.service,
            "exp": int(end),
            "nbf": int(end) - 3600,
            "jti": secrets.token_hex(8),
            "access": [_access(scope) for scope in scopes],
        }
        text = f"{_segment(header)}.{_segment(claims)}"
        signature = self.key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())
        return f"{text}.{base64.urlsafe_b64encode(signature).decode().rstrip('=')}"


@contextmanager
def token_server(folder: Path, user: str, password: str) -> Iterator[TokenServer]:
    """Serve until the block ends."""
    issued = trustme.CA(key_type=trustme.KeyType.RSA).issue_cert("tests", key_type=trustme.KeyType.RSA)
    certificate = folder / "token.pem"
    issued.cert_chain_pems[0].write_to_path(certificate)
    key = serialization.load_pem_private_key(issued.private_key_pem.bytes(), None)
    assert isinstance(key, rsa.RSAPrivateKey)
    tokens = TokenServer(user=user, password=password, certificate=certificate, key=key)
    with ThreadingHTTPServer(("127.0.0.1", 0), _handler(tokens)) as server:
        tokens.realm = f"http://127.0.0.1:{server.server_address[1]}/token"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield tokens
        finally:
            server.shutdown()
            thread.join()


def _handler(tokens: TokenServer) -> type[BaseHTTPRequestHandler]:
    pair = base64.b64encode(f"{tokens.user}:{tokens.password}".encode()).decode()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            query = parse_qs(urlsplit(self.path).query)
            allowed = self.headers.get("authorization") == f"Basic {pair}"
            self._answer(allowed=allowed, scopes=tuple(query.get("scope", ())), name="token")

        def do_POST(self) -> None:
            form = parse_qs(self.rfile.read(int(self.headers["content-length"])).decode())
            allowed = form["grant_type"] == ["refresh_token"] and form["refresh_token"] == [
                tokens.identity_token
            ]
            self._answer(allowed=allowed, scopes=tuple(form["scope"][0].split()), name="access_token")

        def _answer(self, *, allowed: bool, scopes: tuple[str, ...], name: str) -> None:
            body = json.dumps({name: tokens.token(scopes), "expires_in": 300} if allowed else {}).encode()
            self.send_response(200 if allowed else 401)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            """Say nothing."""

    return Handler


def _certificate(path: Path) -> Any:
    from cryptography.x509 import load_pem_x509_certificate

    return load_pem_x509_certificate(path.read_bytes())


def _access(scope: str) -> dict[str, object]:
    kind, _, rest = scope.partition(":")
    name, _, actions = rest.rpartition(":")
    return {"type": kind, "name": name, "actions": actions.split(",")}


def _segment(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")
