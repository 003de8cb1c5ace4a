"""The table of services: what is wrong with each goes in, the checks that must fail and their words come out.

All are one program, tests/verify/service.c, whose words say how it behaves.
"""

from dataclasses import dataclass, field
from typing import Any

from ferrule.contract import Variable

MEBIBYTE = 1 << 20
PATIENT, SHORT = 60.0, 1.5
"""Seconds: for what must come, however busy the machine is; and for what must not."""

RIGHTS = {"NET_BIND_SERVICE"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """A service. `words` are its arguments, `config` goes over its image's configuration.

    `failed` are the checks that must fail, by name, with some of their words; empty for a good service.
    `passed` are words that checks which are as they should be must have. `within` and `grace` in seconds.
    """

    name: str
    words: str = ""
    config: dict[str, Any] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    passed: dict[str, str] = field(default_factory=dict)
    lines: str = ""
    hint: str = ""
    within: float = PATIENT
    grace: float = PATIENT
    memory: int = 64 * MEBIBYTE
    contract: tuple[Variable, ...] = ()
    env: tuple[tuple[str, str], ...] = ()
    env_check: bool = False
    capabilities: tuple[str, ...] = ()
    on_all: bool = False


def check(*words: str) -> dict[str, Any]:
    """A health check of the image."""
    return {"Healthcheck": {"Test": ["CMD", *words]}}


LIVE = {
    "Labels": {
        "ferrule.health.path": "/health",
        "ferrule.health.port": "3000",
        "ferrule.health.live": "/live",
    }
}
"""A second path, which says that the program need not be started anew."""

NEEDED = Variable(name="TOKEN", required=True, secret=True)
GIVEN = (("TOKEN", "t0ken-of-the-test"),)
NEVER = f"not healthy after {SHORT:g} s"

ROWS = (
    Row(
        name="good",
        passed={"health": "healthy after", "ports": "0.0.0.0:3000", "stop": "exit code 0"},
        on_all=True,
    ),
    Row(name="good-on-both", words="bind=::", passed={"ports": "[::]:3000"}),
    Row(
        name="good-without-a-check", config={"Healthcheck": None}, passed={"health": "it listens on 3000/tcp"}
    ),
    Row(
        name="good-by-its-path",
        config={
            "Healthcheck": None,
            "Labels": {"ferrule.health.path": "/health", "ferrule.health.port": "3000"},
        },
        passed={"version": "1.2.3"},
    ),
    Row(name="good-alive", config=LIVE, passed={"live": "GET /live answers 200"}),
    Row(
        name="not-alive",
        words="live=500",
        config=LIVE,
        passed={"health": "healthy after"},
        failed={"live": "GET /live answers 500"},
        hint="leave out `live`",
    ),
    Row(
        name="alive-without-an-answer",
        words="live=0",
        config=LIVE,
        failed={"live": "GET /live has no answer"},
    ),
    Row(name="slow-start", words="delay=1", passed={"health": "healthy after"}),
    Row(
        name="too-slow-a-start",
        words="delay=60",
        within=SHORT,
        failed={"health": NEVER, "ports": "nothing at all"},
    ),
    Row(
        name="never-ready",
        words="silent=1",
        within=SHORT,
        failed={
            "health": "connect: Connection refused on 127.0.0.1:3000",
            "ports": "listens on nothing at all",
        },
    ),
    Row(name="ready-then-dead", words="die=0.3 code=3", failed={"health": "exit code 3"}, on_all=True),
    Row(name="ready-then-ill", words="sick=1", failed={"health": "not any more after"}),
    Row(
        name="500-on-health",
        words="status=500",
        within=3.0,
        failed={"health": "not healthy after 3 s: status 500"},
        on_all=True,
    ),
    Row(
        name="a-check-that-hangs",
        config=check("/service", "check", "wait=60"),
        within=1.5,
        failed={"health": "the check takes longer than 0.5 s"},
    ),
    Row(name="a-check-that-is-not-there", config=check("/curl"), within=SHORT, failed={"health": NEVER}),
    Row(
        name="wrong-port",
        words="port=8080",
        config=check("/service", "check", "port=8080"),
        failed={"ports": "nothing listens on 3000/tcp, which the image declares; it listens on 0.0.0.0:8080"},
    ),
    Row(
        name="loopback-only",
        words="bind=127.0.0.1",
        failed={"ports": "it listens on 127.0.0.1:3000 only: nobody outside the container reaches it"},
        hint="0.0.0.0:3000",
        on_all=True,
    ),
    Row(
        name="loopback-of-six-only",
        words="bind=::1",
        config=check("/service", "check", "host=::1"),
        failed={"ports": "it listens on [::1]:3000 only"},
    ),
    Row(
        name="wrong-version",
        words="version=1.2.2",
        failed={"version": "it says 1.2.2, and the crate is 1.2.3"},
    ),
    Row(
        name="no-handler-as-process-1",
        words="term=none",
        grace=SHORT,
        failed={"stop": "SIGTERM did nothing: a process 1 without a handler"},
        hint="init = true",
        on_all=True,
    ),
    Row(
        name="ignores-the-signal", words="term=ignore", grace=SHORT, failed={"stop": "it ignores the signal"}
    ),
    Row(
        name="slow-to-end",
        words="slow=60",
        grace=SHORT,
        failed={"stop": f"did not end within {SHORT:g} s of SIGTERM"},
        hint="--grace",
    ),
    Row(name="ends-with-a-code", words="term=code", failed={"stop": "it ended with exit code 3"}),
    Row(
        name="another-stop-signal",
        config={"StopSignal": "SIGINT"},
        grace=SHORT,
        failed={"stop": "SIGINT did nothing"},
        hint="handle SIGINT",
    ),
    Row(name="exits-at-once", words="exit=0", failed={"health": "with exit code 0"}, hint="`args`"),
    Row(name="fails-at-once", words="exit=2", failed={"health": "with exit code 2"}, lines="as it was told"),
    Row(name="panics", words="exit=101", failed={"health": "it panicked after"}),
    Row(name="segmentation-fault", words="crash=1", failed={"health": "SIGSEGV ended it after"}),
    Row(
        name="out-of-memory",
        words="eat=400",
        failed={"health": "it used more than 64 MiB of memory"},
        on_all=True,
    ),
    Row(
        name="writes-to-the-root",
        words="write=/srv/cache",
        failed={"health": "with exit code 1", "files": "writes /srv/cache"},
        hint='"/srv"',
        lines="cannot write /srv/cache: Read-only file system",
    ),
    Row(
        name="writes-where-its-user-may-not",
        words="write=/etc/cache",
        failed={
            "health": "with exit code 1",
            "files": "only as root with a writable root, and writes /etc/cache",
        },
        hint='"/etc"',
        lines="cannot write /etc/cache: Read-only file system",
    ),
    Row(
        name="cannot-write-and-hangs",
        words="write=/srv/cache linger=1",
        within=SHORT,
        failed={"health": NEVER, "ports": "nothing at all", "files": "writes /srv/cache"},
    ),
    Row(
        name="writes-to-a-volume-and-tmp",
        words="write=/data/new read=/tmp",
        config={"Volumes": {"/data": {}}},
    ),
    Row(
        name="needs-root",
        words="read=/etc/secret",
        failed={
            "health": "with exit code 1",
            "user": "it runs as root, and not as the image's user 65532:65532",
        },
    ),
    Row(
        name="a-low-port",
        words="port=80",
        config={**check("/service", "check", "port=80"), "ExposedPorts": {"80/tcp": {}}},
        failed={"health": "with exit code 1", "privileges": "port 80 takes a right"},
        hint="NET_BIND_SERVICE",
    ),
    Row(
        name="a-low-port-by-its-file",
        words="port=80",
        config={**check("/service", "check", "port=80"), "ExposedPorts": {"80/tcp": {}}},
        capabilities=("NET_BIND_SERVICE",),
    ),
    Row(
        name="zombies", words="zombies=3", failed={"children": "3 of its processes ended"}, hint="init = true"
    ),
    Row(
        name="an-unknown-variable",
        words="need=DATABASE",
        failed={"health": "with exit code 1"},
        lines="DATABASE is missing",
    ),
    Row(
        name="fails-fast-without-a-variable",
        words="need=TOKEN",
        contract=(NEEDED,),
        env=GIVEN,
        env_check=True,
        passed={"env TOKEN": "it ends after"},
    ),
    Row(
        name="hangs-without-a-variable",
        words="need=TOKEN hang=1",
        contract=(NEEDED,),
        env=GIVEN,
        env_check=True,
        within=8.0,
        failed={"env TOKEN": "without TOKEN it hangs"},
    ),
    Row(
        name="ends-well-without-a-variable",
        words="need=TOKEN code=0",
        contract=(NEEDED,),
        env=GIVEN,
        env_check=True,
        failed={"env TOKEN": "as if all were well"},
    ),
    Row(
        name="needs-no-variable",
        contract=(NEEDED,),
        env=GIVEN,
        env_check=True,
        failed={"env TOKEN": "healthy without TOKEN"},
    ),
    Row(
        name="no-program", config={"Entrypoint": ["/nowhere"]}, failed={"start": "no such file or directory"}
    ),
    Row(
        name="another-processor",
        config={"Entrypoint": ["/foreign"]},
        failed={"start": "exec format error"},
        hint="--platform",
    ),
)
