"""What `build --all` would build, and why: a plan for each binary of a workspace."""

from typing import Any

import msgspec

from ferrule.cargo.asked import Asked
from ferrule.cargo.found import Found, found_configuration
from ferrule.verbs.build_all import check_jobs, jobs_of
from ferrule.verbs.context import Context
from ferrule.verbs.deliver import Destinations
from ferrule.verbs.plan import PLAN_VERSION, Plan, configuration_json, plan_for
from ferrule.verbs.prepare import ProjectRequest


class PlanOfAll(msgspec.Struct, frozen=True, kw_only=True):
    """The plans by the programs' names, and the configuration that they have in common, where asked for."""

    programs: dict[str, Plan]
    configuration: tuple[Found, ...] | None = None

    def as_json(self) -> dict[str, Any]:
        """`{"version": 1, "programs": {NAME: {…}, …}}`, each as the plan of one program."""
        return {
            "version": PLAN_VERSION,
            "programs": {name: plan.as_json() for name, plan in self.programs.items()},
            **configuration_json(self.configuration),
        }


def make_plans(
    context: Context,
    request: ProjectRequest,
    tags: tuple[str, ...],
    destinations: Destinations,
    *,
    configuration: bool = False,
) -> PlanOfAll:
    """Decide for all programs what can be decided without a build; a question is asked once for all."""
    context = context.using(runner=Asked(context.runner))
    jobs = jobs_of(context, request, tags, destinations)
    check_jobs(jobs)
    return PlanOfAll(
        programs={
            job.name: plan_for(context, job.prepared, job.tags, job.destinations, layout_tags=job.layout_tags)
            for job in jobs
        },
        configuration=found_configuration(jobs[0].prepared.project) if configuration else None,
    )
