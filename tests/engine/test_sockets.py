"""Who listens where, in the words of /proc."""

import os
import socket

from ferrule.engine.processes import is_first, memory, unshared_memory, zombies
from ferrule.engine.sockets import Socket, listening


def test_sockets_of_both_protocols_and_versions_are_found_with_their_addresses() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as four,
        socket.create_server(("::1", 0), family=socket.AF_INET6) as six,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp,
    ):
        udp.bind(("0.0.0.0", 0))
        found = set(listening(os.getpid()))
        ports = [each.getsockname()[1] for each in (four, six, udp)]
        assert {
            Socket(protocol="tcp", port=ports[0], address="127.0.0.1"),
            Socket(protocol="tcp", port=ports[1], address="::1"),
            Socket(protocol="udp", port=ports[2], address="0.0.0.0"),
        } <= found
        four.close()
        assert ports[0] not in {each.port for each in listening(os.getpid()) if each.address == "127.0.0.1"}


def test_a_file_that_is_closed_while_we_look_hides_no_socket() -> None:
    with socket.create_server(("127.0.0.1", 0)) as low, socket.create_server(("127.0.0.1", 0)) as high:
        port = high.getsockname()[1]
        low.close()  # its number is the next that this process opens: for the list of its files, and closes
        assert port in {each.port for each in listening(os.getpid())}


def test_what_only_its_own_container_reaches_is_told_apart() -> None:
    addresses = {"127.0.0.1": True, "127.0.0.53": True, "::1": True, "0.0.0.0": False, "::": False}
    for address, local in addresses.items():
        assert Socket(protocol="tcp", port=1, address=address).is_local is local
    assert str(Socket(protocol="tcp", port=80, address="::")) == "[::]:80"
    assert str(Socket(protocol="udp", port=53, address="0.0.0.0")) == "0.0.0.0:53/udp"


def test_a_child_that_ended_is_a_zombie_until_somebody_asks() -> None:
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
    assert child in zombies(os.getpid())
    os.waitpid(child, 0)
    assert child not in zombies(os.getpid())


def test_what_is_gone_listens_nowhere_and_uses_nothing() -> None:
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    assert listening(child) == ()
    assert (memory(child), unshared_memory(child), zombies(child)) == (0, 0, frozenset())
    assert not is_first(child)
    assert not is_first(os.getpid())
    assert unshared_memory(os.getpid()) > 1 << 20
    assert memory(os.getpid()) > 1 << 20
