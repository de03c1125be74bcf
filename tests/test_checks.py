"""Every table has its checks, with the severity and the power to block that the rule of `defs.checks` gives them."""

from __future__ import annotations

from collections.abc import Iterator

import dagster as dg
import pytest

from sm_assets.contracts import TABLES
from sm_assets.defs.cluster_analyses import ANALYSES
from sm_assets.defs.cluster_checks import sized_tables
from sm_assets.defs.contract_checks import reference_name
from sm_assets.defs.wiring import build_defs
from sm_assets.settings import Settings

GRAPH = build_defs(settings=Settings(data_root="/nowhere")).resolve_asset_graph()
WARN = {
    "rows_as_usual",
    "languages_as_usual",
    "sizes_sane",
    "few_rejects",
    "rejects_as_usual",
    "nothing_assumed",
    "few_pending_withdrawals",
    "direction_suspect",
    "links_are_current",
    "no_stale_labels",
    # Staleness is told by others; it may be on purpose.
    "up_to_date",
    "fresh",
}


def specs() -> dict[tuple[str, str], dg.AssetCheckSpec]:
    return {(key.asset_key.to_user_string(), key.name): GRAPH.get_check_spec(key) for key in GRAPH.asset_check_keys}


SPECS = specs()


@pytest.mark.parametrize("name", TABLES)
def test_every_table_is_checked(name: str) -> None:
    table = TABLES[name]
    wanted = {"key_unique", "not_null", "rows_as_usual", *map(reference_name, table.references)}
    if any(rule.endswith("/allowed") for rule, _ in table.rules()):
        wanted.add("values_allowed")
    assert wanted <= {check for asset, check in SPECS if asset == name}
    contract = wanted - {"rows_as_usual"}
    assert {SPECS[name, check].blocking for check in contract} == {table.layer == "core"}
    assert {SPECS[name, check].metadata["severity"] for check in contract} == {"ERROR"}


def test_what_warns_and_what_blocks() -> None:
    warns = {check for (_, check), spec in SPECS.items() if spec.metadata.get("severity") == "WARN"}
    assert warns <= WARN
    assert not {check for (_, check), spec in SPECS.items() if spec.metadata.get("severity") == "ERROR"} & WARN
    assert {key for key, spec in SPECS.items() if spec.blocking and TABLES[key[0]].layer != "core"} == {
        ("out_ingest_report", "sums_close"),
        *((name, "no_withdrawn_members") for name in WITH_MEMBERS),
    }
    assert not {check for (_, check), spec in SPECS.items() if spec.blocking} & WARN


WITH_MEMBERS = ("out_personas", "out_profile_clusters", "out_cosharing_members", "out_account_traits")


@pytest.mark.parametrize(("asset", "check"), sorted(SPECS))
def test_every_check_says_what_holds_and_what_to_do(asset: str, check: str) -> None:
    spec = SPECS[asset, check]
    assert spec.description
    assert spec.description.endswith(".")
    assert "; else" not in spec.description
    advice = str(spec.metadata["what_to_do"])
    assert advice[0].isupper()
    assert advice.endswith(".")
    assert "{" not in advice


def made_from(key: dg.AssetKey) -> Iterator[dg.AssetKey]:
    """All that is made from an asset."""
    seen, left = set(), [key]
    while left:
        for child in GRAPH.get(left.pop()).child_keys - seen:
            seen.add(child)
            left.append(child)
            yield child


def test_no_check_that_blocks_waits_for_what_it_holds_back() -> None:
    # The step counts: whatever one of its checks reads, all of them wait for.
    steps = {}
    for check in build_defs(settings=Settings(data_root="/nowhere")).asset_checks or []:
        assert isinstance(check, dg.AssetChecksDefinition)
        for spec in check.check_specs:
            steps[spec.key] = check.check_specs
    for (asset, _), spec in SPECS.items():
        if spec.blocking:
            read = {dep.asset_key for each in steps[spec.key] for dep in each.additional_deps}
            assert not read & set(made_from(dg.AssetKey(asset)))


def test_one_step_judges_most_checks_of_a_table() -> None:
    checks = build_defs(settings=Settings(data_root="/nowhere")).asset_checks or []
    names = [check.node_def.name for check in checks if isinstance(check, dg.AssetChecksDefinition)]
    kinds = ("check_landing_", "check_staging_", "check_together_")
    assert {name for name in names if not name.startswith(kinds)} == {f"check_{name}" for name in (*TABLES, "days")}


def test_all_clusterings_are_judged_by_their_sizes() -> None:
    # A membership table says of each item in which cluster it is, if in any.
    numbers = {"cluster_id", "persona_id", "community_id"}
    members = {
        name
        for name, table in TABLES.items()
        if any(column.name in numbers and column.nullable for column in table.columns)
        and not name.startswith(("out_cluster_", "out_map_"))
    }
    assert members == set(sized_tables()) >= {each.table for each in ANALYSES}
    assert {asset for asset, check in SPECS if check == "sizes_sane"} == members
    assert {asset for asset, check in SPECS if check == "languages_as_usual"} == {
        name for name in TABLES if name.startswith("feat_") and name.endswith("_language")
    }
    assert all(path.exists() for path in sized_tables().values())
