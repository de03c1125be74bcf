"""Asset checks: the list of all of them, and the rule by which they block.

Here: which checks a table has, in as few steps as can be. Not here: the checks themselves: contracts
(`contract_checks`), landing files (`landing_checks`), what is usual (`usual_checks`), clusters (`cluster_checks`),
models (`attribute_checks`), SELECTs of broken rows (`sql_checks`), days that are outdated or missing (`day_checks`).

Storage has held each partition to its contract before it was published. Checks look at what is published: over all
days, across tables, beside the days before.

    warn     what may be true all the same: unusual days, odd sizes, assumptions. Never holds anything back.
    error    what cannot be true. Told, and the run goes on, unless it
    block    would be copied unseen into other tables and files: keys, nulls, values and references of core, from which
             all else is made; withdrawn accounts among the members of a snapshot, from which texts and exports go out;
             sums of the ingest report that do not close. What is made from the table is then skipped in this run, and
             all that is published stays as it was.

An error does not block where the run that mends it would be held back with it, or where good tables would wait for a
bad file: files that cannot be read, withdrawn rows on other days (`no_withdrawn_rows`, which reads what is made from
core and names the days to make again), checks of results, which nothing or little is made from. A check that blocks
reads nothing that is made from its table.
"""

import dagster as dg

from sm_assets.contracts import TABLES, Table
from sm_assets.defs.attribute_checks import stale_labels_group
from sm_assets.defs.attribute_stored import MODELS
from sm_assets.defs.checking import Group, one_step
from sm_assets.defs.cluster_checks import current_links_group, persona_sizes_group, size_groups
from sm_assets.defs.cluster_sources import LINKS
from sm_assets.defs.clustering_record import PERSONAS
from sm_assets.defs.contract_checks import contract_group
from sm_assets.defs.day_checks import day_checks
from sm_assets.defs.landing_checks import landing_checks, staging_checks
from sm_assets.defs.sql_checks import blocking_group, checked_tables, together_group
from sm_assets.defs.usual_checks import language_groups, rows_group
from sm_assets.sources import SOURCES
from sm_assets.storage import Lake

_OF_ONE = {PERSONAS: persona_sizes_group}
_TOGETHER = {LINKS: current_links_group, MODELS: stale_labels_group}


def all_checks(lake: Lake) -> list[dg.AssetChecksDefinition]:
    """Every check over one lake."""
    return [
        *(one_step(f"check_{table.name}", _groups(lake, table)) for table in TABLES.values()),
        *(landing_checks(lake, name) for name in SOURCES),
        *(staging_checks(lake, name) for name in SOURCES),
        *(one_step(f"check_together_{name}", _groups_together(lake, name)) for name in checked_tables()),
        *day_checks(lake),
    ]


def _groups(lake: Lake, table: Table) -> list[Group]:
    """Checks that read the table and what it is made from, so that they may block: one step for each table."""
    return [
        contract_group(lake, table),
        blocking_group(lake, table),
        rows_group(lake, table),
        *language_groups(lake, table),
        *size_groups(lake, table),
        *(make(lake) for name, make in _OF_ONE.items() if name == table.name),
    ]


def _groups_together(lake: Lake, name: str) -> list[Group]:
    """Checks that may also read what is made from the table."""
    return [
        together_group(lake, TABLES[name]),
        *(make(lake) for other, make in _TOGETHER.items() if other == name),
    ]
