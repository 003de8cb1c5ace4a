"""`.env.example`: the contract as a file to copy, in the form that docker's --env-file and compose read."""

import re

from ferrule.contract import Variable
from ferrule.generate.service import Draft, Service

KIND = "env"
PATH = ".env.example"
WORDS = {"url": "a URL", "int": "a whole number", "bool": "true or false"}
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

ALIKE = re.compile(r"(?:(?![\s\"'])[^$#\\]*(?<!\s))?")
"""Values that both readers take as they stand: compose reads quotes, comments and variables in them."""

MADE = "compose.yaml makes it of POSTGRES_…, and takes it from here where it stands here"

COMPOSED = """
# Of compose.yaml: its database's password, which becomes part of a URL (openssl rand -hex 24).
# required, secret
POSTGRES_PASSWORD=
{optional}"""


def drafts(service: Service) -> tuple[Draft, ...]:
    """Required variables first, then those with a value in the image, then the optional ones.

    What compose.yaml asks for besides is in it too: whichever kind writes the file, it is the same.
    """
    url = service.database.url_env if service.database else None
    contract = sorted(service.contract, key=_rank)
    head = (
        f"# What {_line(service.name)} reads from its environment. Copy this to .env and fill it in.\n"
        "# .env is for one machine: keep it out of git and out of images.\n"
    )
    text = (
        head
        + "".join(_variable(each, is_made=each.name == url) for each in contract)
        + _postgres(service)
        + _published(service)
    )
    return (Draft(kind=KIND, path=PATH, text=text),)


def _rank(variable: Variable) -> tuple[bool, bool, str]:
    return not variable.required, variable.default is None, variable.name


def is_name(text: str) -> bool:
    """Whether shells and compose can ask for a variable of this name."""
    return NAME.fullmatch(text) is not None


def postgres(service: Service) -> dict[str, str | None]:
    """Variables of Postgres' own image, with what compose.yaml takes where .env does not say."""
    return {"POSTGRES_DB": service.label, "POSTGRES_USER": service.label, "POSTGRES_PASSWORD": None}


def _postgres(service: Service) -> str:
    if service.database is None:
        return ""
    optional = "".join(f"#{name}={value}\n" for name, value in postgres(service).items() if value is not None)
    return COMPOSED.format(optional=optional)


def _published(service: Service) -> str:
    """Where compose.yaml has the ports."""
    numbers = dict.fromkeys(port.number for port in service.ports)
    if not numbers:
        return ""
    lines = ("#PUBLISH_ON=127.0.0.1", *(f"#PUBLISH_{number}={number}" for number in numbers))
    return "\n# Of compose.yaml: the address and the ports of this machine that it publishes.\n" + "".join(
        f"{line}\n" for line in lines
    )


def _variable(variable: Variable, *, is_made: bool) -> str:
    """`is_made`: compose.yaml has a value where .env has none."""
    comments = [*(variable.doc or "").splitlines(), _facts(variable), MADE if is_made else ""]
    shown = "".join(f"# {_line(comment)}\n" for comment in comments if comment.strip())
    return f"\n{shown}{f'#{variable.name}=' if is_made else _assignment(variable)}\n"


def _assignment(variable: Variable) -> str:
    """A line of the file. What is optional is there for reading only, as is what no line can hold."""
    if not is_name(variable.name) or _is_unlike(variable):
        return f"#{variable.name}="
    if not variable.required and variable.default is None:
        return f"#{variable.name}="
    return f"{variable.name}={variable.default or ''}"


def _is_unlike(variable: Variable) -> bool:
    return not ALIKE.fullmatch(variable.default or "") or not (variable.default or "").isprintable()


def _facts(variable: Variable) -> str:
    kind = WORDS.get(variable.type or "", f"a {variable.type}" if variable.type else "")
    facts = (
        "required" if variable.required else "optional" if variable.default is None else "",
        "secret" if variable.secret else "",
        kind,
        f"matches {variable.pattern}" if variable.pattern else "",
        f"such as {variable.example}" if variable.example else "",
        "its default is in the image: readers of this file take it differently"
        if _is_unlike(variable)
        else "",
        "" if is_name(variable.name) else "docker's --env-file alone takes this name",
    )
    return ", ".join(fact for fact in facts if fact)


def _line(text: str) -> str:
    """One line: whatever would end it becomes a blank."""
    return " ".join(text.split())
