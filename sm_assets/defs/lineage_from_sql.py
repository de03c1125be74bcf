"""Column lineage read out of the SQL files: `python -m sm_assets.defs.lineage_from_sql` writes sql/column_lineage.json.

Here: from which columns of which tables each column of a SQL table takes its values, through common table expressions,
shared SELECTs and judgements. Not here: what the UI is shown of it (`column_lineage`). Needs sqlglot, which only those
need who change a SELECT.

Lineage is about values: what is only filtered, joined, grouped or ordered by is not in it. Whatever is not
understood is an error, so that nothing is said that is not so.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from sm_assets.contracts import TABLES
from sm_assets.defs import sql
from sm_assets.defs.column_lineage import FILE
from sm_assets.errors import ContractError

if TYPE_CHECKING:
    from sqlglot import exp

Origins: TypeAlias = frozenset[tuple[str, str]]
Columns: TypeAlias = Mapping[str, Origins]

_NOWHERE: Origins = frozenset()
# Relations that a run brings along: they are no tables, and what they hold is no column of one.
_BROUGHT = (sql.REQUESTED, sql.RUN_SETTINGS, sql.TEXT_RULES, sql.WANTED_POSTS, sql.HASHTAG_RULES, sql.SUGGESTION_FORMS)
_CLAUSES = {"with_", "expressions", "from_", "joins", "where", "group", "windows", "distinct"}
_GROUPS = {"expressions", "all"}


class UnknownSql(ContractError):
    """A SELECT has something that lineage does not understand."""


class _Anything(dict[str, Origins]):
    """Columns of a relation that is no table: any name, from nowhere."""

    def __contains__(self, name: object) -> bool:
        return True

    def __getitem__(self, name: str) -> Origins:
        return _NOWHERE


@dataclass(frozen=True, slots=True)
class Lineage:
    """What a SELECT takes from where.

    Attributes:
        columns: its columns in order, each with the columns of tables that its values come from.
        chosen_by: columns of tables that decide which rows values come from: filters, joins, groups, orders.
    """

    columns: Columns
    chosen_by: Origins


@dataclass(slots=True)
class _Reader:
    """Reads one SQL file; `judged` are the columns of the judgement that belongs to it."""

    place: str
    judged: Lineage | None
    chosen_by: set[tuple[str, str]] = field(default_factory=set)

    def query(self, node: exp.Expr, known: Mapping[str, Columns]) -> Columns:
        from sqlglot import exp

        inside = dict(known)
        clause = node.args.get("with_")
        for step in clause.expressions if clause else ():
            inside[step.alias] = self.query(step.this, inside)
        if isinstance(node, exp.Subquery):
            return self.query(node.this, inside)
        if isinstance(node, exp.Union):
            return self._union(node, inside)
        if isinstance(node, exp.Select):
            return self._select(node, inside)
        raise self.unknown(node)

    def _union(self, node: exp.Union, known: Mapping[str, Columns]) -> Columns:
        left, right = self.query(node.left, known), self.query(node.right, known)
        if node.args.get("by_name"):
            names = [*left, *(name for name in right if name not in left)]
            return {name: left.get(name, _NOWHERE) | right.get(name, _NOWHERE) for name in names}
        if len(left) != len(right):
            raise self.unknown(node)
        return {name: left[name] | origins for name, origins in zip(left, right.values(), strict=True)}

    def _select(self, node: exp.Select, known: Mapping[str, Columns]) -> Columns:
        extra = sorted(name for name, value in node.args.items() if value and name not in _CLAUSES)
        group = node.args.get("group")
        extra += sorted(name for name, value in group.args.items() if value and name not in _GROUPS) if group else []
        if extra:
            raise self.unknown(node, f"{', '.join(extra)} of a SELECT")
        sources: dict[str, Columns] = {}
        filters: dict[str, Columns] = {}
        conditions: list[exp.Expr] = [node.args["where"].this] if node.args.get("where") else []
        if node.args.get("from_"):
            self._add(sources, node.args["from_"].this, known)
        for join in node.args.get("joins") or ():
            if join.args.get("using") or join.method:
                raise self.unknown(join)
            one_sided = {join.kind, join.side} & {"SEMI", "ANTI"}
            self._add(filters if one_sided else sources, join.this, known)
            conditions += [join.args["on"]] if join.args.get("on") else []
        windows = {window.name.lower(): window for window in node.args.get("windows") or ()}
        scope = _Scope(self, known, sources, windows)
        for projection in node.expressions:
            for name, origins in scope.projected(projection):
                if name in scope.aliases:
                    raise self.unknown(projection, f"{name} twice in one SELECT")
                scope.aliases[name] = origins
        choosing = _Scope(self, known, sources | filters, windows, scope.aliases)
        for condition in [*conditions, *_row_makers(node)]:
            self.chosen_by |= choosing.origins(condition)
        return scope.aliases

    def _add(self, sources: dict[str, Columns], node: exp.Expr, known: Mapping[str, Columns]) -> None:
        from sqlglot import exp

        if isinstance(node, exp.Subquery):
            columns = self.query(node.this, known)
        elif isinstance(node, exp.Table) and isinstance(node.this, exp.Identifier) and not node.args.get("joins"):
            columns = self._relation(node.name, known)
        else:
            raise self.unknown(node)
        if not node.alias_or_name or node.alias_or_name in sources:
            raise self.unknown(node, "a relation without a name of its own")
        sources[node.alias_or_name] = columns

    def _relation(self, name: str, known: Mapping[str, Columns]) -> Columns:
        if name in known:
            return known[name]
        if name == sql.JUDGED and self.judged is not None:
            self.chosen_by |= self.judged.chosen_by
            return self.judged.columns
        if name in _BROUGHT:
            return _Anything()
        table = name.removesuffix(sql.ALL_DAYS)
        if table in TABLES:
            return {column: frozenset({(table, column)}) for column in TABLES[table].column_names}
        shared = of_file(sql.SQL_ROOT / "shared" / f"{name}.sql")
        self.chosen_by |= shared.chosen_by
        return shared.columns

    def unknown(self, node: exp.Expr, what: str = "") -> UnknownSql:
        text = " ".join(node.sql(dialect="duckdb").split())
        return UnknownSql(f"{self.place}: lineage does not understand {what or type(node).__name__} in: {text[:300]}")


@dataclass(slots=True)
class _Scope:
    """What the names inside one SELECT mean."""

    reader: _Reader
    known: Mapping[str, Columns]
    sources: Mapping[str, Columns]
    windows: Mapping[str, Any]
    aliases: dict[str, Origins] = field(default_factory=dict)

    def projected(self, node: exp.Expr) -> Iterable[tuple[str, Origins]]:
        from sqlglot import exp

        if isinstance(node, exp.Star):
            yield from self._star(node, self.sources.values())
        elif isinstance(node, exp.Column) and isinstance(node.this, exp.Star):
            if node.table not in self.sources:
                raise self.reader.unknown(node)
            yield from self._star(node.this, [self.sources[node.table]])
        elif isinstance(node, exp.Alias | exp.Column | exp.Dot):
            yield node.output_name, self.origins(node)
        else:
            raise self.reader.unknown(node, "a column without a name")

    def _star(self, node: exp.Star, sources: Iterable[Columns]) -> Iterable[tuple[str, Origins]]:
        if node.args.get("rename") or node.args.get("ilike"):
            raise self.reader.unknown(node)
        left_out = {name.name for name in node.args.get("except_") or ()}
        replaced = {alias.alias: self.origins(alias.this) for alias in node.args.get("replace") or ()}
        for columns in sources:
            if isinstance(columns, _Anything):
                raise self.reader.unknown(node, "a star over a relation that is no table")
            for name, origins in columns.items():
                if name not in left_out:
                    yield name, replaced.get(name, origins)

    def origins(self, node: exp.Expr) -> Origins:
        """Columns of tables that an expression takes values from."""
        from sqlglot import exp

        if isinstance(node, exp.Column):
            return self._column(node)
        if isinstance(node, exp.Query):
            return frozenset[tuple[str, str]]().union(*self.reader.query(node, self.known).values())
        if isinstance(node, exp.Order):
            self.reader.chosen_by |= self._united(node.iter_expressions())
            return _NOWHERE
        if isinstance(node, exp.Window):
            return self._window(node)
        refused = isinstance(node, exp.Exists | exp.WithinGroup | exp.Columns)
        if refused or (isinstance(node, exp.Star) and not isinstance(node.parent, exp.Count)):
            raise self.reader.unknown(node)
        return self._united(node.iter_expressions())

    def _united(self, nodes: Iterable[exp.Expr]) -> Origins:
        return frozenset[tuple[str, str]]().union(*(self.origins(node) for node in nodes))

    def _window(self, node: exp.Expr) -> Origins:
        """What a window function reads; over which rows, and in which order, is a choice of rows."""
        name = node.args["alias"].name.lower() if node.args.get("alias") else None
        if name and name not in self.windows:
            raise self.reader.unknown(node)
        for over in [node, *([self.windows[name]] if name else [])]:
            parts = [*(over.args.get("partition_by") or ()), *([over.args["order"]] if over.args.get("order") else [])]
            self.reader.chosen_by |= self._united(parts)
        return self.origins(node.this)

    def _column(self, node: exp.Column) -> Origins:
        from sqlglot import exp

        parts = [part.name for part in node.parts]
        if node.find_ancestor(exp.Lambda) and any(parts[0] in _parameters(up) for up in _lambdas(node)):
            return _NOWHERE
        if len(parts) > 1 and parts[0] in self.sources and parts[1] in self.sources[parts[0]]:
            return self.sources[parts[0]][parts[1]]
        holders = [columns for columns in self.sources.values() if parts[0] in columns]
        if len(holders) == 1:
            return holders[0][parts[0]]
        if not holders and parts[0] in self.aliases:
            return self.aliases[parts[0]]
        raise self.reader.unknown(node, f"{'.'.join(parts)}, in {len(holders)} relations,")


def _row_makers(node: exp.Select) -> Iterable[exp.Expr]:
    """What a SELECT groups by, keeps apart, or makes several rows of."""
    from sqlglot import exp

    group = node.args.get("group")
    if group and not group.args.get("all"):
        yield from group.expressions
    if node.args.get("distinct") or (group and group.args.get("all")):
        yield from (part for part in node.expressions if not part.find(exp.AggFunc))
    yield from (part for part in node.expressions if part.find(exp.Explode))


def _lambdas(node: exp.Expr) -> Iterable[exp.Expr]:
    from sqlglot import exp

    up = node.find_ancestor(exp.Lambda)
    while up is not None:
        yield up
        up = up.find_ancestor(exp.Lambda)


def _parameters(node: exp.Expr) -> set[str]:
    return {parameter.name for parameter in node.expressions}


@cache
def of_file(path: Path, judgement: Path | None = None) -> Lineage:
    """Lineage of the SELECT in a file.

    Raises:
        UnknownSql: it has something that is not understood.
    """
    import sqlglot

    reader = _Reader(path.name, of_file(judgement) if judgement else None)
    columns = reader.query(sqlglot.parse_one(path.read_text(encoding="utf-8"), dialect="duckdb"), {})
    return Lineage(columns, frozenset(reader.chosen_by))


def of_table(table: str) -> Lineage:
    """Lineage of a SQL table, its judgement included.

    Raises:
        UnknownSql: its SELECT has something that is not understood, or other columns than the contract.
    """
    found = of_file(sql.table_files()[table], sql.judgement_file(table))
    promised = TABLES[table].column_names
    missing = sorted(set(promised) - set(found.columns))
    if missing or len(found.columns) != len(promised):
        raise UnknownSql(f"{table}: lineage finds {', '.join(found.columns)}, the contract has {', '.join(promised)}.")
    return Lineage({name: found.columns[name] for name in promised}, found.chosen_by)


def render() -> str:
    """Lineage of all SQL tables as JSON."""
    tables = {
        table: {name: [f"{t}.{c}" for t, c in sorted(origins)] for name, origins in of_table(table).columns.items()}
        for table in sorted(sql.table_files())
    }
    return json.dumps(tables, indent=1) + "\n"


def main() -> None:
    """Write sql/column_lineage.json."""
    FILE.write_text(render(), encoding="utf-8")


if __name__ == "__main__":
    main()
