"""What AWS's own model of its API has against a request. Run by the judges' Python, which has botocore:

`python aws_api.py Operation FILE.yaml` prints one finding a line. The client of AWS checks no more than that
before it sends: names, types and required members. The values that the model lists are checked here too.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import botocore.session
import botocore.validate
import yaml


def main(operation: str, file: str) -> int:
    """The exit code is 1 with a finding."""
    service = botocore.session.Session().get_service_model("ecs")
    shape = service.operation_model(operation).input_shape
    request = yaml.safe_load(Path(file).read_text(encoding="utf-8"))
    report = botocore.validate.ParamValidator().validate(request, shape)
    found = [*report.generate_report().splitlines(), *_unlisted(request, shape, "")]
    for line in found:
        print(line)
    return 1 if found else 0


def _unlisted(value: Any, shape: Any, where: str) -> Iterator[str]:
    """Values of which the model has a list, and that are not in it."""
    if shape.type_name == "structure" and isinstance(value, dict):
        for name, member in value.items():
            if name in shape.members:
                yield from _unlisted(member, shape.members[name], f"{where}.{name}")
    elif shape.type_name == "list" and isinstance(value, list):
        for each in value:
            yield from _unlisted(each, shape.member, f"{where}[]")
    elif shape.type_name == "string" and shape.enum and value not in shape.enum:
        yield f"{where}: {value!r} is none of {', '.join(shape.enum)}"


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
