"""The rules of the house that ruff, mypy and import-linter do not know."""

import ast
import subprocess  # noqa: TID251 - git is asked for the files of the project
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MOST_LINES_OF_A_FILE = 300
MOST_LINES_OF_A_FUNCTION = 50


def tracked(*patterns: str) -> list[Path]:
    argv = ("git", "ls-files", "--cached", "--others", "--exclude-standard", *patterns)
    listed = subprocess.run(argv, cwd=ROOT, capture_output=True, check=True, text=True).stdout.split("\n")
    files = [ROOT / name for name in listed if name and (ROOT / name).is_file()]
    assert files, "git lists no files: these rules would pass without looking"
    return files


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


def length(function: ast.FunctionDef) -> int:
    """Lines from `def` to the end without the docstring."""
    first = function.body[0]
    is_docstring = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    documented = (first.end_lineno or 0) - first.lineno + 1 if is_docstring else 0
    return (function.end_lineno or 0) - function.lineno + 1 - documented


def test_no_python_file_is_longer_than_300_lines() -> None:
    long = {
        str(path.relative_to(ROOT)): count
        for path in tracked("*.py")
        if (count := lines(path)) > MOST_LINES_OF_A_FILE
    }
    assert long == {}


def lines(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


def test_no_function_is_longer_than_50_lines() -> None:
    long = [
        f"{path.relative_to(ROOT)}:{function.name} has {length(function)} lines"
        for path in tracked("*.py")
        for function in functions(ast.parse(path.read_text(encoding="utf-8")))
        if length(function) > MOST_LINES_OF_A_FUNCTION
    ]
    assert long == []


def imports_of(path: Path) -> set[str]:
    """Modules of ours that are imported when the module is; those inside functions and for types are not."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = set()
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("ferrule"):
            found |= {node.module, *(f"{node.module}.{name.name}" for name in node.names)}
        elif isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
    return found


def test_no_module_imports_itself_by_a_detour() -> None:
    modules = {
        ".".join(path.relative_to(ROOT / "src").with_suffix("").parts).removesuffix(".__init__"): path
        for path in tracked("src/*.py")
    }
    graph = {name: imports_of(path) & set(modules) - {name} for name, path in modules.items()}
    assert sum(map(len, graph.values())) > 100
    # A module that imports only modules already taken away is in no cycle.
    while free := [name for name, wanted in graph.items() if not wanted & set(graph)]:
        for name in free:
            del graph[name]
    assert sorted(graph) == []


def test_tests_patch_nothing() -> None:
    words = ("monkeypatch.setattr", "mocker.", "unittest" + ".mock", "setitem(sys.modules")
    guilty = [
        f"{path.relative_to(ROOT)}: {word}"
        for path in tracked("tests/*.py")
        for word in words
        if word in path.read_text(encoding="utf-8") and path != Path(__file__)
    ]
    assert guilty == []


def test_tests_mirror_the_source() -> None:
    folders = {path.parent.name for path in tracked("src/ferrule/*/*.py")}
    assert {folder for folder in folders if not list((ROOT / "tests" / folder).glob("test_*.py"))} == set()


@pytest.mark.parametrize("word", ["/" + "work/", "/" + "root/", "/" + "farm/"])
def test_no_path_of_a_developer_s_machine_is_committed(word: str) -> None:
    guilty = [
        str(path.relative_to(ROOT))
        for path in tracked()
        if word in path.read_bytes().decode("utf-8", "replace")
    ]
    assert guilty == []


def test_no_package_registry_is_named() -> None:
    hosts = [
        "py" + "pi.org",
        "python" + "hosted.org",
        "static.crates" + ".io",
        "deb.debian" + ".org",
        "registry.npm" + "js.org",
    ]
    guilty = [
        f"{path.relative_to(ROOT)}: {host}"
        for path in tracked()
        for host in hosts
        if host in path.read_bytes().decode("utf-8", "replace")
    ]
    assert guilty == []
