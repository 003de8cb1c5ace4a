"""Starting is quick because little is imported: an allow-list holds it."""

import os
import subprocess  # noqa: TID251 - a fresh interpreter is the point
import sys
from pathlib import Path

ALLOWED = {"ferrule", "click", "typing_extensions", "colorama"}
"""Top-level packages outside the standard library that `ferrule --help` may import."""

OURS = {"ferrule", "ferrule.cli", "ferrule.cli.app", "ferrule.text", "ferrule.errors"}


def imported_by(*arguments: str) -> set[str]:
    code = f"import sys; from ferrule.cli.app import run; run({list(arguments)!r})"
    argv = (sys.executable, "-X", "importtime", "-c", code)
    finished = subprocess.run(argv, capture_output=True, text=True, check=True)
    rows = [
        line.rpartition("|")[2].strip()
        for line in finished.stderr.splitlines()
        if line.startswith("import time:")
    ]
    assert "click" in rows
    return set(rows) - {"imported package"}


def outside(modules: set[str]) -> set[str]:
    tops = {module.partition(".")[0] for module in modules}
    return {
        top
        for top in tops
        if top not in sys.stdlib_module_names and not top.startswith(("_", "sitecustomize"))
    }


def test_help_imports_click_and_nothing_else_of_weight() -> None:
    modules = imported_by("--help")
    assert outside(modules) - {"ferrule"} <= ALLOWED
    assert {module for module in modules if module.startswith("ferrule")} == OURS
    assert modules.isdisjoint(
        {"asyncio", "ssl", "tarfile", "concurrent.futures", "http.client", "msgspec", "rich"}
    )


def test_inspect_imports_no_network_and_no_engine() -> None:
    modules = imported_by("inspect", sys.executable)
    assert modules.isdisjoint({"httpx2", "ssl", "http.client", "ferrule.registry", "ferrule.engine"})


def test_folders_that_the_environment_names_are_not_looked_for(tmp_path: Path) -> None:
    code = (
        "import sys; from ferrule.folders import cache_folder; from ferrule.verbs.context import trust_of; "
        "cache_folder(), trust_of({}, frozenset()); print('platformdirs' in sys.modules)"
    )
    for names, looked in ((("FERRULE_CACHE_DIR", "XDG_CONFIG_HOME"), False), (("FERRULE_CACHE_DIR",), True)):
        env = {**os.environ, "HOME": str(tmp_path)}
        env.pop("XDG_CONFIG_HOME", None)
        env |= dict.fromkeys(names, str(tmp_path))
        argv = (sys.executable, "-c", code)
        said = subprocess.run(argv, env=env, capture_output=True, text=True, check=True).stdout
        assert said == f"{looked}\n"


def test_a_push_imports_what_retries_need_when_something_has_failed() -> None:
    code = "import sys, ferrule.registry.push; print(*sys.modules)"
    said = subprocess.run((sys.executable, "-c", code), capture_output=True, text=True, check=True).stdout
    assert "ferrule.registry.retry" in said.split()
    assert outside(set(said.split())).isdisjoint({"stamina", "tenacity", "asyncio"})
