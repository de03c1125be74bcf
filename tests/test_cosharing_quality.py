"""Quality of linkage on generated exports with planted networks, and its answers to the hand-made ones.

The figures come from benchmarks/cosharing_quality.py, which measures all named sets; here one of them and the sample in
the data folder.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from sm_assets import cluster_pages

pytestmark = pytest.mark.shared_data


@pytest.fixture(scope="module")
def benchmark() -> ModuleType:
    path = Path(__file__).parents[1] / "benchmarks" / "cosharing_quality.py"
    spec = importlib.util.spec_from_file_location("cosharing_quality", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def clusters_of(files: list[Path], **options: str) -> dict[str, int]:
    rows = cluster_pages(files, **options)  # type: ignore[arg-type]  # texts
    return dict(zip(rows["nameid"].to_pylist(), rows["cluster_id"].to_pylist(), strict=True))


def test_sample_of_a_thousand_pages(shared_data: Path, benchmark: ModuleType) -> None:
    folder = shared_data / "cosharing" / "in_1k"
    files = sorted(folder.glob("ct_*.csv"))
    verdict = benchmark.judge(benchmark.read_planted(files, folder / "truth.csv"), clusters_of(files))
    assert benchmark.Export.of(1000, 7).met_by(verdict), verdict
    assert verdict.organic_placed <= 0.003 * verdict.organic
    assert verdict.aggregators_placed <= 0.08 * verdict.aggregators


@pytest.mark.slow
def test_generated_set_of_two_thousand_pages(shared_data: Path, benchmark: ModuleType) -> None:
    generator = shared_data.parent / "tools" / "gen_crowdtangle.py"
    if not generator.is_file():
        pytest.skip(f"the generator {generator} is absent")
    export = benchmark.Export.of(2000, 21)
    verdict, _ = benchmark.measure(export, generator, "linkage")
    assert export.met_by(verdict), verdict
    assert verdict.organic_placed <= 0.003 * verdict.organic
    assert verdict.aggregators_placed <= 0.08 * verdict.aggregators


def test_order_of_files_does_not_matter(shared_data: Path) -> None:
    files = sorted((shared_data / "cosharing" / "in_200").glob("ct_*.csv"))
    assert cluster_pages(files).equals(cluster_pages(files[::-1]))


@pytest.mark.parametrize("name", ["order_dependence", "order_ok"])
def test_visiting_order_is_cured(shared_data: Path, name: str) -> None:
    found = clusters_of([shared_data / "cosharing" / "edge" / f"{name}.csv"], content_mode="compat")
    assert found == {"a": 0, "b": 0}


def test_sources_of_an_aggregator_stay_apart(shared_data: Path) -> None:
    found = clusters_of([shared_data / "cosharing" / "edge" / "aggregator.csv"], content_mode="compat")
    assert found.get("seeda", -1) != found.get("seedb", -2)
