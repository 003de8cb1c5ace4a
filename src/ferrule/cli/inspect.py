"""`ferrule inspect`."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ferrule.cli.flags import JSON

if TYPE_CHECKING:
    from ferrule.verbs.inspect import BinaryReport

MOST_SYMBOLS = 3


@click.command("inspect")
@click.argument("binary", metavar="BIN", type=click.Path(path_type=Path))
@JSON
def command(binary: Path, *, as_json: bool) -> None:
    """Say what a binary links, which glibc it needs, and which bases can run it.

    For Linux binaries of any processor, on any machine; the binary is not executed.
    """
    from ferrule.elf.files import LocalFiles
    from ferrule.verbs.inspect import inspect_binary

    report = inspect_binary(binary, LocalFiles())
    click.echo(json.dumps(as_dict(report), indent=2) if as_json else screen(report), nl=as_json)


def screen(report: "BinaryReport") -> str:
    """The report for people: one aligned line per fact."""
    binary = report.binary
    machine = binary.machine
    rows = [
        ("file", f"{binary.path} ({binary.size:,} bytes)"),
        (
            "platform",
            f"{binary.platform} ({machine.name}, {machine.bits}-bit, {machine.order} endian)",
        ),
        ("link", f"{report.link}: {report.link_reason}"),
        *_library_rows(report),
        *_glibc_rows(report),
        ("size", ", ".join(f"{kind} {count:,}" for kind, count in report.sizes)),
        ("symbols", "stripped" if binary.stripped else "not stripped"),
        ("build id", binary.build_id or "none"),
        ("bases", ", ".join(report.bases) or "none that ferrule knows"),
    ]
    return "".join(f"{name:>9}  {text}\n" for name, text in rows)


def _library_rows(report: "BinaryReport") -> list[tuple[str, str]]:
    labels = ["libraries", *[""] * len(report.libraries)]
    return [
        (label, f"{library.name} → {library.path or 'not found here'} (for {library.wanted_by})")
        for label, library in zip(labels, report.libraries, strict=False)
    ]


def _glibc_rows(report: "BinaryReport") -> list[tuple[str, str]]:
    if report.binary.glibc is None:
        return []
    because = ", ".join(report.glibc_because[:MOST_SYMBOLS])
    more = len(report.glibc_because) - MOST_SYMBOLS
    rest = f" and {more} more" if more > 0 else ""
    return [("glibc", f"{report.binary.glibc} or newer" + (f", for {because}{rest}" if because else ""))]


def as_dict(report: "BinaryReport") -> dict[str, Any]:
    """The report for machines; the names stay as they are."""
    binary = report.binary
    return {
        "version": 1,
        "path": str(binary.path),
        "size": binary.size,
        "platform": str(binary.platform),
        "machine": {"name": binary.machine.name, "bits": binary.machine.bits, "order": binary.machine.order},
        "link": {"mode": report.link, "reason": report.link_reason},
        "interpreter": binary.interpreter,
        "libraries": [
            {"name": lib.name, "wanted_by": lib.wanted_by, "path": str(lib.path) if lib.path else None}
            for lib in report.libraries
        ],
        "glibc": {"version": binary.glibc, "symbols": list(report.glibc_because)},
        "sizes": dict(report.sizes),
        "stripped": binary.stripped,
        "build_id": binary.build_id,
        "bases": list(report.bases),
    }
