"""How well models of account attributes meet the demo world's truth, trained on its label file alone, as JSON.

    python benchmarks/attribute_quality.py [--scale 1] [--seed 7] [--grid quick|full] [--folder DIR]

From landing through Dagster to out_account_attributes of the last day. For kind and country: figures over outer folds
(published), values of accounts against the truth, those that no label names apart (held_out), the same labels dealt
out at random (shuffled), and operators split over folds (parted: that score must be higher; it is never published).
The truth judges and trains nothing. Folder: keeps the data root, and goes on from a run that is there. Exit code 1: a
line is not met, by name in `missed`.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

import dagster as dg
import numpy as np
import pyarrow.compute as pc

from sm_assets.analysis.attribute_training import Labelled, TrainingOptions, train
from sm_assets.analysis.traits import TRAITS
from sm_assets.contracts import TABLES
from sm_assets.defs.attribute_training import LABELS_OF_DAY, OF_TRAITS, labelled_accounts
from sm_assets.defs.run import materialise_range
from sm_assets.defs.sql import open_select, upstreams
from sm_assets.defs.windows import snapshot_refs
from sm_assets.demo import World
from sm_assets.settings import Settings
from sm_assets.storage import Lake

TRUTH = {"kind": "nature", "country": "country_code"}
FEATURES = ("feat_post_language", "feat_account_language", "feat_account_content", "feat_account_activity")
LABELS = ("feat_account_labels", "feat_account_label_rejects")
RESULTS = ("out_attribute_models", "out_attribute_curves", "out_account_attributes")
MACRO_F1, ECE, COVERAGE, RIGHT, CHANCE, SHUFFLED_COVERAGE = 0.9, 0.05, 0.6, 0.9, 0.05, 0.05
LEAK = 0.005
"""By how much macro F1 must be higher with operators on both sides; less may be how the folds fell."""
SLACK = 0.01
"""By how much errors may rise where less is given: one wrong value more or less among the surest is chance."""


def tables() -> list[str]:
    """Every table up to the attributes of accounts."""
    base = [name for name, table in TABLES.items() if table.layer in ("raw", "stg", "core")]
    networks = [name for name in TABLES if name.startswith("out_cosharing_")]
    return [*base, *FEATURES, *LABELS, *networks, OF_TRAITS, *RESULTS]


def run(settings: Settings, first: date, last: date, grid: str) -> None:
    """Materialise the features of all days, then the snapshot of the last one.

    Raises:
        SystemExit: a check failed.
    """
    config = {"ops": {"train_attributes": {"config": {"grid": grid}}}}
    snapshot = [name for name in tables() if name.startswith("out_") and TABLES[name].partition == "as_of"]
    with dg.DagsterInstance.ephemeral() as instance:
        for chosen, start in (([name for name in tables() if name not in snapshot], first), (snapshot, last)):
            done = materialise_range(
                settings, start, last, tables=chosen, run_config=config if start == last else None, instance=instance,
                raise_on_error=True, log_level="ERROR",
            )  # fmt: skip
            if not done:
                raise SystemExit("a check failed")


def given(lake: Lake, day: date, attribute: str, truth: dict[tuple[str, str], str | None]) -> dict[str, Any]:
    """Values of all accounts, and of those that no label names, against the truth."""
    with lake.connect() as con:
        lake.register(con, lake.ref("out_account_attributes", [day]))
        lake.register(con, lake.ref("feat_account_labels"))
        rows = con.sql(
            "select platform, account_id, a.value, reason, l.value is not null from out_account_attributes as a "
            "left join feat_account_labels as l using (platform, account_id, attribute) "
            f"where attribute = '{attribute}'"
        ).fetchall()
    found: dict[str, Any] = {}
    for name, chosen in (("all", rows), ("held_out", [row for row in rows if not row[4]])):
        told = [(value, truth.get((platform, account))) for platform, account, value, _, _ in chosen]
        spoken = [value == true for value, true in told if value is not None and true is not None]
        reasons = [row[3] or "given" for row in chosen]
        found[name] = {
            "accounts": len(chosen),
            "given": round(len(spoken) / max(len(chosen), 1), 4),
            "right": round(float(np.mean(spoken)), 4) if spoken else None,
            "reasons": {reason: reasons.count(reason) for reason in sorted(set(reasons))},
        }
    return found


def labels_of(lake: Lake, day: date, attribute: str) -> Labelled:
    """The labels as training takes them."""
    with lake.connect() as con:
        names = {*upstreams(LABELS_OF_DAY), OF_TRAITS}
        refs = snapshot_refs([lake.ref(name) for name in sorted(names)], day, lake.settings.window_days)
        labels = open_select(con, lake, LABELS_OF_DAY, refs, [day]).order("platform, account_id").to_arrow_table()
        traits = lake.register(con, lake.ref(OF_TRAITS, [day])).select("platform", "account_id", *TRAITS)
        usable = labels.filter(pc.and_(pc.equal(labels["attribute"], attribute), labels["has_traits"]))
        return labelled_accounts(usable, traits.to_arrow_table())


def judged(lake: Lake, day: date, attribute: str, truth: dict[tuple[str, str], str | None]) -> dict[str, Any]:
    """All lines of one attribute."""
    with lake.connect() as con:
        for name in ("out_attribute_models", "out_attribute_curves"):
            lake.register(con, lake.ref(name, [day]))
        rows = con.sql(f"select * from out_attribute_models where attribute = '{attribute}'").to_arrow_table()
        curve = con.sql(
            "select x, test_score from out_attribute_curves join out_attribute_models using (attribute, model_id, day) "
            f"where attribute = '{attribute}' and chosen and curve = 'risk_coverage' order by x"
        ).fetchall()
    values = given(lake, day, attribute, truth)
    models = rows.to_pylist()
    best = next((row for row in models if row["chosen"]), None)
    if best is None:
        return {"model": None, "values": values, "met": {"model": False}}
    labelled = labels_of(lake, day, attribute)
    options = TrainingOptions(models=(best["algorithm"],))
    threads = lake.settings.threads
    mixed = replace(labelled, labels=np.random.default_rng(1).permutation(labelled.labels))
    shuffled = train(mixed, options, threads=threads).chosen.scores
    grouped = train(labelled, options, threads=threads).chosen.scores
    parted = train(labelled, replace(options, part_groups=True), threads=threads).chosen.scores
    names = ("macro_f1", "balanced_accuracy", "ece", "coverage", "precision_at_coverage")
    met = {
        "macro_f1": best["macro_f1"] >= MACRO_F1,
        "ece": best["ece"] <= ECE,
        "coverage": best["coverage"] >= COVERAGE,
        "right": (best["precision_at_coverage"] or 0) >= RIGHT,
        "shuffled": abs(shuffled.balanced_accuracy - 1 / len(np.unique(labelled.labels))) <= CHANCE
        and shuffled.coverage <= SHUFFLED_COVERAGE,
        "leak": parted.macro_f1 >= grouped.macro_f1 + LEAK,
        "abstention": abstention_helps([right for _, right in curve]),
    }
    return {
        "labels": best["n_labels"],
        "groups": best["n_groups"],
        "models": {row["algorithm"]: {name: _short(row[name]) for name in names} for row in models},
        "chosen": best["algorithm"],
        "values": values,
        "shuffled": {"balanced_accuracy": _short(shuffled.balanced_accuracy), "coverage": _short(shuffled.coverage)},
        "macro_f1_grouped": _short(grouped.macro_f1),
        "macro_f1_parted": _short(parted.macro_f1),
        "met": {name: bool(value) for name, value in met.items()},
    }


def abstention_helps(right: Sequence[float]) -> bool:
    """Whether values are wrong less often the fewer are given.

    Args:
        right: shares of right values, the share of given ones rising to all.
    """
    rises = [later - before for before, later in pairwise(right)]
    return bool(right) and max(rises, default=0.0) <= SLACK and right[0] >= right[-1]


def missed(found: dict[str, Any]) -> list[str]:
    """Lines that are not met, as attribute and name."""
    return [f"{name}: {line}" for name in TRUTH for line, met in found[name]["met"].items() if not met]


def _short(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def main() -> int:
    """Measure and print; 1 where a line is not met."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=7, help="of the demo world")
    parser.add_argument("--grid", choices=("quick", "full"), default="quick")
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    world = World(options.seed, options.scale)
    with nullcontext(options.folder) if options.folder else tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        settings = Settings.from_env({}, data_root=str(root), start_day=world.first_day)
        lake = Lake(settings)
        start = time.perf_counter()
        if not lake.days("out_account_attributes"):
            world.write(root)
            run(settings, world.first_day, world.last_day, options.grid)
        found: dict[str, Any] = {"chain_s": round(time.perf_counter() - start, 1)}
        for attribute, column in TRUTH.items():
            rows = world.truth_accounts().to_pylist()
            truth = {(row["platform"], row["account_id"]): row[column] for row in rows}
            found[attribute] = judged(lake, world.last_day, attribute, truth)
    found["missed"] = missed(found)
    print(json.dumps(found, indent=1))
    return 1 if found["missed"] else 0


if __name__ == "__main__":
    sys.exit(main())
