"""Requests to ECS before their judges: a project's folder goes in, what they find fault with comes out.

There is no AWS here. Its own model of the API, which its clients bring along (botocore), says which members,
types and values it takes; checkov has rules for the same container as Terraform writes it. What Fargate alone
refuses (a processor without enough memory) is checked by the table of its documentation.
"""

import json
import subprocess  # noqa: TID251 - judges are programs
import tempfile
from pathlib import Path
from typing import Any

import yaml

from tests.parts.judges import judge, judged

MODEL = Path(__file__).parents[1] / "parts" / "aws_api.py"
OPERATIONS = {
    "task-definition.yaml": "RegisterTaskDefinition",
    "service.yaml": "CreateService",
    "migrate.yaml": "RunTask",
}
MEMORY = {"256": (512, 1024, 2048), "512": range(1024, 4097, 1024), "1024": range(2048, 8193, 1024)}
"""Units of processor → mebibytes that Fargate has with them."""

CHECKOV = ("--framework", "terraform", "--compact", "--quiet", "--skip-download", "-o", "json")
TERRAFORM = """\
resource "aws_ecs_task_definition" "task" {{
  family                = "task"
  container_definitions = jsonencode({containers})
}}
resource "aws_ecs_service" "service" {{
  launch_type      = "{launch}"
  platform_version = "{platform}"
}}
"""


def findings(folder: Path) -> tuple[str, ...]:
    """Everything that AWS's model and checkov say against the requests below `folder`."""
    place = folder / "deploy" / "ecs"
    files = sorted(place.glob("*.yaml"))
    assert files, place
    requests = {file.name: yaml.safe_load(file.read_text()) for file in files}
    return (
        *(finding for file in files for finding in _of_model(file)),
        *_of_fargate(requests["task-definition.yaml"]),
        *_of_checkov(requests["task-definition.yaml"], requests["service.yaml"]),
    )


def _of_model(file: Path) -> tuple[str, ...]:
    python = judge("checkov").with_name("python")
    argv = (python, MODEL, OPERATIONS[file.name], file)
    said = subprocess.run(argv, capture_output=True, text=True)
    assert said.returncode in (0, 1), said.stderr
    assert (said.returncode == 0) == (said.stdout == ""), said.stdout
    assert not said.stderr, said.stderr
    return tuple(f"botocore: {file.name}: {line}" for line in said.stdout.splitlines())


def _of_fargate(task: dict[str, Any]) -> tuple[str, ...]:
    pair = (task["cpu"], int(task["memory"]))
    return () if pair[1] in MEMORY[pair[0]] else (f"Fargate has no pair {pair}",)


def _of_checkov(task: dict[str, Any], service: dict[str, Any]) -> tuple[str, ...]:
    containers = json.dumps(task["containerDefinitions"]).replace("${", "$${").replace("%{", "%%{")
    text = TERRAFORM.format(
        containers=containers, launch=service["launchType"], platform=service["platformVersion"]
    )
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "main.tf").write_text(text)
        said = judged("checkov", "--directory", folder, *CHECKOV)
    report = json.loads(said.stdout)
    if "results" in report:
        assert report["summary"]["resource_count"] == 2, report["summary"]
    else:
        assert report["resource_count"] == 2, report
    failed = report.get("results", {}).get("failed_checks", ())
    return tuple(f"checkov: {each['check_id']} {each['check_name']}" for each in failed)
