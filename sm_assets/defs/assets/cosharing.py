"""out_cosharing_*: networks of accounts that push the same content, per as-of day.

Here: the asset and its parameters. Not here: the methods and the tables they become (`sm_assets.analysis`), figures
(`plots`).
"""

from collections.abc import Iterator
from datetime import date
from typing import Any, Literal

import dagster as dg
import duckdb
import pyarrow as pa
from pydantic import Field

from sm_assets.analysis.defaults import METHOD_DEFAULTS, VIRAL_ACCOUNTS
from sm_assets.defs.assets.declare import common, ins, out
from sm_assets.defs.io import Rows
from sm_assets.defs.metadata import counts_table
from sm_assets.defs.partitions import partition_days
from sm_assets.defs.sql import SQL_ROOT, input_file, open_select, upstreams
from sm_assets.defs.windows import Results, check_one_version, window_days_of, window_refs
from sm_assets.settings import Settings
from sm_assets.storage import Lake, TableRef

TABLES = ("out_cosharing_clusters", "out_cosharing_members", "out_cosharing_pairs", "out_cosharing_evidence")
INPUTS = ("contents", "accounts", "previews")
_SHARES = SQL_ROOT / "figures" / "shares_over_time.sql"
_DEFAULTS = "; ".join(f"{method} {low:g}, {factor:g}" for method, (low, factor) in METHOD_DEFAULTS.items())


def config_class(settings: Settings) -> type[dg.Config]:
    """The parameters, with defaults from the settings."""

    class CosharingConfig(dg.Config):
        """How networks are found."""

        method: Literal["linkage", "seeded"] = Field(
            default="linkage",
            description="linkage: each account against whole networks. seeded: the original's clustering around seeds.",
        )
        content_mode: Literal["canonical", "compat"] = Field(
            default=settings.content_mode,  # type: ignore[arg-type]  # Settings has checked the value
            description="The mode in which the window's contents were made; a window with another mode fails.",
        )
        min_threshold: float | None = Field(
            default=None,
            ge=0,
            le=1,
            description=f"Least score for joining a network. Default by method (threshold, factor): {_DEFAULTS}.",
        )
        second_cluster_factor: float | None = Field(
            default=None,
            ge=0,
            le=1_000_000,
            description="How many times the best network must beat the second, 0 or more. Default: see min_threshold.",
        )
        viral_accounts: int = Field(
            default=VIRAL_ACCOUNTS,
            ge=2,
            le=1_000_000,
            description="A content carried by more accounts than this does not link all of its pairs (linkage).",
        )
        across_platforms: bool = Field(
            default=True, description="Whether a content on one platform counts as the same content on another."
        )

    return CosharingConfig


def upstream_tables() -> list[str]:
    """Every table that the inputs and figures read, outputs left out."""
    paths = [*(input_file(f"out_cosharing_{name}") for name in (*INPUTS, "versions")), _SHARES]
    return sorted({name for path in paths for name in upstreams(path)} - set(TABLES))


def asset(lake: Lake) -> dg.AssetsDefinition:
    """The four tables as one asset over one lake."""
    settings = lake.settings
    config_type = config_class(settings)

    @dg.multi_asset(
        name="find_networks",
        outs={name: out(lake, name) for name in TABLES},
        ins=ins(lake, TABLES[0], upstream_tables()),
        **common(lake),
    )
    def cosharing(
        context: dg.AssetExecutionContext,
        config: config_type,  # type: ignore[valid-type]  # made above, with this lake's defaults
        **refs: TableRef,
    ) -> Iterator[dg.Output[Rows]]:
        asked = partition_days(list(context.partition_keys))
        with lake.workspace("cosharing") as folder, lake.connect() as con:
            results = Results(folder)
            days = window_days_of(lake, "feat_account_content", asked)
            if not days:
                for name in TABLES:
                    yield dg.Output(Rows(results.relation(con, name), []), name)
                return
            for day in days:
                window = window_refs(refs.values(), day, settings.window_days)
                tables, counts = _snapshot(con, lake, window, day, config)
                for name, rows in tables.items():
                    results.add(name, rows)
            figures = _figures(con, lake, window, tables)
            shared = {
                "as_of": str(days[-1]),
                "accounts_and_contents": counts_table(counts, "what", "number"),
                **_settings(config),
            }
            for name in TABLES:
                yield dg.Output(Rows(results.relation(con, name), days, metadata=figures.get(name, {}) | shared), name)

    return cosharing


def _snapshot(
    con: duckdb.DuckDBPyConnection, lake: Lake, window: list[TableRef], day: date, config: Any
) -> tuple[dict[str, pa.Table], dict[str, int]]:
    """The four tables of one as-of day, and what was counted on the way."""
    from sm_assets.analysis.cosharing_tables import cosharing_tables  # loads kernels

    versions = open_select(con, lake, input_file("out_cosharing_versions"), window, []).to_arrow_table()
    check_one_version(versions.to_pylist(), day, config.content_mode)
    paths = {name: input_file(f"out_cosharing_{name}") for name in INPUTS}
    inputs = {name: open_select(con, lake, path, window, []).to_arrow_table() for name, path in paths.items()}
    found = cosharing_tables(**inputs, day=day, **_settings(config))
    return {name: getattr(found, name.removeprefix("out_cosharing_")) for name in TABLES}, found.counts


def _settings(config: Any) -> dict[str, Any]:
    """The parameters as the analysis takes them, the method's defaults filled in."""
    threshold, factor = METHOD_DEFAULTS[config.method]
    return {
        "method": config.method,
        "content_mode": config.content_mode,
        "min_threshold": threshold if config.min_threshold is None else config.min_threshold,
        "second_cluster_factor": factor if config.second_cluster_factor is None else config.second_cluster_factor,
        "viral_accounts": config.viral_accounts,
        "across_platforms": config.across_platforms,
    }


def _figures(
    con: duckdb.DuckDBPyConnection, lake: Lake, window: list[TableRef], tables: dict[str, pa.Table]
) -> dict[str, dict[str, dg.MarkdownMetadataValue]]:
    """Pictures of the last as-of day by table."""
    from sm_assets.plots import network_graph, network_sizes, shares_over_time  # draw with matplotlib

    clusters, members, pairs = (tables[f"out_cosharing_{name}"] for name in ("clusters", "members", "pairs"))
    con.register("out_cosharing_members", members)
    daily = open_select(con, lake, _SHARES, window, []).to_arrow_table()
    con.unregister("out_cosharing_members")
    return {
        "out_cosharing_clusters": {
            "network_sizes": dg.MetadataValue.md(network_sizes.draw(clusters, members)),
            "shares_over_time": dg.MetadataValue.md(shares_over_time.draw(daily)),
        },
        "out_cosharing_members": {"network_graph": dg.MetadataValue.md(network_graph.draw(members, pairs))},
    }
