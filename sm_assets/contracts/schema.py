"""What a contract is: columns, tables, and the schemas and queries that follow from them.

Here: `Column`, `Table` and what is generated from them (Arrow and DuckDB schemas, the queries that find broken rows).
Not here: which columns and tables there are (`columns`, `raw`, `staging`, `core`, `features`, `outputs`), and where
files lie (`storage`).

The partition column `day` is part of every table but not of its files: it is the name of their folder
(`day=2021-07-05`), as DuckDB, Polars, pandas and Spark read it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

import pyarrow as pa

from sm_assets.errors import ContractError

DAY = "day"
PartitionKind = Literal["event", "as_of"]
Reach = Literal["window", "all_days"]

_ARROW: Mapping[str, pa.DataType] = {
    "text": pa.string(),
    "int64": pa.int64(),
    "int32": pa.int32(),
    "float64": pa.float64(),
    "bool": pa.bool_(),
    "timestamp": pa.timestamp("us"),
    "date": pa.date32(),
    "list<text>": pa.list_(pa.string()),
    "list<list<text>>": pa.list_(pa.list_(pa.string())),
    "list<int64>": pa.list_(pa.int64()),
    "list<float32>": pa.list_(pa.float32()),
    "list<float64>": pa.list_(pa.float64()),
    "uint64": pa.uint64(),
    # As many registers as the run's settings say; 128 unless they say otherwise.
    "signature": pa.list_(pa.field("register", pa.uint32(), nullable=False), 128),
}
_DUCKDB: Mapping[str, str] = {
    "text": "VARCHAR",
    "int64": "BIGINT",
    "int32": "INTEGER",
    "float64": "DOUBLE",
    "bool": "BOOLEAN",
    "timestamp": "TIMESTAMP",
    "date": "DATE",
    "list<text>": "VARCHAR[]",
    "list<list<text>>": "VARCHAR[][]",
    "list<int64>": "BIGINT[]",
    "list<float32>": "FLOAT[]",
    "list<float64>": "DOUBLE[]",
    "uint64": "UBIGINT",
    "signature": "UINTEGER[]",
}


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its name, type and meaning.

    Attributes:
        name: snake_case, the same in every table that has it.
        type: text, int64, int32, uint64, float64, bool, timestamp (microseconds, UTC), date, list<text>,
            list<list<text>>, list<int64>, list<float32>, list<float64>, signature (a list of uint32 of one
            length in the whole file) or struct.
        description: one plain sentence or two.
        unit: what one of it is (seconds, posts, ...); empty for texts.
        allowed: the only values it may take; empty: any.
        minimum: smallest value; None: any.
        maximum: largest value; None: any.
        nullable: may be null; set by the table.
        fields: the columns inside a struct.
    """

    name: str
    type: str
    description: str
    unit: str = ""
    allowed: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    nullable: bool = False
    fields: tuple[Column, ...] = ()

    @property
    def arrow_type(self) -> pa.DataType:
        """The Arrow type, structs included."""
        if self.type == "struct":
            return pa.struct([pa.field(inner.name, inner.arrow_type) for inner in self.fields])
        return _ARROW[self.type]

    @property
    def duckdb_type(self) -> str:
        """The DuckDB type as it is written in SQL."""
        if self.type == "struct":
            return "STRUCT(" + ", ".join(f'"{inner.name}" {inner.duckdb_type}' for inner in self.fields) + ")"
        return _DUCKDB[self.type]

    @property
    def arrow_field(self) -> pa.Field:
        """The Arrow field with description, unit and allowed values as metadata."""
        metadata = {"description": self.description}
        if self.unit:
            metadata["unit"] = self.unit
        if self.allowed:
            metadata["allowed"] = ", ".join(self.allowed)
        return pa.field(self.name, self.arrow_type, nullable=self.nullable, metadata=metadata)

    @property
    def rule(self) -> str:
        """SQL that is true for a value that breaks allowed values or bounds; empty: nothing can."""
        name = quoted(self.name)
        parts = []
        if self.allowed:
            values = ", ".join("'" + value.replace("'", "''") + "'" for value in self.allowed)
            value = f"len(list_filter({name}, lambda v: v not in ({values}))) > 0"
            parts.append(value if self.type == "list<text>" else f"{name} not in ({values})")
        if self.minimum is not None:
            parts.append(f"{name} < {self.minimum:.17g}")
        if self.maximum is not None:
            parts.append(f"{name} > {self.maximum:.17g}")
        return " or ".join(parts)


