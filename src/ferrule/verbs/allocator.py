"""The allocator of a program: decided by its crates, and mimalloc compiled where it is wanted."""

from ferrule.cargo.allocator import AllocatorChoice, choose_allocator
from ferrule.cargo.graph import Graph
from ferrule.cargo.mimalloc import mimalloc_folder, with_mimalloc
from ferrule.cargo.plan import BuildPlan
from ferrule.config import Settings
from ferrule.verbs.context import Context

ALLOCATOR_LABEL = "ferrule.allocator"


def chosen_allocator(settings: Settings, plan: BuildPlan, graph: Graph) -> AllocatorChoice:
    """The choice for one platform. Raises `ProjectError` where mimalloc is asked for and cannot be had."""
    return choose_allocator(settings.allocator, settings.why("allocator", ""), plan, graph)


def link_allocator(
    context: Context, settings: Settings, plan: BuildPlan, graph: Graph
) -> tuple[BuildPlan, AllocatorChoice]:
    """The build as it is to run, and the choice. Compiles mimalloc the first time that it is needed."""
    choice = chosen_allocator(settings, plan, graph)
    if choice.lacks:
        context.report.warn(f"the program gets {choice.reason}: {choice.lacks}")
    if choice.compiler is None:
        return plan, choice
    folder = mimalloc_folder(context.runner, context.report, plan, choice.compiler, context.cache)
    return with_mimalloc(plan, folder), choice


def allocator_labels(choice: AllocatorChoice) -> dict[str, str]:
    """What the image says of it: nothing where it is what every Rust program has."""
    return {ALLOCATOR_LABEL: choice.text} if choice.name == "mimalloc" else {}
