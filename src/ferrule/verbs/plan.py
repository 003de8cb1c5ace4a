"""What would be built, and why: a project becomes rows of name, value and reason. Changes nothing."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import msgspec
from msgspec.structs import replace

from ferrule.base.choose import expected_base, expected_donor
from ferrule.cargo.build import known_choice
from ferrule.cargo.found import Found, found_configuration
from ferrule.cargo.graph import Graph, read_graph
from ferrule.cargo.link import LinkChoice, LinkMemory
from ferrule.cargo.needs import Need, certificates, expected_link, time_zones
from ferrule.cargo.plan import BuildPlan, output_folder
from ferrule.oci.platform import this_linux
from ferrule.oci.reference import DEFAULT_TAG
from ferrule.values import PROGRAM_FOLDER
from ferrule.verbs.aids import has_probe
from ferrule.verbs.allocator import chosen_allocator
from ferrule.verbs.context import Context
from ferrule.verbs.deliver import Destinations
from ferrule.verbs.plan_image import image_rows
from ferrule.verbs.plan_row import Row
from ferrule.verbs.prepare import Prepared, ProjectRequest, prepare
from ferrule.verbs.tags import fill_tags

PLAN_VERSION = 1


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """All rows, in the order in which a person asks, and cargo's configuration where it was asked for."""

    rows: tuple[Row, ...]
    configuration: tuple[Found, ...] | None = None

    def as_json(self) -> dict[str, Any]:
        """`{"version": 1, NAME: {"value": …, "reason": …}, …}`; the names stay as they are."""
        return {
            "version": PLAN_VERSION,
            **{row.name: {"value": row.value, "reason": row.reason} for row in self.rows},
            **configuration_json(self.configuration),
        }


def configuration_json(found: tuple[Found, ...] | None) -> dict[str, Any]:
    """`{"configuration": {"value": [{"name": …, "value": …, "source": …}], …}}`; a value may be null."""
    if found is None:
        return {}
    value = [{"name": each.name, "value": each.value, "source": each.source} for each in found]
    return {"configuration": {"value": value, "reason": "what cargo finds here"}}


def make_plan(
    context: Context,
    request: ProjectRequest,
    tags: tuple[str, ...],
    destinations: Destinations,
    *,
    configuration: bool = False,
) -> Plan:
    """Decide everything that can be decided without a build. `configuration`: say what cargo finds of it."""
    prepared = prepare(context, request)
    package = prepared.selection.package
    filled = fill_tags(context.runner, tags, version=package.version, folder=prepared.project.folder)
    destinations = destinations.for_binary(prepared.selection.binary)
    plan = plan_for(context, prepared, filled, destinations, layout_tags=filled)
    return replace(plan, configuration=found_configuration(prepared.project)) if configuration else plan


def plan_for(
    context: Context,
    prepared: Prepared,
    tags: tuple[str, ...],
    destinations: Destinations,
    *,
    layout_tags: tuple[str, ...],
) -> Plan:
    """The plan for one program of a project."""
    with ThreadPoolExecutor(2) as pool:
        ask = partial(read_graph, context.runner)
        waiting = [[pool.submit(ask, plan) for plan in plans] for plans in prepared.groups]
        graphs = tuple(tuple(graph.result() for graph in group) for group in waiting)
    links = tuple(
        tuple(_link(prepared, plan, graph) for plan, graph in zip(plans, group, strict=True))
        for plans, group in zip(prepared.groups, graphs, strict=True)
    )
    whole = merged(graphs[0])
    roots, zones = certificates(whole), time_zones(whole)
    from ferrule.verbs.plan_files import file_rows

    files = tuple(file_rows(prepared, graphs[0][0]))
    rows = (
        *_project_rows(prepared),
        *_platform_rows(prepared, links, graphs),
        *image_rows(prepared, roots, zones),
        *files,
        _layers_row(prepared, most_demanding(links[0]), roots, zones, files),
        *_destination_rows(prepared, tags, destinations, layout_tags),
    )
    return Plan(rows=rows)


def merged(graphs: tuple[Graph, ...]) -> Graph:
    """What is in any of the programs."""
    packages = dict.fromkeys(package for graph in graphs for package in graph.packages)
    return replace(graphs[0], packages=tuple(packages))


def most_demanding(links: tuple[LinkChoice, ...]) -> LinkChoice:
    """The base has to run every program: one that is dynamic decides."""
    return next((link for link in links if link.mode == "dynamic"), links[0])


def _link(prepared: Prepared, plan: BuildPlan, graph: Graph) -> LinkChoice:
    settings = prepared.settings
    known = known_choice(plan, settings.link, settings.why("link", ""))
    return known or LinkMemory(output_folder(prepared.project)).recall(plan) or expected_link(graph)


