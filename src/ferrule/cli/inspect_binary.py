"""What `ferrule inspect` says of a binary, as a screen and as JSON."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ferrule.verbs.inspect import BinaryReport, NeededLibrary

MOST_SYMBOLS = 3


def screen(report: "BinaryReport") -> str:
    """The report for people: a label and a value in a line, lists below each other."""
    binary = report.binary
    machine = binary.machine
    rows = [
        ("file", str(binary.path)),
        ("platform", f"{binary.platform} ({machine.name}, {machine.bits}-bit, {machine.order} endian)"),
        ("link", f"{report.link}: {report.link_reason}"),
        *_loader_rows(report),
        *_listed("libraries", _library_lines(report)),
        *_glibc_rows(report),
        *_listed("size", _size_lines(report)),
        ("symbols", "stripped" if binary.stripped else "not stripped"),
        ("build id", binary.build_id or "none"),
        *_listed("bases", list(report.bases) or ["none that ferrule knows"]),
    ]
    return "".join(f"{name:>9}  {text}\n" for name, text in rows)


def _listed(label: str, lines: list[str]) -> list[tuple[str, str]]:
    return [(label if number == 0 else "", line) for number, line in enumerate(lines)]


def _loader_rows(report: "BinaryReport") -> list[tuple[str, str]]:
    if report.loader is None:
        return []
    return [("loader", report.loader.name + ("" if report.loader.path else ", not found here"))]


def _library_lines(report: "BinaryReport") -> list[str]:
    """Name, place here, and who wants it where that is not the program."""
    width = max((len(library.name) for library in report.libraries), default=0)
    return [
        f"{library.name:<{width}}  {library.path or 'not found here'}"
        + ("" if library.wanted_by == report.binary.path.name else f"  (for {library.wanted_by})")
        for library in report.libraries
    ]


def _size_lines(report: "BinaryReport") -> list[str]:
    names = max(len(kind) for kind, _ in report.sizes)
    digits = len(f"{report.binary.size:,}")
    parts = [f"{kind:<{names}}  {count:>{digits},}" for kind, count in report.sizes]
    return [f"{report.binary.size:,} bytes", *parts]


def _glibc_rows(report: "BinaryReport") -> list[tuple[str, str]]:
    if report.binary.glibc is None:
        return []
    because = ", ".join(report.glibc_because[:MOST_SYMBOLS])
    more = len(report.glibc_because) - MOST_SYMBOLS
    rest = f" and {more} more" if more > 0 else ""
    return [("glibc", f"{report.binary.glibc} or newer" + (f": {because}{rest}" if because else ""))]


def as_dict(report: "BinaryReport") -> dict[str, Any]:
    """The report for machines; the names stay as they are."""
    binary = report.binary
    return {
        "version": 1,
        "path": str(binary.path),
        "size": binary.size,
        "platform": str(binary.platform),
        "machine": {"name": binary.machine.name, "bits": binary.machine.bits, "order": binary.machine.order},
        "link": {"mode": report.link, "reason": report.link_reason, "relocatable": binary.relocatable},
        "interpreter": _place(report.loader) if report.loader else None,
        "libraries": [{**_place(lib), "wanted_by": lib.wanted_by} for lib in report.libraries],
        "glibc": {"version": binary.glibc, "symbols": list(report.glibc_because)},
        "sizes": dict(report.sizes),
        "stripped": binary.stripped,
        "build_id": binary.build_id,
        "bases": list(report.bases),
    }


def _place(library: "NeededLibrary") -> dict[str, str | None]:
    return {"name": library.name, "path": str(library.path) if library.path else None}
