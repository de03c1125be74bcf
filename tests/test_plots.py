"""Figures: well-formed, the same bytes for the same table, small enough for the UI, honest about emptiness."""

from __future__ import annotations

import base64
import re
import subprocess
import sys
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from xml.etree import ElementTree as ET

import pyarrow as pa
import pytest

from sm_assets.plots import canvas, network_graph, network_sizes, rows_by_source, shares_over_time

ODD_NAME = 'A & B <script>alert("x")</script> $100 $ \u65e5\u672c\u8a9e \x0b\x00 \ud83d'.encode(
    "utf-8", "replace"
).decode()
MEMBER_SCHEMA = pa.schema(
    {
        "platform": pa.string(), "account_id": pa.string(), "cluster_id": pa.int64(), "display_name": pa.string(),
        "handle": pa.string(), "followers": pa.int64(), "language": pa.string(), "n_shared_contents": pa.int64(),
    }
)  # fmt: skip
PAIR_SCHEMA = pa.schema(
    {
        "platform_a": pa.string(), "account_id_a": pa.string(), "platform_b": pa.string(), "account_id_b": pa.string(),
        "n_shared": pa.int64(), "damped_npmi": pa.float64(),
    }
)  # fmt: skip
CLUSTER_SCHEMA = pa.schema(
    {
        "cluster_id": pa.int64(), "cluster_size": pa.int64(), "n_contents": pa.int64(), "cluster_lang": pa.string(),
        "seed_platform": pa.string(), "seed_account_id": pa.string(), "top_domain": pa.string(),
    }
)  # fmt: skip
DAILY_SCHEMA = pa.schema({"day": pa.date32(), "cluster_id": pa.int64(), "n_posts": pa.int64()})


def members(*sizes: int, outsiders: int = 3) -> pa.Table:
    rows = []
    for network, size in [*enumerate(sizes), (None, outsiders)]:
        rows += [
            {
                "platform": "facebook",
                "account_id": f"{network}-{n}",
                "cluster_id": network,
                "display_name": ODD_NAME if n == 0 else (f"Page {network} {n}" if n % 2 else None),
                "handle": f"page.{n}",
                "followers": None if n == 1 else 10 ** (n % 7),
                "language": "en",
                "n_shared_contents": 20,
            }
            for n in range(size)
        ]
    return pa.Table.from_pylist(rows, MEMBER_SCHEMA)


def pairs(*sizes: int) -> pa.Table:
    rows = [
        {
            "platform_a": "facebook", "account_id_a": f"{network}-{a}",
            "platform_b": "facebook", "account_id_b": f"{network}-{b}",
            "n_shared": 2 + (a * b) % 9, "damped_npmi": 0.5,
        }
        for network, size in enumerate(sizes)
        for a in range(size)
        for b in range(a + 1, size)
    ]  # fmt: skip
    return pa.Table.from_pylist(rows, PAIR_SCHEMA)


def clusters(*sizes: int) -> pa.Table:
    rows = [
        {
            "cluster_id": n, "cluster_size": size, "n_contents": 5 * size, "cluster_lang": "en" if n % 2 else None,
            "seed_platform": "facebook", "seed_account_id": f"{n}-0", "top_domain": "site.example",
        }
        for n, size in enumerate(sizes)
    ]  # fmt: skip
    return pa.Table.from_pylist(rows, CLUSTER_SCHEMA)


def daily(n_days: int, *networks: int | None) -> pa.Table:
    start = date(2024, 2, 20)
    rows = [
        {"day": start + timedelta(days=day), "cluster_id": network, "n_posts": 1 + (day * 7) % 11}
        for day in range(n_days)
        for network in networks
    ]
    return pa.Table.from_pylist(rows, DAILY_SCHEMA)


def fates(n_days: int, *sources: str) -> pa.Table:
    rows = [
        {"day": date(2024, 2, 20) + timedelta(days=day), "source": source, "disposition": what, "rows": 10 + day + k}
        for day in range(n_days)
        for source in sources
        for k, what in enumerate(("out", "duplicate", "withdrawn"))
    ]
    schema = pa.schema({"day": pa.date32(), "source": pa.string(), "disposition": pa.string(), "rows": pa.int64()})
    return pa.Table.from_pylist(rows, schema)