def _project_rows(prepared: Prepared) -> tuple[Row, ...]:
    selection, plan = prepared.selection, prepared.plan
    package = selection.package
    added = ", ".join(f"{add.key} = {add.value}" for add in plan.profile.additions)
    stays = "stays" if len(plan.profile.kept) == 1 else "stay"
    kept = f"; the project's own {', '.join(plan.profile.kept)} {stays}" if plan.profile.kept else ""
    why = "; ".join(dict.fromkeys(add.reason for add in plan.profile.additions)) or "nothing to add"
    return (
        Row(
            name="package",
            value=f"{package.name} {package.version}",
            text=f"{package.name} {package.version}",
            reason=str(package.manifest_path),
        ),
        Row(name="binary", value=selection.binary, text=selection.binary, reason=selection.reason),
        *_included_row(prepared),
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


def _included_row(prepared: Prepared) -> Iterator[Row]:
    names = [plan.selection.binary for plan in prepared.groups[0][1:]]
    if names:
        reason = prepared.settings.why("include-bins", "")
        yield Row(name="include-bins", value=names, text=", ".join(names), reason=reason)


def _platform_rows(
    prepared: Prepared, links: tuple[tuple[LinkChoice, ...], ...], graphs: tuple[tuple[Graph, ...], ...]
) -> tuple[Row, ...]:
    """Target, link mode and base; where there are several platforms, each row names its own."""
    return tuple(
        row if len(links) == 1 else replace(row, name=f"{row.name} {plan.target.platform}")
        for plan, link, graph in zip(prepared.plans, links, graphs, strict=True)
        for row in _rows_of_a_platform(prepared, plan, link, graph[0])
    )


def _rows_of_a_platform(
    prepared: Prepared, plan: BuildPlan, links: tuple[LinkChoice, ...], graph: Graph
) -> tuple[Row, ...]:
    settings, link = prepared.settings, links[0]
    others = tuple(other.selection.binary for other in prepared.groups[0][1:])
    static = most_demanding(links).mode == "static"
    donor = expected_donor(settings.donor, plan.target.platform, this_linux(), settings.glibc)
    base = expected_base(settings.base, static=static, donor=donor)
    allocator = chosen_allocator(settings, plan, graph)
    why = f"{allocator.reason}: {allocator.lacks}" if allocator.lacks else allocator.reason
    return (
        Row(name="platform", value=plan.triple, text=plan.triple, reason=_platform_reason(prepared, plan)),
        Row(name="link", value=link.mode, text=f"{link.mode} (expected)", reason=link.reason),
        *(
            Row(
                name=f"link of {name}", value=other.mode, text=f"{other.mode} (expected)", reason=other.reason
            )
            for name, other in zip(others, links[1:], strict=True)
        ),
        Row(name="allocator", value=allocator.name, text=allocator.text, reason=why),
        Row(name="base", value=base.image or base.name, text=base.name, reason=base.reason),
    )


def _platform_reason(prepared: Prepared, plan: BuildPlan) -> str:
    rust = f"Rust {plan.toolchain.release}"
    if plan.target.is_native:
        return f"this machine, {rust}"
    asked = prepared.settings.why("platforms", "asked for by --link or by cargo's build.target")
    there = "" if plan.toolchain.has_target(plan.triple) else "; rustup is to add the target"
    return f"{asked}, {rust}, {plan.target.linker}{there}"


def _layers_row(
    prepared: Prepared, link: LinkChoice, roots: Need, zones: Need, files: tuple[Row, ...]
) -> Row:
    settings = prepared.settings
    base = expected_base(settings.base, static=link.mode == "static")
    extra = [*(["certificates"] if roots.wanted else []), *(["zones"] if zones.wanted else [])]
    has_files = any(row.value for row in files if row.name in ("files", "migrations"))
    probed = (
        settings.health is not None
        and settings.health.needs_probe
        and has_probe(prepared.plan.target.platform)
    )
    aids = [*(["health probe"] if probed else []), *(["init"] if settings.init else [])]
    kinds = [*(["volumes"] if settings.volumes else []), *(["files"] if has_files else [])]
    grounds = {
        "scratch": ("users and /tmp", " and ".join(extra)),
        "fitted": ("loader and libraries", " and ".join(extra)),
    }
    named = (f"those of {base.name}", f"{' and '.join(('users', *extra))} if missing")
    parts = [
        *filter(None, (*grounds.get(base.name, named), " and ".join(aids), " and ".join(kinds))),
        " and ".join(f"{PROGRAM_FOLDER}/{plan.selection.binary}" for plan in prepared.groups[0]),
    ]
    return Row(name="layers", value=parts, text=", ".join(parts), reason="from stable to changing")


def _destination_rows(
    prepared: Prepared, tags: tuple[str, ...], destinations: Destinations, layout_tags: tuple[str, ...]
) -> tuple[Row, ...]:
    name = prepared.local_name
    places = [str(output) for output in destinations.outputs]
    places += [f"{destinations.engine}: {name.repository}"] if destinations.load else []
    places += [f"push to {name.name}"] if destinations.push else []
    layout = str(output_folder(prepared.project) / "image")
    layout += "" if layout_tags == tags else f":{layout_tags[0]}"
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
        reason = settings.why("verify", "") + (
            ", before the push" if gated else ", before a push, and this is none"
        )
    else:
        reason = "--verify boots the image first"
    return Row(name="verify", value=gated, text="yes" if gated else "no", reason=reason)
