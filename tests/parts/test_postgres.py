import socket
import struct
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from ferrule.process import Command, Finished, SystemRunner
from tests.parts.postgres import postgres, programs

PROTOCOL = 3 << 16
ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.real


def test_the_server_lets_its_user_in_and_is_gone_afterwards(tmp_path: Path) -> None:
    with postgres(tmp_path) as url:
        assert first_answer(url) == b"R\0\0\0\x08\0\0\0\0"  # authentication is done
        assert (tmp_path / "data" / "postmaster.pid").exists()
    with pytest.raises(ConnectionRefusedError):
        first_answer(url)
    assert not (tmp_path / "data" / "postmaster.pid").exists()


def test_it_stops_when_its_user_fails_and_keeps_the_data(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError):
        keep_and_fail(tmp_path)
    with postgres(tmp_path) as url:
        assert query(url, "SELECT answer FROM kept").stdout == b"42\n"


def test_as_a_program_it_hands_the_url_in_and_the_exit_code_out(tmp_path: Path) -> None:
    told = (
        'psql -AtX "$APP_DATABASE_URL" -c "SELECT 6 * 7"; [ "$DATABASE_URL" = "$APP_DATABASE_URL" ] && exit 9'
    )
    finished = program(tmp_path, "--", "sh", "-c", told)
    assert (finished.returncode, finished.stdout) == (9, b"42\n")
    assert not (tmp_path / "data" / "postmaster.pid").exists()


def test_as_a_program_it_ends_with_its_command_that_a_signal_ended(tmp_path: Path) -> None:
    finished = program(tmp_path, "--", "sh", "-c", "kill -TERM $PPID; exec sleep 600")
    assert finished.returncode == 128 + 15
    assert not (tmp_path / "data" / "postmaster.pid").exists()


def test_without_a_command_it_says_how_it_is_used(tmp_path: Path) -> None:
    finished = program(tmp_path)
    assert finished.returncode == 2
    assert finished.stderr.startswith(b"usage:")


def test_a_command_that_is_not_there_is_said_in_one_line(tmp_path: Path) -> None:
    finished = program(tmp_path, "--", "no-such-command")
    assert finished.returncode == 1
    assert finished.stderr == b"`no-such-command` is not installed, or not on PATH\n"


def keep_and_fail(folder: Path) -> None:
    with postgres(folder) as url:
        assert query(url, "CREATE TABLE kept AS SELECT 42 AS answer").ok
        raise ZeroDivisionError


def program(folder: Path, *arguments: str) -> Finished:
    argv = (sys.executable, "-m", "tests.parts.postgres", str(folder), *arguments)
    return SystemRunner().run(Command(argv=argv, cwd=ROOT))


def query(url: str, text: str) -> Finished:
    return SystemRunner().run(Command(argv=(str(programs() / "psql"), "-AtX", url, "-c", text)))


def first_answer(url: str) -> bytes:
    """What the server says to a start-up message for its user, without a driver."""
    body = struct.pack("!i", PROTOCOL) + b"user\0postgres\0\0"
    place = urlsplit(url)
    assert place.hostname is not None
    with socket.create_connection((place.hostname, place.port or 0), timeout=60) as server:
        server.sendall(struct.pack("!i", len(body) + 4) + body)
        return server.recv(9, socket.MSG_WAITALL)
