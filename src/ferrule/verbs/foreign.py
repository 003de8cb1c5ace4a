"""Before a build for another processor or libc: what it needs is there, or the error says what to do."""

from ferrule.cargo.graph import Graph
from ferrule.cargo.needs import system_libraries
from ferrule.cargo.plan import BuildPlan
from ferrule.cargo.tools import add_target
from ferrule.errors import ProjectError
from ferrule.verbs.context import Context


def get_ready(context: Context, plan: BuildPlan, graph: Graph) -> None:
    """Add the target's standard library, and refuse crates that link this system's libraries.

    Those are for this processor and its libc. Raises `ProjectError` with the crate's name and the ways out.
    """
    add_target(context.runner, context.report, plan.toolchain, plan.triple, plan.project.folder)
    check_libraries(plan, graph)


def check_libraries(plan: BuildPlan, graph: Graph) -> None:
    """Refuse before anything is compiled, by the crate's name."""
    for crate, libraries, bundling in system_libraries(graph):
        ways = [f"turn on its feature {bundling[0]}"] if bundling else []
        ways += [f"build on a machine of {plan.target.platform} and use ferrule pack"]
        raise ProjectError(
            f"{crate} links the system's {libraries}, which are not here for {plan.triple}",
            hint=", or ".join(ways),
        )
