"""out_account_traits: the accounts of a window as numbers.

Here: the asset and its parameter. Not here: what the numbers are (`sm_assets.analysis.traits`), counting over the
window (sql/inputs/out_account_traits*.sql).
"""

from collections.abc import Iterator
from datetime import date
from typing import Any

import dagster as dg
import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from sm_assets.analysis.pair_keys import pair_keys
from sm_assets.defs.assets.declare import ins, one
from sm_assets.defs.io import Rows
from sm_assets.defs.metadata import counts_table
from sm_assets.defs.partitions import partition_days
from sm_assets.defs.sql import RUN_SETTINGS, input_file, open_select, upstreams
from sm_assets.defs.windows import (
    Results,
    Snapshots,
    chosen_days,
    snapshots_field,
    window_days_of,
    window_refs,
    with_constants,
)
from sm_assets.storage import Lake, TableRef

NAME = "out_account_traits"
ACTIVITY = "feat_account_activity"
_PARTS = ("contents", "words", "languages", "links", "network")
_INPUTS = tuple(input_file(name) for name in (NAME, f"{NAME}_days", *(f"{NAME}_{part}" for part in _PARTS)))


class TraitsConfig(dg.Config):
    """Of which days there are traits."""

    snapshots: Snapshots = snapshots_field()


def asset(lake: Lake) -> dg.AssetsDefinition:
    """The asset over one lake."""
    upstream = sorted({name for path in _INPUTS for name in upstreams(path)})

    @dg.asset(ins=ins(lake, NAME, upstream), **one(lake, NAME))
    def out_account_traits(
        context: dg.AssetExecutionContext, config: TraitsConfig, **refs: TableRef
    ) -> Iterator[dg.Output[Rows]]:
        asked = partition_days(list(context.partition_keys))
        days = chosen_days(window_days_of(lake, ACTIVITY, asked), config.snapshots, lake.days(NAME))
        with lake.workspace("traits") as folder, lake.connect() as con:
            results, rows = Results(folder), None
            for day in days:
                context.log.info("Traits of %s", day)
                rows = _snapshot(con, lake, window_refs(refs.values(), day, lake.settings.window_days), day)
                results.add(NAME, rows)
            told = {} if rows is None else _told(rows, days[-1])
            yield dg.Output(Rows(results.relation(con, NAME), days, metadata=told))

    made: dg.AssetsDefinition = out_account_traits
    return made


def _snapshot(con: duckdb.DuckDBPyConnection, lake: Lake, window: list[TableRef], day: date) -> pa.Table:
    """Rows of one as-of day."""
    from sm_assets.analysis import traits
    from sm_assets.analysis.place_lookup import countries_of
    from sm_assets.analysis.traits_profile import profile_traits
    from sm_assets.analysis.traits_rhythm import Rhythm

    accounts = open_select(con, lake, _INPUTS[0], window, []).to_arrow_table()
    n = len(accounts)
    number = pa.array(range(n), pa.int64())
    con.register(RUN_SETTINGS, accounts.select(["platform", "account_id"]).append_column("number", number))
    keys = pair_keys(accounts["platform"], accounts["account_id"])
    rhythm = Rhythm(n)
    for active in next(ref.days for ref in window if ref.table == ACTIVITY):
        rows = open_select(con, lake, _INPUTS[1], [TableRef(ACTIVITY, (active,))], []).to_arrow_table()
        of_rows = pc.index_in(pair_keys(rows["platform"], rows["account_id"]), value_set=keys)
        rhythm.add(active, of_rows.to_numpy(), rows)
    contents, words, languages, links, network = (
        open_select(con, lake, path, window, []).to_arrow_table() for path in _INPUTS[2:]
    )
    of_languages, top = traits.language_traits(n, languages)
    found = (
        profile_traits(accounts, top, day)
        | rhythm.traits(accounts)
        | traits.text_traits(accounts, contents, words, top)
        | traits.network_traits(accounts, network)
        | of_languages
        | traits.link_traits(n, links)
    )
    country, rule = countries_of(accounts["location"])
    made_by = pa.repeat(pa.scalar(traits.traits_hash()), n)
    rows = traits.traits_table(accounts, found, place_country=country, place_rule=rule, params_hash=made_by)
    return with_constants(rows, day=day)


def _told(rows: pa.Table, day: date) -> dict[str, Any]:
    """Of the latest as-of day: how much is known; no word that anybody wrote."""
    from sm_assets.analysis.place_lookup import lookup_version
    from sm_assets.analysis.traits import TRAITS
    from sm_assets.plots import account_traits  # draws with matplotlib

    by_platform = sorted(set(rows["platform"].to_pylist()))
    places = rows["place_rule"].to_pylist()
    return {
        "as_of": str(day),
        "distributions": dg.MetadataValue.md(account_traits.draw(rows)),
        "accounts": counts_table(
            {name: rows["platform"].to_pylist().count(name) for name in by_platform}, "platform", "accounts"
        ),
        "countries_by_place": counts_table(
            {str(rule): places.count(rule) for rule in sorted(set(places) - {None})}, "rule", "accounts"
        ),
        "places": lookup_version(),
        "known": counts_table({name: len(rows) - rows[name].null_count for name in TRAITS}, "trait", "accounts"),
    }
