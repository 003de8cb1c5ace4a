"""`.env.example`: the contract as a file to copy, in the form that docker's --env-file and compose read."""

from ferrule.contract import Variable
from ferrule.generate.service import Draft, Service

KIND = "env"
PATH = ".env.example"
WORDS = {"url": "a URL", "int": "a whole number", "bool": "true or false"}


def drafts(service: Service) -> tuple[Draft, ...]:
    """Required variables first, then those with a value in the image, then the optional ones."""
    contract = sorted(service.contract, key=lambda each: (not each.required, each.default is None, each.name))
    head = (
        f"# What {_line(service.name)} reads from its environment. Copy this to .env and fill it in.\n"
        "# .env is for one machine: keep it out of git and out of images.\n"
    )
    return (Draft(kind=KIND, path=PATH, text=head + "".join(map(_variable, contract))),)


def _variable(variable: Variable) -> str:
    comments = [*(variable.doc or "").splitlines(), _facts(variable)]
    shown = "".join(f"# {_line(comment)}\n" for comment in comments if comment.strip())
    return f"\n{shown}{_assignment(variable)}\n"


def _assignment(variable: Variable) -> str:
    """A line of the file. What is optional is there for reading only, as is what no line can hold."""
    value = variable.default or ""
    if not variable.required and (variable.default is None or "\n" in value or "\r" in value):
        return f"#{variable.name}="
    return f"{variable.name}={value}"


def _facts(variable: Variable) -> str:
    kind = WORDS.get(variable.type or "", f"a {variable.type}" if variable.type else "")
    facts = (
        "required" if variable.required else "optional" if variable.default is None else "",
        "secret" if variable.secret else "",
        kind,
        f"matches {variable.pattern}" if variable.pattern else "",
        f"such as {variable.example}" if variable.example else "",
        "its default has several lines" if "\n" in (variable.default or "") else "",
    )
    return ", ".join(fact for fact in facts if fact)


def _line(text: str) -> str:
    """One line: whatever would end it becomes a blank."""
    return " ".join(text.split())
