"""Which certificates are believed: what the user trusts goes in, a TLS context comes out.

Each is made when a connection first needs it: to read the machine's authorities takes as long as a push.
"""

from typing import TYPE_CHECKING

from ferrule.errors import RegistryError
from ferrule.registry.access import Access

if TYPE_CHECKING:
    import ssl


def tls(access: Access) -> "ssl.SSLContext":
    """Whom we believe: the machine's own authorities, and the user's CA file where there is one."""
    import httpx2

    context = httpx2.create_ssl_context()
    if access.ca_file is not None:
        try:
            context.load_verify_locations(cafile=access.ca_file)
        except OSError as error:
            raise RegistryError(
                f"cannot read the CA file {access.ca_file}: {error.strerror or 'it is not PEM'}",
                hint="name a file with certificates in PEM form",
            ) from error
    return context


def no_check() -> "ssl.SSLContext":
    """Nobody has to prove anything."""
    import httpx2

    return httpx2.create_ssl_context(verify=False)


def nobody() -> "ssl.SSLContext":
    """Nobody is believed: for what goes without TLS."""
    import ssl

    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
