"""OCI labels from Cargo.toml, and what is deliberately not among them."""

from collections.abc import Mapping

from ferrule.cargo.metadata import Package

PREFIX = "org.opencontainers.image."


def labels_of(package: Package, own: Mapping[str, str], *, base: Mapping[str, str]) -> dict[str, str]:
    """The predefined annotation keys of the OCI image specification; `own` labels win.

    No revision and no time: the same source gives the same image, wherever and whenever it is built.
    """
    known = {
        "title": package.name,
        "version": package.version,
        "description": _one_line(package.description),
        "licenses": _spdx(package.license),
        "source": package.repository,
        "url": package.homepage or package.repository,
        **base,
    }
    return {**{f"{PREFIX}{key}": value for key, value in known.items() if value}, **own}


def _one_line(text: str | None) -> str | None:
    return " ".join(text.split()) if text else None


def _spdx(text: str | None) -> str | None:
    """Cargo's older `MIT/Apache-2.0` as the SPDX expression that the label asks for."""
    return text.replace("/", " OR ") if text else None
