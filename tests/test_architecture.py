"""The house: data flow one way, light imports, public names, nothing that must not be said."""

import ast
import inspect
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import analysis

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "analysis"
ROOMS = [
    "errors",
    "values",
    "measures",
    "meta",
    "bias",
    "forensics",
    "records",
    "data",
    "tables",
    "figures",
    "pipeline",
]
# These touch no file, no picture and nothing heavy at module level.
PURE = {"values", "measures", "meta", "bias", "forensics"}
HEAVY = {
    "pandas",
    "statsmodels",
    "matplotlib",
    "scipy.stats",
    "pandera",
    "click",
    "rich",
    "nbclient",
    "IPython",
}


def _modules():
    return sorted(path for path in SOURCE.rglob("*.py") if path.parent != SOURCE)


def _room(path):
    return path.relative_to(SOURCE).parts[0]


def _imports(path, *, only_module_level=False):
    """Return the names of imported modules; those under `if TYPE_CHECKING` cost nothing and count nowhere."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    checking = {
        id(node)
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and getattr(block.test, "id", "") == "TYPE_CHECKING"
        for node in ast.walk(block)
    }
    nodes = tree.body if only_module_level else ast.walk(tree)
    for node in nodes:
        if id(node) in checking:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("path", _modules(), ids=lambda path: str(path.relative_to(SOURCE)))
def test_rooms_import_only_from_rooms_above(path):
    own = ROOMS.index(_room(path))
    for name in _imports(path):
        if name.startswith("analysis.") and name.split(".")[1] in ROOMS:
            room = name.split(".")[1]
            assert ROOMS.index(room) <= own, f"{path.name} of {ROOMS[own]} imports {name}"


@pytest.mark.parametrize(
    "path", [p for p in _modules() if _room(p) in PURE], ids=lambda path: str(path.relative_to(SOURCE))
)
def test_statistics_import_nothing_heavy_and_touch_no_file(path):
    for name in _imports(path, only_module_level=True):
        assert not any(name == heavy or name.startswith(heavy + ".") for heavy in HEAVY), name
    for name in _imports(path):
        assert name.split(".")[0] not in {"pathlib", "os", "io", "matplotlib"}, name


def test_every_folder_is_a_known_room():
    folders = {path.name for path in SOURCE.iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert folders <= set(ROOMS)


def test_public_names_load_and_the_stub_agrees():
    stub = ast.parse((SOURCE / "__init__.pyi").read_text(encoding="utf-8"))
    typed = {
        (node.module, alias.name)
        for node in stub.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert typed == {(home, name) for name, home in analysis._HOME_OF.items()}
    for name in analysis.__all__:
        assert getattr(analysis, name) is not None
    assert "odds_ratio" in dir(analysis)
    with pytest.raises(AttributeError, match="has no name 'odds_ration'"):
        analysis.odds_ration  # noqa: B018


def test_public_functions_are_documented_in_full():
    for name in set(analysis.__all__) - {"number_style", "style"}:  # context managers return nothing
        item = getattr(analysis, name)
        if callable(item) and not isinstance(item, type):
            assert "Parameters\n" in item.__doc__ or not inspect.signature(item).parameters, name
            assert "Returns\n" in item.__doc__, name


def test_the_version_is_said_once():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["version"] == analysis.__version__
    assert f"## [{analysis.__version__}]" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"version: {analysis.__version__}" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")


def test_importing_is_light():
    code = (
        "import sys, analysis; light = set(sys.modules);"
        "from analysis import odds_ratio, pool, feasible_tables, TwoByTwo;"
        "heavy = {'pandas', 'matplotlib', 'scipy.stats', 'scipy.optimize', 'statsmodels', 'pandera'};"
        "print(sorted(heavy & set(sys.modules)), 'numpy' in light)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[] False"


FORBIDDEN = re.compile(r"/simple/[\s\"]|index.url|python.?hosted|/(work|farm)/|\.\.[/]shared|TODO|FIXME")


def test_files_say_nothing_of_where_they_were_written():
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode:
        pytest.skip("not a git checkout")
    for name in filter(None, listed.stdout.split("\0")):
        path = ROOT / name
        if path == Path(__file__) or path.suffix in {".gz", ".pdf", ".png"} or not path.is_file():
            continue
        found = FORBIDDEN.search(path.read_text(encoding="utf-8"))
        assert found is None, f"{name}: {found}"
