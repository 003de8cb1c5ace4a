"""What would be built, and why: a project becomes rows of name, value and reason. Changes nothing."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec
from msgspec.structs import replace

from ferrule.base.choose import expected_base
from ferrule.cargo.graph import Graph, read_graph
from ferrule.cargo.link import LinkChoice, LinkMemory
from ferrule.cargo.needs import Need, certificates, expected_link, time_zones
from ferrule.cargo.plan import BuildPlan, output_folder
from ferrule.oci.reference import DEFAULT_TAG
from ferrule.values import PROGRAM_FOLDER, Health
from ferrule.verbs.context import Context
from ferrule.verbs.deliver import Destinations
from ferrule.verbs.prepare import Prepared, ProjectRequest, prepare
from ferrule.verbs.tags import fill_tags

PLAN_VERSION = 1


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One thing decided. `value` is for machines (a JSON value), `text` for people."""

    name: str
    value: Any
    text: str
    reason: str = ""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """All rows, in the order in which a person asks."""

    rows: tuple[Row, ...]

    def as_json(self) -> dict[str, Any]:
        """`{"version": 1, NAME: {"value": …, "reason": …}, …}`; the names stay as they are."""
        return {
            "version": PLAN_VERSION,
            **{row.name: {"value": row.value, "reason": row.reason} for row in self.rows},
        }


def make_plan(
    context: Context, request: ProjectRequest, tags: tuple[str, ...], destinations: Destinations
) -> Plan:
    """Decide everything that can be decided without a build."""
    prepared = prepare(context, request)
    package = prepared.selection.package
    with ThreadPoolExecutor(2) as pool:
        graphs_later = pool.map(lambda plan: read_graph(context.runner, plan), prepared.plans)
        filled = fill_tags(context.runner, tags, version=package.version, folder=prepared.project.folder)
        graphs = tuple(graphs_later)
    links = tuple(_link(prepared, plan, graph) for plan, graph in zip(prepared.plans, graphs, strict=True))
    roots, zones = certificates(graphs[0]), time_zones(graphs[0])
    from ferrule.verbs.plan_files import file_rows

    files = tuple(file_rows(prepared, graphs[0]))
    rows = (
        *_project_rows(prepared),
        *_platform_rows(prepared, links),
        *_image_rows(prepared, roots, zones),
        *files,
        _layers_row(prepared, links[0], roots, zones, files),
        *_destination_rows(prepared, filled, destinations),
    )
    return Plan(rows=rows)


def _link(prepared: Prepared, plan: BuildPlan, graph: Graph) -> LinkChoice:
    settings = prepared.settings
    if plan.target.link is not None:
        return LinkChoice(mode=plan.target.link, reason=plan.target.reason)
    if settings.link != "auto":
        return LinkChoice(mode=settings.link, reason=settings.why("link", ""))
    if plan.forbids_static:
        return LinkChoice(mode="dynamic", reason="the project's own flags turn crt-static off")
    known = LinkMemory(output_folder(prepared.project)).recall(plan)
    return known or expected_link(graph)


def _project_rows(prepared: Prepared) -> tuple[Row, ...]:
    selection, plan = prepared.selection, prepared.plan
    package = selection.package
    added = ", ".join(f"{add.key} = {add.value}" for add in plan.profile.additions)
    kept = f"; the project's own {', '.join(plan.profile.kept)} stay" if plan.profile.kept else ""
    why = "; ".join(dict.fromkeys(add.reason for add in plan.profile.additions)) or "nothing to add"
    return (
        Row(
            name="package",
            value=f"{package.name} {package.version}",
            text=f"{package.name} {package.version}",
            reason=str(package.manifest_path),
        ),
        Row(name="binary", value=selection.binary, text=selection.binary, reason=selection.reason),
        Row(
            name="profile",
            value={
                "name": plan.profile.name,
                "added": {add.key: add.value for add in plan.profile.additions},
            },
            text=plan.profile.name + (f" + {added}" if added else ""),
            reason=why + kept,
        ),
    )


def _platform_rows(prepared: Prepared, links: tuple[LinkChoice, ...]) -> tuple[Row, ...]:
    """Target, link mode and base; where there are several platforms, each row names its own."""
    return tuple(
        row if len(links) == 1 else replace(row, name=f"{row.name} {plan.target.platform}")
        for plan, link in zip(prepared.plans, links, strict=True)
        for row in _rows_of_a_platform(prepared, plan, link)
    )


