"""The house's rules, read out of the source: floors, heavy imports, openings of modules."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from sm_assets.contracts import TABLES

PACKAGE = Path(__file__).parents[1] / "sm_assets"
MODULES = sorted(PACKAGE.rglob("*.py"))

# A room may import the rooms named here, and itself.
_GROUND = {"settings", "errors", "contracts"}
ALLOWED = {
    "errors": set(),
    "settings": {"errors"},
    "contracts": {"settings", "errors"},
    "kernels": _GROUND,
    "storage": _GROUND,
    "sources": _GROUND | {"kernels", "storage"},
    "analysis": _GROUND | {"kernels"},
    "plots": _GROUND,
    "demo": _GROUND | {"storage"},
    "oneshot": _GROUND | {"kernels", "sources", "analysis"},
    "defs": _GROUND | {"kernels", "storage", "sources", "analysis", "plots", "demo"},
}
# The top floor: modules that lie in the package itself.
TOP = {path.stem for path in PACKAGE.glob("*.py")} - set(ALLOWED)
HEAVY = (
    "torch", "sklearn", "scipy", "matplotlib", "networkx", "sknetwork", "datasketch", "transformers", "fasttext",
    "pandas", "rich", "numba", "umap", "pacmap", "openTSNE", "plotly", "nltk", "stopwordsiso", "sqlalchemy", "alembic",
)  # fmt: skip


def room(path: Path) -> str:
    first = path.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


def imports(path: Path, *, top_level_only: bool = False) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    nodes: list[ast.AST] = list(tree.body) if top_level_only else list(ast.walk(tree))
    found: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            found.add(node.module or "")
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def rooms_of(names: set[str]) -> set[str]:
    parts = [name.split(".") for name in names]
    inner = {part[1] for part in parts if part[0] == "sm_assets" and len(part) > 1}
    return {name for name in inner if (PACKAGE / name).is_dir() or (PACKAGE / f"{name}.py").exists()}


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_point_down_only(path: Path) -> None:
    here = room(path)
    if here in TOP:
        return
    assert here in ALLOWED, f"{here} is no room of the house; give it a floor"
    beyond = rooms_of(imports(path)) - ALLOWED[here] - {here}
    assert not beyond, f"{path.name} imports {sorted(beyond)} from a floor above or beside"


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_dagster_lives_in_defs(path: Path) -> None:
    if room(path) in {"defs", "definitions"}:
        return
    names = {name.split(".")[0] for name in imports(path)}
    assert not {name for name in names if name.startswith("dagster")}


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_analysis_reads_no_files_and_only_settings_read_the_environment(path: Path) -> None:
    names = imports(path)
    text = path.read_text(encoding="utf-8")
    # Dagster takes the size of its batches from the environment only: the storage that wants them says so there.
    if path not in {PACKAGE / "settings.py", PACKAGE / "defs" / "run_storage.py"}:
        assert "os.environ" not in text
        assert "getenv" not in text
    if room(path) == "analysis":
        assert not {name.split(".")[0] for name in names} & {"duckdb", "fsspec", "os", "shutil", "csv"}


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_modules_open_with_what_belongs_in_them_and_stay_short(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    opening = ast.get_docstring(ast.parse(text))
    assert opening, f"{path} has no docstring"
    assert len(text.splitlines()) <= 450, f"{path} has grown too long"
    assert "TODO" not in text
    assert "except Exception" not in text


@pytest.mark.parametrize("start", ["sm_assets", "sm_assets.definitions"])
def test_importing_stays_light(start: str) -> None:
    code = (
        f"import sys, {start}; print(*sorted(m for m in sys.modules if m.split('.')[0] in {HEAVY!r} and '.' not in m))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = set(done.stdout.split()) - ({"rich"} if start.endswith("definitions") else set())
    # Dagster itself imports rich; nothing of ours may come on top of what it needs.
    assert not heavy, f"import {start} loads {sorted(heavy)}"


def test_the_one_shot_path_imports_no_dagster() -> None:
    code = "import sys, sm_assets; print('dagster' in sys.modules, 'duckdb' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split()[0] == "False"


def test_each_column_is_defined_once() -> None:
    tree = ast.parse((PACKAGE / "contracts" / "columns.py").read_text(encoding="utf-8"))
    makers = {"text", "count", "time", "share", "number", "flag", "Column"}
    names = [
        call.args[0].value
        for call in ast.walk(tree)
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Name)
        and call.func.id in makers
        and call.args
        and isinstance(call.args[0], ast.Constant)
        and call.col_offset <= 4
    ]
    assert len(names) > 100
    assert len(names) == len(set(names)), sorted({name for name in names if names.count(name) > 1})


def test_no_part_of_the_registry_takes_a_column_of_another() -> None:
    seen: dict[str, str] = {}
    for path in sorted((PACKAGE / "contracts").glob("*columns.py")):
        module = importlib.import_module(f"sm_assets.contracts.{path.stem}")
        for column in module._OWN if path.stem == "columns" else module.COLUMNS:
            assert column.name not in seen, f"{column.name} of {path.stem} is one of {seen[column.name]}"
            seen[column.name] = path.stem
    assert len(seen) > 300


def test_sql_files_end_in_select_star_and_stay_narrow() -> None:
    files = sorted((PACKAGE.parent / "sql").rglob("*.sql"))
    assert len(files) >= 15
    for path in files:
        lines = path.read_text(encoding="utf-8").rstrip().splitlines()
        assert lines[-1].startswith("select * from "), path.name
        assert lines[0].startswith("--"), f"{path.name} does not say what it makes"
        assert max(map(len, lines)) <= 80, path.name
        assert not [line for line in lines if line != line.lower() and not {"'", '"', "-"} & set(line)], path.name


def test_nothing_above_core_knows_a_source() -> None:
    root = PACKAGE.parent
    above = [path for folder in ("features", "inputs", "figures") for path in (root / "sql" / folder).rglob("*.sql")]
    above += [*(PACKAGE / "analysis").rglob("*.py"), *(PACKAGE / "plots").rglob("*.py")]
    assert len(above) > 20
    for path in above:
        text = path.read_text(encoding="utf-8")
        found = {name for name in TABLES if name.startswith(("raw_", "stg_")) and name in text}
        assert not found, f"{path.name} reads {found}"
