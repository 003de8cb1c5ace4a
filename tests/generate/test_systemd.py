"""The unit, judged by systemd itself: it reads without a word against it, and is exposed to little."""

import shutil
import subprocess  # noqa: TID251 - the judge is a program
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ferrule.contract import Variable
from ferrule.generate import systemd
from ferrule.generate.service import Service
from ferrule.values import Port
from tests.parts.need import need

SHOP = Service(
    name="shop",
    description="Sells 100 % of it",
    contract=(
        Variable(name="LOG", default='a "b" $c \\ 5%\nnext'),
        Variable(name="URL", required=True),
    ),
    args=("serve", "two words", "$HOME", "100%", ""),
    files=(("static", "/app/static"),),
    volumes=("/data", "/var/lib/a b"),
    migrate=("migrate", "two words"),
    stop_signal="SIGINT",
    capabilities=("NET_BIND_SERVICE",),
)
TINY = Service(name="tiny", description="tiny")
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)


def lines(service: Service) -> list[str]:
    return systemd.drafts(service)[0].text.splitlines()


def judged(service: Service, folder: Path, *verb: str) -> "subprocess.CompletedProcess[str]":
    """What systemd-analyze says of the unit, with a program that is there in place of the service's."""
    need(shutil.which("systemd-analyze"), "systemd-analyze")
    text = systemd.drafts(service)[0].text.replace(f"{systemd.PROGRAMS}/{service.name}", "/bin/true")
    (folder / f"{service.name}.service").write_bytes(text.encode())
    argv = ("systemd-analyze", *verb, str(folder / f"{service.name}.service"))
    return subprocess.run(argv, capture_output=True, text=True)


def test_what_the_service_is_stands_in_its_unit() -> None:
    found = lines(SHOP)
    assert 'ExecStart=/usr/local/bin/shop serve "two words" "$$HOME" "100%%" ""' in found
    assert 'Environment="LOG=a \\"b\\" $c \\\\ 5%%\\x0anext"' in found
    assert "EnvironmentFile=/etc/shop.env" in found
    assert "StateDirectory=shop/data shop/var-lib-a b" not in found
    assert 'StateDirectory=shop/data "shop/var-lib-a b"' in found
    assert 'BindPaths=/var/lib/shop/data:/data "/var/lib/shop/var-lib-a b:/var/lib/a b"' in found
    assert "AmbientCapabilities=CAP_NET_BIND_SERVICE" in found
    assert "PrivateUsers=yes" not in found
    assert "KillSignal=SIGINT" in found
    assert "Description=Sells 100 %% of it (0.0.0)" in found
    assert "# It looks for static at /app/static." in found


def test_migrations_run_before_the_program() -> None:
    found = lines(Service(name="tiny", migrate=("migrate", "two words", "100%")))
    before, after = found.index("TimeoutStartSec=15min"), found.index("ExecStart=/usr/local/bin/tiny")
    assert before < after
    assert found[before - 1] == 'ExecStartPre=/usr/local/bin/tiny migrate "two words" "100%%"'
    assert not any(line.startswith(("ExecStartPre", "TimeoutStartSec")) for line in lines(TINY))


def test_a_low_port_takes_a_capability() -> None:
    found = lines(Service(name="tiny", ports=(Port(number=3000), Port(number=80))))
    assert "CapabilityBoundingSet=CAP_NET_BIND_SERVICE" in found
    assert "AmbientCapabilities=CAP_NET_BIND_SERVICE" in found
    assert "PrivateUsers=yes" not in found
    assert "CapabilityBoundingSet=" in lines(Service(name="tiny", ports=(Port(number=3000),)))


def test_a_service_that_needs_nothing_gets_nothing() -> None:
    found = lines(TINY)
    assert "EnvironmentFile=-/etc/tiny.env" in found
    assert "CapabilityBoundingSet=" in found
    assert "PrivateUsers=yes" in found
    assert not [line for line in found if line.startswith(("StateDirectory", "BindPaths", "Ambient"))]


@pytest.mark.real
@pytest.mark.parametrize(
    "service", [SHOP, Service(name="tiny", description="tiny")], ids=lambda each: each.name
)
def test_systemd_reads_it_and_finds_it_hardly_exposed(tmp_path: Path, service: Service) -> None:
    verified = judged(service, tmp_path, "verify", "--man=no")
    assert (verified.returncode, verified.stderr) == (0, "")
    rated = judged(service, tmp_path, "security", "--offline=yes", "--threshold=20", "--no-pager")
    assert rated.returncode == 0, rated.stdout


@pytest.mark.real
@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(value=TEXTS, argument=TEXTS, description=TEXTS)
def test_no_value_breaks_the_unit(tmp_path: Path, value: str, argument: str, description: str) -> None:
    service = Service(
        name="shop",
        description=description,
        contract=(Variable(name="A", default=value),),
        args=(argument,),
    )
    verified = judged(service, tmp_path, "verify", "--man=no")
    assert (verified.returncode, verified.stderr) == (0, "")
    assert sum(line.startswith("Exec") for line in lines(service)) == 1
