"""OCI labels from Cargo.toml, and what is deliberately not among them."""

import re
from collections.abc import Mapping

from ferrule.cargo.metadata import Package

PREFIX = "org.opencontainers.image."


def labels_of(known: Mapping[str, str], own: Mapping[str, str]) -> dict[str, str]:
    """The predefined annotation keys of the OCI image specification; `own` labels win.

    No revision and no time: the same source gives the same image, wherever and whenever it is built.
    """
    return {**{f"{PREFIX}{key}": value for key, value in known.items()}, **own}


def package_labels(package: Package) -> dict[str, str]:
    """What Cargo.toml says of a package, by the keys of the specification."""
    said = {
        "title": package.name,
        "version": package.version,
        "description": _one_line(package.description),
        "licenses": _spdx(package.license),
        "source": _without_login(package.repository),
        "url": _without_login(package.homepage or package.repository),
    }
    return {key: value for key, value in said.items() if value}


def _without_login(url: str | None) -> str | None:
    """A URL as everybody may see it: some carry a name and a token before the host."""
    return re.sub(r"^([A-Za-z][A-Za-z0-9+.-]*://)[^/?#]*@", r"\1", url.strip()) if url else None


def _one_line(text: str | None) -> str | None:
    return " ".join(text.split()) if text else None


def _spdx(text: str | None) -> str | None:
    """Cargo's older `MIT/Apache-2.0` as the SPDX expression that the label asks for."""
    return text.replace("/", " OR ") if text else None
