"""The rows of a plan about the image and how it runs."""

from collections.abc import Iterator

from ferrule.cargo.needs import Need
from ferrule.config import Settings
from ferrule.probe.place import PROBE
from ferrule.verbs.aids import has_probe
from ferrule.verbs.plan_row import Row
from ferrule.verbs.prepare import Prepared


def image_rows(prepared: Prepared, roots: Need, zones: Need) -> tuple[Row, ...]:
    """User, certificates and zones, ports, health and init, each with its reason."""
    settings = prepared.settings
    ports = [str(port) for port in settings.ports]
    return (
        Row(
            name="user",
            value=str(settings.user),
            text=str(settings.user),
            reason=settings.why("user", "not root, and numeric as Kubernetes' runAsNonRoot wants it"),
        ),
        Row(name="certificates", value=roots.wanted, text=_yes(roots), reason=f"CA roots: {roots.reason}"),
        Row(name="time-zones", value=zones.wanted, text=_yes(zones), reason=zones.reason),
        Row(
            name="ports",
            value=ports,
            text=", ".join(ports) or "none",
            reason=settings.why("ports", _no_ports(prepared)),
        ),
        Row(
            name="health",
            value=str(settings.health) if settings.health else None,
            text=str(settings.health or "none"),
            reason=_health_reason(prepared),
        ),
        Row(
            name="init",
            value=settings.init,
            text="yes" if settings.init else "no",
            reason=_init_reason(settings),
        ),
        *_database_rows(settings),
    )


def _database_rows(settings: Settings) -> Iterator[Row]:
    database, migrate = settings.database, settings.migrate
    if database is not None:
        why = f"{settings.why('database', '')}; `run` and `verify` start it, its URL in {database.url_env}"
        value = {"postgres": database.version, "url-env": database.url_env}
        yield Row(name="database", value=value, text=str(database), reason=why)
    if migrate is not None:
        why = settings.why("migrate", "")
        why += ", on that database before the program starts" if database else ", where there is a database"
        yield Row(name="migrate", value=list(migrate), text=" ".join(migrate), reason=why)


def _no_ports(prepared: Prepared) -> str:
    tables = (prepared.selection.package.metadata, prepared.project.workspace.metadata)
    is_new = not any("ferrule" in (metadata or {}) for metadata in tables)
    return "none are declared" + ("; `ferrule init` reads them from the source" if is_new else "")


def _health_reason(prepared: Prepared) -> str:
    health = prepared.settings.health
    if health is None:
        return "none is declared"
    if health.command:
        return "the image's HEALTHCHECK runs it"
    without = [str(plan.target.platform) for plan in prepared.plans if not has_probe(plan.target.platform)]
    but = f"; none for {', '.join(without)}, whose processor it does not know" if without else ""
    return f"the image's HEALTHCHECK asks it by a probe of ferrule's, {PROBE}{but}"


def _init_reason(settings: Settings) -> str:
    if settings.init:
        why = settings.why("init", "")
        return f"{why}: as process 1 it hands on signals that the program has no handler for, and reaps"
    return f"none is asked for: the program is process 1, and has to handle {settings.stop_signal} itself"


def _yes(need: Need) -> str:
    return "yes" if need.wanted else "no"
