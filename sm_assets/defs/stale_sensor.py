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
from sm_assets.defs.day_checks import FRESH, UP_TO_DATE, judgements
from sm_assets.defs.footers import state
from sm_assets.storage import Lake

NAME: Final = "stale"
EVERY_SECONDS: Final = 600
_PASSED: Final = "SUCCEEDED"
_FAILED: Final = "FAILED"


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
        known: dict[str, str] = before.get("told", {})
        marks = _marks(context.instance, lake)
        # A mark that a run or a person set meanwhile is compared too.
        as_told = all(known.get(name, "")[:1] == str(int(passed)) for name, passed in marks.items())
        if before.get("seen") == seen and as_told:
            return dg.SkipReason("No table, landing file or code changed since the last look.")
        judged = judgements(lake, today)
        told: dict[str, str] = {f"{table}/{name}": _text(found) for (table, name), found in judged.items()}
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
            if lake.has_files(table)
            and (
                known.get(f"{table}/{name}") != told[f"{table}/{name}"]
                or marks.get(f"{table}/{name}", found.passed) != found.passed
            )
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


def _marks(instance: dg.DagsterInstance, lake: Lake) -> dict[str, bool]:
    """`<table>/<check>` -> whether its newest outcome that Dagster shows is a pass; those without one are left out."""
    keys = [
        dg.AssetCheckKey(dg.AssetKey(table), name)
        for table in TABLES
        if lake.has_files(table)
        for name in (UP_TO_DATE, FRESH)
    ]
    found = instance.event_log_storage.get_latest_asset_check_execution_by_key(keys) if keys else {}
    return {
        f"{key.asset_key.to_user_string()}/{key.name}": record.status.value == _PASSED
        for key, record in found.items()
        if record.status.value in (_PASSED, _FAILED)
    }


def _text(found: dg.AssetCheckResult) -> str:
    """Passed or not as 1 or 0, then a digest of all that is told."""
    said = " ".join(f"{name}={value!r}" for name, value in found.metadata.items())
    return f"{int(found.passed)}{_digest(said)}"


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()
