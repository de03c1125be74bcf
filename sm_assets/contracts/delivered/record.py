"""What a source says of one kind of record that its files hold.

Here: `Record`. Not here: the tables made of it (`sm_assets.contracts.raw`).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Record:
    """One kind of record; its table is `raw_<source>__<name>`.

    Attributes:
        name: plural, as `posts`.
        description: of the table.
        grain: one row is ...
        columns: what comes between position and day, divided by spaces, `?` behind what may be null. A name is first
            looked up among the source's own columns, then among those that all tables share.
        day: what the partition day means.
    """

    name: str
    description: str
    grain: str
    columns: str
    day: str
