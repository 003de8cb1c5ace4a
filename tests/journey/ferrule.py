"""ferrule as a user calls it, and the example service as a user asks it."""

import http.client
import json
import os
import socket
import subprocess  # noqa: TID251 - the command line itself is under test
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
SHOP = ROOT / "examples" / "shop"
PATIENCE_SECONDS = 120.0


def ferrule(*arguments: str, env: Mapping[str, str] | None = None) -> str:
    """Run a command line that must succeed; gives its stdout without the last newline."""
    argv = (sys.executable, "-m", "ferrule", *arguments)
    finished = subprocess.run(argv, env={**os.environ, **(env or {})}, capture_output=True, text=True)
    assert finished.returncode == 0, finished.stderr
    return finished.stdout.rstrip("\n")


def tool(*argv: str | Path, env: Mapping[str, str] | None = None) -> str:
    """Run another program that must succeed; gives its stdout."""
    finished = subprocess.run(argv, env={**os.environ, **(env or {})}, capture_output=True, text=True)
    assert finished.returncode == 0, f"{' '.join(map(str, argv))}\n{finished.stdout}{finished.stderr}"
    return finished.stdout.strip()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def shop_variables(database: str, port: int) -> dict[str, str]:
    """The configuration that the example asks for."""
    return {
        "APP_DATABASE_URL": database,
        "APP_AUTH_JWT_SECRET": "a-secret-for-tests-and-nothing-else",
        "APP_ENV": "production",
        "APP_PORT": str(port),
        "RUST_LOG": "warn",
    }


def flags(variables: Mapping[str, str]) -> tuple[str, ...]:
    """`-e NAME=VALUE` for docker, podman and ferrule alike."""
    return tuple(part for name, value in variables.items() for part in ("-e", f"{name}={value}"))


def health(port: int) -> dict[str, Any]:
    """The health answer, as soon as there is one of status 200."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            status, answer = ask(port, "/health")
            if status == 200:
                return answer
        except OSError:
            pass
        assert time.monotonic() < deadline, "the service does not become healthy"
        time.sleep(0.05)


def ask(port: int, path: str) -> tuple[int, dict[str, Any]]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read() or b"{}")
    finally:
        connection.close()
