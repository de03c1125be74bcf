"""Personas of the packaged text model on captures with planted ones: as many, and everybody with their own.

Here: the smallest of the named sets, measured as benchmarks/persona_quality.py measures them all, landing to
out_personas. Not here: what a stub of a model can show (`test_personas`).
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

pytestmark = [pytest.mark.shared_data, pytest.mark.slow]


@pytest.fixture(scope="module")
def benchmark() -> ModuleType:
    path = Path(__file__).parents[1] / "benchmarks" / "persona_quality.py"
    spec = importlib.util.spec_from_file_location("persona_quality", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.usefixtures("shared_data")
def test_planted_personas_are_found(benchmark: ModuleType, tmp_path: Path) -> None:
    name, users, k = "120:4:3:5", 120, 4
    if not benchmark.GENERATOR.is_file():
        pytest.skip(f"the generator {benchmark.GENERATOR} is absent")
    assert name in benchmark.NAMED
    found = benchmark.capture(name, tmp_path)
    assert (found["k"], found["purity"]) == (k, 1.0), found
    # All but those who write nothing or in other languages.
    assert found["members"] >= 0.8 * users, found
