"""Whether a program listens where its image says: sockets and declared ports go in, checks come out. Pure."""

from collections.abc import Iterator

from ferrule.engine.sockets import Socket
from ferrule.verbs.verdict import Check, Expected
from ferrule.verbs.verify_boot import Boot


def judge_ports(expected: Expected, seen: Boot) -> Iterator[Check]:
    """A check for the ports together; none where they are not to be seen, or nothing ever listened."""
    if seen.sockets is None or (not seen.sockets and (seen.ended is not None or not expected.ports)):
        return
    values = {"listens": [str(each) for each in seen.sockets]}
    faults = [fault for port in expected.ports if (fault := _fault(str(port), seen.sockets))]
    if faults:
        said, hint = faults[0]
        yield Check(name="ports", ok=False, said=said, hint=hint, values=values)
    elif expected.ports:
        said = f"it listens on {', '.join(map(str, seen.sockets))}"
        yield Check(name="ports", ok=True, said=said, values=values)
    else:
        said = f"it listens on {', '.join(map(str, seen.sockets))}, and the image declares no port"
        yield Check(name="ports", ok=True, said=said, values=values)


def _fault(port: str, sockets: tuple[Socket, ...]) -> tuple[str, str] | None:
    there = [each for each in sockets if f"{each.port}/{each.protocol}" == port]
    if not there:
        others = ", ".join(map(str, sockets)) or "nothing at all"
        return (
            f"nothing listens on {port}, which the image declares; it listens on {others}",
            "let it listen on the port that `ports` says, or correct `ports`",
        )
    if all(each.is_local for each in there):
        return (
            f"it listens on {' and '.join(map(str, there))} only: nobody outside the container reaches it",
            f"listen on 0.0.0.0:{there[0].port} or [::]:{there[0].port}",
        )
    return None
