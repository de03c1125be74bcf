"""take_in_landing: landing files converted, nothing published.

Here: the job that the landing sensor asks for. Not here: when (`landing_sensor`), conversion (`sm_assets.sources`).
"""

from functools import cache
from typing import Any

import dagster as dg
from pydantic import Field

from sm_assets.defs.partitions import first_and_last_day
from sm_assets.errors import OptionError, SmAssetsError
from sm_assets.sources import SOURCES
from sm_assets.sources.intake import take_in
from sm_assets.sources.pending import waiting
from sm_assets.sources.taken import Intake, spans
from sm_assets.storage import Lake

TAKE_IN_LANDING = "take_in_landing"
TAKE_IN_FILES = "take_in_files"
_NAMED = 3


class TakeInConfig(dg.Config):
    """Whose files are taken in."""

    sources: list[str] = Field(default=[], description="Names of sources, as crowdtangle; none: all.")


@cache
def take_in_job(lake: Lake) -> dg.JobDefinition:
    """The job over one lake; the same one whenever it is asked for, as the sensor names it too."""

    @dg.op(name=TAKE_IN_FILES, out=dg.Out(dg.Nothing))
    def take_in_files(context: dg.OpExecutionContext, config: TakeInConfig) -> None:
        """Convert what is new under landing/, reuse the rest, write down which days are affected."""
        unknown = sorted(set(config.sources) - set(SOURCES))
        if unknown:
            raise OptionError(f"sources names {', '.join(unknown)}; known are {', '.join(sorted(SOURCES))}.")
        intakes: list[Intake] = []
        failures: list[SmAssetsError] = []
        for name in config.sources or SOURCES:
            try:
                intakes.append(take_in(lake, name, context.log.info))
            except SmAssetsError as error:
                # Whoever delivers for one platform must not wait for files of another to be mended.
                context.log.warning("%s: %s", name, error)
                failures.append(error)
        context.add_output_metadata(_metadata(lake, intakes))
        for intake in intakes:
            for path, why in {**intake.unknown, **intake.unusable}.items():
                context.log.warning("set aside: %s: %s", path, why)
        if failures:
            raise failures[0]

    @dg.job(
        name=TAKE_IN_LANDING,
        description="Converts new and changed landing files, one by one, and writes down which days they affect. "
        "Tables stay as they are until refresh_days runs over these days.",
    )
    def job() -> None:
        take_in_files()

    return job


def _metadata(lake: Lake, intakes: list[Intake]) -> dict[str, Any]:
    lines = ["| source | files | converted | reused | set aside | affected days |", "|---|---:|---:|---:|---:|---|"]
    for intake in intakes:
        files, new, unused = len(intake.files), len(intake.converted), len(intake.unknown) + len(intake.unusable)
        days = spans(intake.affected) or "none"
        lines.append(f"| {intake.source.name} | {files} | {new} | {files - new} | {unused} | {days} |")
    aside = [f"- `{path}`: {why}" for i in intakes for path, why in {**i.unknown, **i.unusable}.items()]
    named = aside[:_NAMED] + [f"- and {len(aside) - _NAMED} more; the log names them"] * (len(aside) > _NAMED)
    waits = waiting(lake, *first_and_last_day(lake.settings))
    found: dict[str, Any] = {
        "files_converted": sum(len(intake.converted) for intake in intakes),
        "files_reused": sum(len(intake.files) - len(intake.converted) for intake in intakes),
        "files_set_aside": len(aside),
        "affected_days": spans({day for intake in intakes for day in intake.affected}, most=50) or "none",
        "waiting_days": spans(waits.days, most=50) or "none",
        "sources": dg.MetadataValue.md("\n".join(lines)),
    }
    if aside:
        found["set_aside"] = dg.MetadataValue.md("\n".join(named))
    if waits.vanished:
        found["vanished"] = dg.MetadataValue.md("\n".join(f"- {text}" for text in waits.vanished_in_words()))
    return found
