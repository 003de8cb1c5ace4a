"""Units before their judges: a project's folder goes in, what they find fault with comes out.

No systemd runs here: `systemd-analyze` reads the units, Podman's own generator (of Debian's testing suite)
makes a unit of the Quadlet, and `systemd-analyze` reads that too.
"""

import os
import re
import shutil
import subprocess  # noqa: TID251 - judges are programs
import tempfile
from pathlib import Path

from ferrule.generate.systemd import PROGRAMS
from tests.parts.debian import debian_tool
from tests.parts.need import need

MOST_EXPOSED = 20
"""Tenths of what `systemd-analyze security` calls the exposure level: the bound is 2.0."""


def findings(folder: Path) -> tuple[str, ...]:
    """Everything that systemd and Podman say against the units below `folder`."""
    place = folder / "deploy" / "systemd"
    need(shutil.which("systemd-analyze"), "systemd-analyze")
    assert list(place.glob("*.service")), place
    assert list(place.glob("*.container")), place
    with tempfile.TemporaryDirectory() as work:
        copied = Path(work)
        for file in (*place.glob("*.service"), *place.glob("*.timer")):
            # systemd looks for the program, which is not on this machine.
            text = re.sub(
                rf"^(ExecStart(?:Pre)?=){PROGRAMS}/\S+", r"\1/bin/true", file.read_text(), flags=re.MULTILINE
            )
            (copied / file.name).write_text(text)
        units = sorted(copied.iterdir())
        services = (unit for unit in units if unit.suffix == ".service")
        return (
            *(finding for unit in units for finding in _of_verify(unit)),
            *(finding for unit in services for finding in _of_security(unit)),
            *_of_quadlet(place, copied / "made"),
        )


def made_units(place: Path) -> tuple[dict[str, str], str]:
    """What Podman's generator makes of the Quadlets in a folder, by name, and what it says against them."""
    said = subprocess.run(
        (debian_tool("quadlet"), "-dryrun"),
        env={**os.environ, "QUADLET_UNIT_DIRS": str(place)},
        capture_output=True,
        text=True,
    )
    parts = re.split(r"^---(.+)---\n", said.stdout, flags=re.MULTILINE)
    against = re.sub(
        r"^quadlet-generator\[\d+\]: (Loading source unit file .*\n)?", "", said.stderr, flags=re.MULTILINE
    )
    assert (said.returncode == 0) or against, said.stdout
    return dict(zip(parts[1::2], parts[2::2], strict=True)), against.strip()


def _of_quadlet(place: Path, work: Path) -> tuple[str, ...]:
    units, against = made_units(place)
    work.mkdir()
    found = [f"quadlet: {line}" for line in against.splitlines()]
    for name, text in units.items():
        (work / name).write_text(text)
        found += [f"made by quadlet: {finding}" for finding in _of_verify(work / name)]
    return tuple(found)


def _of_verify(unit: Path) -> tuple[str, ...]:
    said = _analyzed("verify", "--man=no", str(unit))
    if said.returncode == 0 and not said.stderr:
        return ()
    return tuple(f"systemd-analyze verify: {line}" for line in said.stderr.splitlines() or ("failed",))


def _of_security(unit: Path) -> tuple[str, ...]:
    threshold = f"--threshold={MOST_EXPOSED}"
    said = _analyzed("security", "--offline=yes", threshold, "--no-pager", str(unit))
    last = (said.stdout.strip() or said.stderr).splitlines()[-1]
    return () if said.returncode == 0 else (f"systemd-analyze security: {last}",)


def _analyzed(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(("systemd-analyze", *arguments), capture_output=True, text=True)