DRAWINGS: dict[str, Callable[[], str]] = {
    "sizes": lambda: network_sizes.draw(clusters(*range(40, 2, -1)), members(*range(40, 2, -1))),
    "sizes_one": lambda: network_sizes.draw(clusters(2)),
    "graph": lambda: network_graph.draw(members(70, 30, 14, 9, 5, 3, 2, 2, 2), pairs(70, 30, 14, 9, 5, 3, 2, 2, 2)),
    "graph_one": lambda: network_graph.draw(members(2), pairs(2)),
    "graph_without_pairs": lambda: network_graph.draw(members(20, 3), pairs()),
    "shares": lambda: shares_over_time.draw(daily(60, None, 0, 1, 2, 5, 8, 13, 21, 22)),
    "shares_one_day": lambda: shares_over_time.draw(daily(1, 4)),
    "rows": lambda: rows_by_source.draw(fates(28, "a", "b", "c", "d", "e"), {"rejected": 3, "ignored": 0}),
    "rows_one_day": lambda: rows_by_source.draw(fates(1, "a"), {}),
    "shares_no_network": lambda: shares_over_time.draw(daily(9, None)),
}


def svg(markdown: str) -> ET.Element:
    found = re.fullmatch(r"!\[([^\[\]]+)\]\(data:image/svg\+xml;base64,([A-Za-z0-9+/=]+)\)", markdown)
    assert found, markdown[:200]
    data = base64.b64decode(found[2])
    assert len(data) <= canvas.MAX_SVG_BYTES
    return ET.fromstring(data)  # noqa: S314  our own picture


@pytest.mark.parametrize("name", DRAWINGS)
def test_figure_is_well_formed_and_repeatable(name: str) -> None:
    first = DRAWINGS[name]()
    assert svg(first).tag == "{http://www.w3.org/2000/svg}svg"
    assert DRAWINGS[name]() == first


def texts(markdown: str) -> list[str]:
    return ["".join(element.itertext()) for element in svg(markdown).iter("{http://www.w3.org/2000/svg}text")]


def test_names_are_text_and_only_text() -> None:
    for name in ("sizes", "graph"):
        markdown = DRAWINGS[name]()
        assert not list(svg(markdown).iter("{http://www.w3.org/2000/svg}script"))
        assert any('A & B <script>alert("' in text for text in texts(markdown))


def test_captions_count() -> None:
    assert "38 networks with 817 accounts" in texts(DRAWINGS["sizes"]())
    assert "Not shown: 18 smaller ones of 3 to 20 accounts." in texts(DRAWINGS["sizes"]())
    assert "70 accounts, 60 shown" in texts(DRAWINGS["graph"]())
    assert "9 of 9 posts (100 %) carry a content that a network shares" not in texts(DRAWINGS["shares_no_network"]())
    assert "10 of 33 staged rows are in core" in texts(DRAWINGS["rows_one_day"]())
    assert "2024-02-20 to 2024-03-18; of the files' rows 3 rejected" in texts(DRAWINGS["rows"]())
    assert "network 4" in texts(DRAWINGS["shares_one_day"]())


@pytest.mark.parametrize(
    "markdown",
    [
        network_sizes.draw(clusters()),
        network_graph.draw(members(), pairs()),
        network_graph.draw(members(outsiders=0), pairs()),
        shares_over_time.draw(daily(0)),
        rows_by_source.draw(fates(0), {}),
    ],
)
def test_empty_input_is_said_not_drawn(markdown: str) -> None:
    assert "data:image" not in markdown
    assert re.fullmatch(r"\*\*.+\*\*: no (networks|posts|rows) in this window\.", markdown)


def test_rows_of_one_day_and_network_add_up() -> None:
    one = daily(5, 0, None)
    assert shares_over_time.draw(pa.concat_tables([one, one])) == shares_over_time.draw(
        one.set_column(2, "n_posts", pa.array([2 * n for n in one["n_posts"].to_pylist()], pa.int64()))
    )


def test_order_of_rows_does_not_matter() -> None:
    table, lines = members(30, 8), pairs(30, 8)
    turned = network_graph.draw(
        table.take(list(range(table.num_rows))[::-1]), lines.take(list(range(lines.num_rows))[::-1])
    )
    assert turned == network_graph.draw(table, lines)


def test_a_users_matplotlibrc_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "matplotlibrc").write_text("font.size: 31\nsvg.fonttype: path\naxes.grid: True\n")
    program = (
        "import sys; sys.path[:0] = [sys.argv[1], sys.argv[2]]\n"
        "from test_plots import DRAWINGS\nprint(DRAWINGS['sizes_one'](), end='')"
    )
    here = Path(__file__).parent
    done = subprocess.run(
        [sys.executable, "-c", program, str(here.parent), str(here)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == DRAWINGS["sizes_one"]()


def test_plots_import_nothing_heavy() -> None:
    program = (
        "import sys, sm_assets.plots.network_graph, sm_assets.plots.shares_over_time, sm_assets.plots.network_sizes; "
    )
    program += "print(sorted({'matplotlib', 'networkx', 'scipy'} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=Path(__file__).parents[1], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