def _rows_of_a_platform(prepared: Prepared, plan: BuildPlan, link: LinkChoice) -> tuple[Row, ...]:
    settings = prepared.settings
    base = expected_base(settings.base, static=link.mode == "static", donor=settings.donor)
    return (
        Row(name="platform", value=plan.triple, text=plan.triple, reason=_platform_reason(prepared, plan)),
        Row(name="link", value=link.mode, text=f"{link.mode} (expected)", reason=link.reason),
        Row(name="base", value=base.image or base.name, text=base.name, reason=base.reason),
    )


def _platform_reason(prepared: Prepared, plan: BuildPlan) -> str:
    rust = f"Rust {plan.toolchain.release}"
    if plan.target.is_native:
        return f"this machine, {rust}"
    asked = prepared.settings.why("platforms", "asked for by --link or by cargo's build.target")
    there = "" if plan.toolchain.has_target(plan.triple) else "; rustup is to add the target"
    return f"{asked}, {rust}, {plan.target.linker}{there}"


def _image_rows(prepared: Prepared, roots: Need, zones: Need) -> tuple[Row, ...]:
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
            reason=settings.why("ports", "none are declared"),
        ),
        Row(
            name="health",
            value=str(settings.health) if settings.health else None,
            text=str(settings.health or "none"),
            reason=_health_reason(settings.health),
        ),
    )


def _health_reason(health: Health | None) -> str:
    if health is None:
        return "none is declared"
    if health.command:
        return "the image's HEALTHCHECK runs it"
    return "`ferrule run --wait` asks it; an empty image has nothing inside that could"


def _layers_row(
    prepared: Prepared, link: LinkChoice, roots: Need, zones: Need, files: tuple[Row, ...]
) -> Row:
    settings = prepared.settings
    base = expected_base(settings.base, static=link.mode == "static")
    extra = [*(["certificates"] if roots.wanted else []), *(["zones"] if zones.wanted else [])]
    has_files = any(row.value for row in files if row.name in ("files", "migrations"))
    kinds = [*(["volumes"] if settings.volumes else []), *(["files"] if has_files else [])]
    grounds = {
        "scratch": ("users and /tmp", " and ".join(extra)),
        "fitted": ("loader and libraries", " and ".join(extra)),
    }
    named = (f"those of {base.name}", f"{' and '.join(('users', *extra))} if missing")
    parts = [
        *filter(None, (*grounds.get(base.name, named), " and ".join(kinds))),
        f"{PROGRAM_FOLDER}/{prepared.selection.binary}",
    ]
    return Row(name="layers", value=parts, text=", ".join(parts), reason="from stable to changing")


def _destination_rows(
    prepared: Prepared, tags: tuple[str, ...], destinations: Destinations
) -> tuple[Row, ...]:
    name = prepared.local_name
    places = [str(output) for output in destinations.outputs]
    places += [f"{destinations.engine}: {name.repository}"] if destinations.load else []
    places += [f"push to {name.name}"] if destinations.push else []
    layout = output_folder(prepared.project) / "image"
    tags_reason = "the default" if tags == (DEFAULT_TAG,) else "asked for by --tag"
    return (
        Row(
            name="image",
            value=prepared.repository.name if prepared.repository else None,
            text=prepared.repository.name if prepared.repository else "no repository",
            reason=prepared.settings.why("image", "none is set; --push needs one"),
        ),
        Row(name="tags", value=list(tags), text=", ".join(tags), reason=tags_reason),
        Row(
            name="destinations",
            value=places or [f"oci:{layout}"],
            text=", ".join(places) or f"oci:{layout}",
            reason="asked for" if places else "no other was asked for",
        ),
        _verify_row(prepared, destinations),
    )


def _verify_row(prepared: Prepared, destinations: Destinations) -> Row:
    gated, settings = destinations.is_gated(prepared.settings), prepared.settings
    if destinations.gate.wanted is not None:
        reason = f"asked for by --{'' if gated else 'no-'}verify"
    elif settings.verify:
        reason = settings.why("verify", "") + (", before the push" if gated else ", for a push")
    else:
        reason = "--verify boots the image first"
    return Row(name="verify", value=gated, text="yes" if gated else "no", reason=reason)


def _yes(need: Need) -> str:
    return "yes" if need.wanted else "no"
