"""A workflow for GitHub Actions: the tests, then one image that is verified and pushed.

Nothing of the project stands in the text of a script: it comes in by variables, which a shell does not parse.
"""

from ferrule import __version__
from ferrule.contract import Variable
from ferrule.generate.actions import CACHE, CHECKOUT
from ferrule.generate.service import Draft, Service
from ferrule.generate.template import render
from ferrule.oci.reference import DEFAULT_REGISTRY, Reference, parse_reference

KIND = "github"
FOLDER = ".github/workflows"
PATH = f"{FOLDER}/ferrule.yml"
OWN_REGISTRY = "ghcr.io"
CARGO_HOME = ("~/.cargo/git", "~/.cargo/registry", "~/.cargo/sqlx")
RUNNER = "linux/amd64"
"""The platform of `ubuntu-latest`."""
DATABASE_URL = "postgres://postgres@localhost:5432/postgres"
STAND_INS = {"url": "http://localhost/", "port": "3000", "int": "1", "bool": "true", "duration": "1s"}
"""Type of a variable → a value that is one."""
STAND_IN = "only-for-this-run"


def drafts(service: Service) -> tuple[Draft, ...]:
    """`.github/workflows/ferrule.yml`, or with the program's name where there are several."""
    name = _repository(service)
    variables = _variables(service)
    without = {each.name for each in service.contract if each.example is None}
    lines = tuple(f"{name}={value}" for name, value in variables.items() if name in without)
    text = render(
        "github",
        checkout=CHECKOUT,
        cache=CACHE,
        service=service,
        home=[*CARGO_HOME, _below(service, "target")],
        image_home=[*CARGO_HOME[:2], _below(service, "target/ferrule/cargo")],
        sqlx_folder=_below(service, service.sqlx.folder) if service.sqlx else ".",
        package=service.package or service.name,
        repository=name.name if name else "",
        registry=name.registry if name else OWN_REGISTRY,
        needs_login=(name.registry if name else OWN_REGISTRY) in map(_registry, service.bases),
        is_own_registry=name is None or name.registry == OWN_REGISTRY,
        install=f"ferrule{'[zig]' if _is_cross(service) else ''}=={__version__}",
        postgres=service.database.image if service.database else "",
        arguments=" ".join(f'"$ARGUMENT_{number}"' for number, _ in enumerate(service.migrate or (), 1)),
        variables=variables,
        database_url=DATABASE_URL,
        migrates=_migrates(service),
        prepared=_prepared(service),
        check="--check --workspace" if service.sqlx and service.sqlx.is_whole else "--check",
        lines=lines if _verifies(service) else (),
        verify=_verifies(service),
    )
    path = PATH if service.is_alone else f"{FOLDER}/ferrule-{service.label}.yml"
    return (Draft(kind=KIND, path=path, text=text),)


def _below(service: Service, path: str) -> str:
    """A path of the project as the repository has it."""
    return path if service.folder == "." else f"{service.folder}/{path}"


def _repository(service: Service) -> Reference | None:
    """Where the image goes; None where the project names no repository that it could be pushed to."""
    name = parse_reference(service.reference)
    return None if name.registry == DEFAULT_REGISTRY and name.repository.startswith("library/") else name


def _registry(image: str) -> str:
    return parse_reference(image).registry


def _is_cross(service: Service) -> bool:
    return any(platform != RUNNER for platform in service.platforms)


def _verifies(service: Service) -> bool:
    """There has to be something to ask, and an image that runs on the machine of the job."""
    is_server = service.health is not None or bool(service.ports)
    return is_server and (not service.platforms or RUNNER in service.platforms)


def _migrates(service: Service) -> str:
    """Who brings the tests' database up to date: the program itself, sqlx-cli, or nobody.

    A program whose macros ask the database while it is compiled cannot be the one that makes the tables.
    """
    sqlx = service.sqlx
    if service.database is None:
        return ""
    if service.migrate is not None and (sqlx is None or sqlx.prepared):
        return "program"
    return "sqlx" if sqlx is not None and sqlx.migrations else ""


def _prepared(service: Service) -> bool:
    """There is a `.sqlx`, and a database to compare it with."""
    return service.database is not None and service.sqlx is not None and service.sqlx.prepared


def _variables(service: Service) -> dict[str, str]:
    """What the program is given in CI for whatever it requires, but for the URL of its database."""
    own = service.database.url_env if service.database else None
    required = (each for each in service.contract if each.required and each.name != own)
    found = ((each.name, _stand_in(each)) for each in required)
    return {name: value for name, value in found if "\n" not in value and "\r" not in value}


def _stand_in(variable: Variable) -> str:
    return variable.example or STAND_INS.get(variable.type or "", STAND_IN)