@dataclass(frozen=True, slots=True)
class Reference:
    """Every (non-null) `columns` of the table occur as `target_columns` of the table `target`.

    Attributes:
        scope: `day`: in the same day's partition; `table`: anywhere in the table.
    """

    columns: tuple[str, ...]
    target: str
    target_columns: tuple[str, ...]
    scope: Literal["day", "table"] = "day"


@dataclass(frozen=True, slots=True)
class Table:
    """One published table.

    Attributes:
        name: asset name = SQL file = folder in the lake = view in the catalogue.
        description: what it holds and for whom.
        grain: one row is ...
        key: columns that together are unique inside a day.
        columns: all columns in order, `day` last.
        partition: `event`: the day on which the event happened; `as_of`: the last day that a snapshot looks at.
        reach: how far a snapshot looks back: over the trailing window, or over all days.
        unique_over_days: the key without the day is unique over the whole table.
        references: what must be found in other tables.
        row_group: rows of a row group in its files; None: as storage has it.
        plain: columns whose values hardly repeat; they are written without a dictionary.
        kinds: labels for the asset graph, e.g. the engine that computes it.
        owners: who answers for it.
        version: raised when a change of the code gives other rows of the same inputs, so that what was made before
            shows as stale; where a SELECT makes the table, its text tells by itself.
    """

    name: str
    description: str
    grain: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    partition: PartitionKind = "event"
    reach: Reach = "window"
    unique_over_days: bool = False
    references: tuple[Reference, ...] = ()
    row_group: int | None = None
    plain: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ("duckdb", "parquet")
    owners: tuple[str, ...] = ("team:social-media",)
    version: int = 1
    by_name: Mapping[str, Column] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Refuse a table that contradicts itself.

        Raises:
            ContractError: a column twice, no day, a key column that is missing or may be null.
        """
        names = {column.name: column for column in self.columns}
        object.__setattr__(self, "by_name", names)
        problems = []
        if len(names) != len(self.columns):
            problems.append("a column is listed twice")
        if not self.columns or self.columns[-1].name != DAY or self.columns[-1].nullable:
            problems.append("the last column must be day, not null")
        for name in self.key:
            if name not in names:
                problems.append(f"key column {name} is missing")
            elif names[name].nullable:
                problems.append(f"key column {name} may be null")
        if not self.key or not self.grain or not self.description:
            problems.append("key, grain and description must be stated")
        if problems:
            raise ContractError(f"Contract of {self.name}: {'; '.join(problems)}.")

    @property
    def column_names(self) -> tuple[str, ...]:
        """All names in order, `day` last."""
        return tuple(column.name for column in self.columns)

    @property
    def layer(self) -> str:
        """raw, stg, core, feat or out."""
        return self.name.split("_", 1)[0]

    @property
    def day_means(self) -> str:
        """What the partition `day` is."""
        snapshot = "last day of a trailing window" if self.reach == "window" else "last day of all that is looked at"
        return "day of the event" if self.partition == "event" else snapshot

    @property
    def schema(self) -> pa.Schema:
        """Arrow schema of the table, `day` included."""
        return pa.schema([column.arrow_field for column in self.columns], metadata=self._metadata)

    @property
    def plain_schema(self) -> pa.Schema:
        """Names and types only, `day` included, everything nullable: what a stream on its way to publishing has."""
        return pa.schema([(column.name, column.arrow_type) for column in self.columns])

    def plain_schema_of(self, k: int) -> pa.Schema:
        """`plain_schema` with signatures of k registers."""
        registers = pa.list_(pa.field("register", pa.uint32(), nullable=False), k)
        return pa.schema([(c.name, registers if c.type == "signature" else c.arrow_type) for c in self.columns])

    @property
    def file_schema(self) -> pa.Schema:
        """Arrow schema of one file: the table without `day`, which the folder's name carries."""
        return pa.schema([column.arrow_field for column in self.columns if column.name != DAY], metadata=self._metadata)

    def file_schema_of(self, data: pa.Schema) -> pa.Schema:
        """`file_schema` with signatures as long as those of `data`."""
        schema = self.file_schema
        for column in self.columns:
            if column.type == "signature" and column.name in data.names:
                place = schema.get_field_index(column.name)
                schema = schema.set(place, schema.field(place).with_type(data.field(column.name).type))
        return schema

    @property
    def _metadata(self) -> dict[str, str]:
        return {"table": self.name, "description": self.description, "grain": self.grain, "key": ", ".join(self.key)}

    @property
    def sort_key(self) -> tuple[str, ...]:
        """Order of the rows inside a file: the key; rows of a day are thus in one order only."""
        return tuple(name for name in self.key if name != DAY)

    @property
    def full_key(self) -> tuple[str, ...]:
        """The key together with the day."""
        return (*self.sort_key, DAY)

    @property
    def key_in_words(self) -> str:
        """The key, and whether it is unique over all days."""
        reach = "" if DAY in self.key else " over all days" if self.unique_over_days else " within a day"
        return ", ".join(self.key) + reach

    def cast_sql(self, source: str) -> str:
        """SELECT that brings `source` into the columns and types of this table; a failing cast is an error."""
        columns = ",\n".join(f"    cast({quoted(c.name)} as {c.duckdb_type}) as {quoted(c.name)}" for c in self.columns)
        return f"select\n{columns}\nfrom {source}"

    def empty_sql(self) -> str:
        """SELECT of no row with the columns of this table."""
        columns = ", ".join(f"cast(null as {c.duckdb_type}) as {quoted(c.name)}" for c in self.columns)
        return f"select {columns} limit 0"

    def missing_from(self, names: Iterable[str]) -> tuple[list[str], list[str]]:
        """(columns that `names` lacks, columns that the contract does not know)."""
        found = set(names)
        return [n for n in self.column_names if n not in found], sorted(found - set(self.column_names))

    def rule_counts_sql(self, source: str, *, nulls: bool = True) -> str:
        """SELECT of one row: how many rows of `source` break each of the `rules`, one column per rule."""
        counts = [f"count(*) filter (where {test}) as {quoted(name)}" for name, test in self.rules(nulls=nulls)]
        return f"select {', '.join(counts)} from {source}"

    def rules(self, *, nulls: bool = True) -> list[tuple[str, str]]:
        """(`<column>/<rule>`, SQL that is true for a row that breaks it) for every rule inside a row.

        `nulls`: those about nulls too.
        """
        found = [(f"{c.name}/not_null", f"{quoted(c.name)} is null") for c in self.columns if nulls and not c.nullable]
        found += [(f"{c.name}/allowed", c.rule) for c in self.columns if c.rule]
        return found

    def duplicates_sql(self, source: str, *, over_days: bool = False) -> str:
        """SELECT of one number: keys that occur in more than one row of `source`."""
        key = ", ".join(quoted(name) for name in (self.sort_key if over_days else self.full_key))
        return f"select count(*) from (select 1 from {source} group by {key} having count(*) > 1)"

    def duplicate_days_sql(self, source: str) -> str:
        """SELECT of the days on which keys lie that occur on more than one, with the number of such rows."""
        key = ", ".join(quoted(name) for name in self.sort_key)
        over = f"select {DAY}, count(*) over (partition by {key}) as n from {source}"
        return f"select {DAY}, count(*) from ({over}) where n > 1 group by {DAY} order by {DAY}"


