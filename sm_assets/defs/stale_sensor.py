"""The sensor `stale`: tells in the UI which tables are outdated or end too early, without a run.

Here: when it looks, and what it tells again. Not here: what is found (`day_checks`). It starts nothing: people
materialise the days that it names.
"""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from typing import Any, Final

import dagster as dg

from sm_assets.contracts import TABLES
from sm_assets.defs.code_versions import code_version
from sm_assets.defs.day_checks import judgements
from sm_assets.defs.footers import state
from sm_assets.storage import Lake

NAME: Final = "stale"
EVERY_SECONDS: Final = 600


def stale_sensor(lake: Lake) -> dg.SensorDefinition:
    """The sensor over one lake; off until somebody switches it on."""

    @dg.sensor(
        name=NAME,
        minimum_interval_seconds=EVERY_SECONDS,
        default_status=dg.DefaultSensorStatus.STOPPED,
        description="Tells which days are outdated (check up_to_date) or missing (check fresh), soon after a late "
        "file, another run or new code made them so. It starts no run.",
    )
    def stale(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        today = datetime.now(UTC).date()
        before: dict[str, Any] = json.loads(context.cursor or "{}")
        codes = "".join(map(code_version, TABLES))
        seen = f"{state(lake)} {_digest(codes)} {today}"
        if before.get("seen") == seen:
            return dg.SkipReason("No table, landing file or code changed since the last look.")
        judged = judgements(lake, today)
        told: dict[str, str] = {f"{table}/{name}": _text(found) for (table, name), found in judged.items()}
        known = before.get("told", {})
        # A table that nobody has made needs no mark.
        news = [
            dg.AssetCheckEvaluation(
                asset_key=dg.AssetKey(table),
                check_name=name,
                passed=found.passed,
                metadata=found.metadata,
                severity=found.severity,
                description=found.description,
            )
            for (table, name), found in judged.items()
            if known.get(f"{table}/{name}") != told[f"{table}/{name}"] and lake.has_files(table)
        ]
        cursor = json.dumps({"seen": seen, "told": told}, separators=(",", ":"))
        failed = sum(not each.passed for each in news)
        return dg.SensorResult(
            asset_events=news,
            cursor=cursor,
            skip_reason=f"Told {len(news)} checks anew, {failed} of them failed: see the checks of the tables."
            if news
            else "What changed makes no table outdated or current.",
        )

    return stale


def _text(found: dg.AssetCheckResult) -> str:
    return _digest(f"{found.passed} " + " ".join(f"{name}={value!r}" for name, value in found.metadata.items()))


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()
