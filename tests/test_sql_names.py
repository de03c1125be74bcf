"""The names kept of each SELECT are those that DuckDB finds; of a changed one they are found anew."""

from __future__ import annotations

from pathlib import Path

from sm_assets.defs import sql_names


def test_the_file_is_current() -> None:
    assert sql_names.render() == sql_names.FILE.read_text(encoding="utf-8"), (
        "A SELECT below sql/ changed: run python -m sm_assets.defs.sql_names (without it the definitions load slower)."
    )


def test_a_changed_select_is_parsed(tmp_path: Path) -> None:
    changed = tmp_path / "changed.sql"
    changed.write_text(
        "with a as (select 1 as x from here) select a.x from a inner join there on a.x = there.x", "utf-8"
    )
    assert sql_names.relation_names(changed) == {"here", "there"}
    changed.write_text("select 1 as x from elsewhere", "utf-8")
    assert sql_names.relation_names(changed) == {"elsewhere"}
