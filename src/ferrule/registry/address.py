"""Where a registry sends us: the address asked and a Location go in, a safe address comes out."""

import re
from urllib.parse import SplitResult, urljoin, urlsplit, urlunsplit

from ferrule.errors import RegistryError
from ferrule.registry.access import Site

PORTS = {"http": 80, "https": 443}
MAX_LOCATION = 16 << 10

_WRITTEN = re.compile(r"[!-~]*")


def is_at(site: Site, url: str) -> bool:
    """Whether an address is the registry itself: the same scheme, host and port."""
    return _origin(urlsplit(url)) == _origin(urlsplit(site.url))


def resolve(registry: str, base: str, location: str) -> str:
    """The address that a relative or absolute Location means, without user and fragment.

    Raises `RegistryError` when it is no address, or would leave TLS.
    """
    try:
        old, new = urlsplit(base), urlsplit(urljoin(base, location[:MAX_LOCATION]))
        usable = _origin(new)[0] in PORTS and bool(new.hostname) and bool(_WRITTEN.fullmatch(location))
    except ValueError:
        usable = False
    if not usable:
        raise RegistryError(
            f"{registry} sends us to a place that is no address", hint="look at the registry's settings"
        )
    scheme, host = new.scheme, new.netloc.rpartition("@")[2]
    if (old.scheme, scheme) == ("https", "http"):
        # A registry behind a proxy that ends TLS often writes http for itself.
        if host != old.netloc:
            raise RegistryError(
                f"{registry} sends us from https to http, to {new.hostname}",
                hint="the registry's public address has to be set to https",
            )
        scheme = "https"
    return urlunsplit((scheme, host, new.path, new.query, ""))


def _origin(parts: SplitResult) -> tuple[str, str, int | None]:
    return parts.scheme, (parts.hostname or "").rstrip("."), parts.port or PORTS.get(parts.scheme)
