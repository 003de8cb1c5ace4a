"""The service of these tests, and the engines that they are verified with."""

import secrets
from collections.abc import Callable
from pathlib import Path

import pytest

from ferrule.config import UserConfig
from ferrule.oci.reference import parse_reference
from ferrule.process import SystemRunner
from ferrule.verbs.context import Context
from ferrule.verbs.trial import Subject, Verified, VerifyOptions, verify
from tests.engine.test_sandbox_capabilities import record
from tests.fakes.images import entry, folder, image_of, tar_of
from tests.fakes.report import Notes
from tests.parts.compile import compiled
from tests.verify.rows import Row

SOURCE = Path(__file__).with_name("service.c")
CHECK = ("/service", "check")
TIMEOUT = 500_000_000
FOREIGN = b"\x7fELF\2\1\1" + bytes(9) + b"\2\0\xf3\0\1\0\0\0" + bytes(40) + b"\x40\0\x38\0\0\0\x40\0\0\0\0\0"
"""An ELF header of a processor that no machine of these tests has."""

Verify = Callable[[Row, str], Verified]


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """tests/verify/service.c as a static binary."""
    made = compiled(
        tmp_path_factory.mktemp("service"), "service.c", SOURCE.read_text(), "-static", "-Os", "-s"
    )
    return made.read_bytes()


@pytest.fixture
def verified(
    service: bytes, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Verify:
    """Verifies a row with an engine."""

    def call(row: Row, engine: str) -> Verified:
        if engine != "sandbox":
            part = request.getfixturevalue("daemon" if engine == "docker" else "podman_here")
            for name, value in part.env.items():
                monkeypatch.setenv(name, value)
        monkeypatch.setenv("TMPDIR", str(tmp_path))
        context = Context(runner=SystemRunner(), report=Notes(), cache=tmp_path / "cache", trust=UserConfig())
        name = parse_reference(f"verify-{secrets.token_hex(4)}:1")
        subject = subject_of(row, service, tmp_path / "image", f"{name.repository}:1")
        try:
            return verify(context, subject, options_of(row, engine), name)
        finally:
            context.close()

    return call


def subject_of(row: Row, service: bytes, place: Path, name: str) -> Subject:
    capabilities = record(*row.capabilities) if row.capabilities else {}
    layer = tar_of(
        (
            folder("tmp", 0o1777),
            folder("srv", 0o777),
            folder("etc"),
            folder("data", 0o700, uid=65532, gid=65532),
            entry("etc/secret", b"x", mode=0o600),
            entry("service", service, mode=0o755, **capabilities),
            entry("foreign", FOREIGN, mode=0o755),
        )
    )
    config = {
        "Entrypoint": ["/service"],
        "Cmd": row.words.split(),
        "User": "65532:65532",
        "ExposedPorts": {"3000/tcp": {}},
        "Healthcheck": {"Test": ["CMD", *CHECK]},
        **row.config,
    }
    if config["Healthcheck"]:
        config["Healthcheck"] = {
            "Timeout": TIMEOUT * (1 if "wait=60" in str(config) else 20),
            **config["Healthcheck"],
        }
    image = image_of(place, [layer], **{key: value for key, value in config.items() if value})
    return Subject(
        name=name.removeprefix("library/"),
        image=image,
        run=image.config.run,
        version="1.2.3",
        contract=row.contract,
        capabilities=row.capabilities,
    )


def options_of(row: Row, engine: str) -> VerifyOptions:
    return VerifyOptions(
        engine=engine,
        env=row.env,
        memory=row.memory,
        within=row.within,
        settle=2.5 if row.words.startswith("die") else 0.1,
        grace=row.grace,
        env_check=row.env_check,
    )