def quoted(name: str) -> str:
    """A name as SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def picker(registry: Mapping[str, Column]) -> Picker:
    """A `Picker` over all columns of `registry`."""
    return Picker(registry)


@dataclass(frozen=True, slots=True)
class Picker:
    """Takes columns out of the one registry: `pick("post_id text?", text="...")`."""

    registry: Mapping[str, Column]

    def __call__(self, names: str, **sharper: str) -> tuple[Column, ...]:
        """The named columns, in this order.

        Args:
            names: names divided by spaces; `?` behind a name: may be null. `a.b` is entry `a.b`, column `b`.
            sharper: description of a column in this table, where the general one is too general.

        Raises:
            ContractError: a name that is not in the registry, or a description of a column that is not picked.
        """
        wanted = [(name.removesuffix("?"), name.endswith("?")) for name in names.split()]
        unknown = [name for name, _ in wanted if name not in self.registry]
        if unknown:
            raise ContractError(f"No column {', '.join(unknown)} in contracts/columns.py; define it there first.")
        picked = [replace(self.registry[name], nullable=nullable) for name, nullable in wanted]
        stray = set(sharper) - {column.name for column in picked}
        if stray:
            raise ContractError(f"Descriptions of columns that are not picked: {', '.join(sorted(stray))}.")
        return tuple(replace(c, description=sharper.get(c.name, c.description)) for c in picked)
