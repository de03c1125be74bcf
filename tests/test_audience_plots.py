"""Figures of audiences: what they say is what the tables hold, whatever the names are, within the UI's bytes."""

from __future__ import annotations

import base64
import re
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sm_assets.plots import audience_graph, audience_map, canvas, community_sizes
from sm_assets.plots import audience_look as look

MEMBER_SCHEMA = pa.schema(
    {
        "platform": pa.string(), "account_id": pa.string(), "community_id": pa.string(), "status": pa.string(),
        "n_followers": pa.int64(), "display_name": pa.string(), "handle": pa.string(),
    }
)  # fmt: skip
PAIR_SCHEMA = pa.schema(
    {"platform": pa.string(), "account_id_a": pa.string(), "account_id_b": pa.string(), "jaccard": pa.float64()}
)
PLACE_SCHEMA = pa.schema({"platform": pa.string(), "account_id": pa.string(), "x": pa.float64(), "y": pa.float64()})
COMMUNITY_SCHEMA = pa.schema(
    {
        "platform": pa.string(), "community_id": pa.string(), "n_members": pa.int64(), "stability": pa.float64(),
        "anchor_account_id": pa.string(), "top_member_ids": pa.list_(pa.string()),
        "top_member_names": pa.list_(pa.string()), "label_terms": pa.list_(pa.string()),
    }
)  # fmt: skip
HOSTILE = [
    "$$$ Deals $$$", '<script>alert("x")</script>', "\u05e9\u05dc\u05d5\u05dd \u202eabc", "\U0001f9ff\U0001f600 joy",
    "x" * 500, "a\x00b & c", "", "  \x00 ", "\u202e\u2066", "]]> --> &amp;", "\\frac{1}{0} $x_", "e\u0301" * 90,
]  # fmt: skip
SVG = "{http://www.w3.org/2000/svg}"


def members(*sizes: int, loose: int = 0, platform: str = "bluesky", names: list[str] | None = None) -> pa.Table:
    """Community c has the accounts c.0, c.1, ...; c.0 is the anchor."""
    rows = [
        {
            "platform": platform, "account_id": f"{home}.{n}",
            "community_id": f"{platform}:{home}.0" if home is not None else None,
            "status": "member" if home is not None else "isolated", "n_followers": 100 * 10 ** (n % 5),
            "display_name": (names[n % len(names)] if names else f"Name {home}.{n}"), "handle": f"handle.{n}",
        }
        for home, size in [*enumerate(sizes), (None, loose)]
        for n in range(size)
    ]  # fmt: skip
    return pa.Table.from_pylist(rows, MEMBER_SCHEMA)


def pairs(*sizes: int, platform: str = "bluesky") -> pa.Table:
    """Everybody with everybody in a community, and the anchors of neighbouring ones."""
    ends = [(f"{home}.{a}", f"{home}.{b}") for home, size in enumerate(sizes) for b in range(size) for a in range(b)]
    ends += [(f"{home}.0", f"{home + 1}.0") for home in range(len(sizes) - 1)]
    rows = [
        {"platform": platform, "account_id_a": a, "account_id_b": b, "jaccard": 0.05 + (7 * n % 90) / 100}
        for n, (a, b) in enumerate(ends)
    ]
    return pa.Table.from_pylist(rows, PAIR_SCHEMA)


def places(table: pa.Table, scale: float = 1.0) -> pa.Table:
    ids = table.select(["platform", "account_id"]).to_pylist()
    side = int(np.ceil(np.sqrt(len(ids))))
    return pa.Table.from_pylist(
        [row | {"x": n % side * scale, "y": n // side * scale} for n, row in enumerate(ids)], PLACE_SCHEMA
    )


def community(name: str, n_members: int, stability: float | None, **values: Any) -> dict[str, Any]:
    plain = {
        "platform": "bluesky", "community_id": f"bluesky:{name}", "n_members": n_members, "stability": stability,
        "anchor_account_id": name, "top_member_ids": ["other", name], "top_member_names": ["Other", f"Name {name}"],
        "label_terms": ["running", "trail"],
    }  # fmt: skip
    return plain | values


def communities(*rows: dict[str, Any]) -> pa.Table:
    return pa.Table.from_pylist(list(rows), COMMUNITY_SCHEMA)


def many_communities(count: int) -> pa.Table:
    return communities(*(community(str(n), 1_000 // (n + 1), 0.5 + n % 6 / 10) for n in range(count)))


def svg(markdown: str) -> ET.Element:
    found = re.fullmatch(r"!\[([^\[\]]+)\]\(data:image/svg\+xml;base64,([A-Za-z0-9+/=]+)\)", markdown)
    assert found, markdown[:200]
    data = base64.b64decode(found[2])
    assert len(data) <= canvas.MAX_SVG_BYTES
    root = ET.fromstring(data)  # noqa: S314  our own picture
    assert not list(root.iter(f"{SVG}script"))
    return root


def texts(markdown: str) -> list[str]:
    return ["".join(element.itertext()) for element in svg(markdown).iter(f"{SVG}text")]


def dots(markdown: str) -> dict[str, int]:
    """How many dots there are of each colour, those of the legend included; rims and holes are left out."""
    root = svg(markdown)
    counts = {f"#{path.get('id')}": path.get("d", "").count("h0") for path in root.iter(f"{SVG}path")}
    found: dict[str, int] = {}
    for use in root.iter(f"{SVG}use"):
        target, colour = use.get("{http://www.w3.org/1999/xlink}href"), use.get("stroke")
        if target in counts and colour and colour not in {"#ffffff", canvas.INK}:
            found[colour] = found.get(colour, 0) + counts[target]
    return found


BIG = (140, 60, 30, 20, 12, 9, 7, 5, 4, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3)
SEVERAL = ("bluesky", "twitter", "tiktok", "facebook", "instagram")
DRAWINGS: dict[str, Callable[[], str]] = {
    "graph": lambda: audience_graph.draw(members(*BIG, loose=50), pairs(*BIG)),
    "graph_pair": lambda: audience_graph.draw(members(2), pairs(2)),
    "graph_several": lambda: audience_graph.draw(
        pa.concat_tables([members(20, 5, 3, platform=name) for name in SEVERAL]),
        pa.concat_tables([pairs(20, 5, 3, platform=name) for name in SEVERAL]),
    ),
    "map": lambda: audience_map.draw(members(*BIG, loose=50), places(members(*BIG, loose=50))),
    "map_one": lambda: audience_map.draw(members(1), places(members(1))),
    "map_several": lambda: audience_map.draw(
        pa.concat_tables([members(20, 5, 3, loose=4, platform=name) for name in SEVERAL]),
        pa.concat_tables([places(members(20, 5, 3, loose=4, platform=name)) for name in SEVERAL]),
    ),
    "sizes": lambda: community_sizes.draw(many_communities(33)),
    "sizes_one": lambda: community_sizes.draw(many_communities(1)),
}


@cache
def drawing(name: str) -> str:
    return DRAWINGS[name]()


@pytest.mark.parametrize("name", DRAWINGS)
def test_figure_is_well_formed_and_repeatable(name: str) -> None:
    first = drawing(name)
    assert svg(first).tag == f"{SVG}svg"
    assert DRAWINGS[name]() == first


def test_order_of_rows_and_direction_of_pairs_do_not_matter() -> None:
    table, lines = members(30, 8, 4, loose=5), pairs(30, 8, 4)
    back = list(range(table.num_rows))[::-1]
    turned = lines.take(list(range(lines.num_rows))[::-1]).rename_columns(
        ["platform", "account_id_b", "account_id_a", "jaccard"]
    )
    both = pa.concat_tables([lines, turned.select(lines.column_names)])
    assert audience_graph.draw(table.take(back), both) == audience_graph.draw(table, lines)
    spots = places(table)
    assert audience_map.draw(table.take(back), spots.take(back)) == audience_map.draw(table, spots)
    rows = many_communities(25)
    assert community_sizes.draw(rows.take(list(range(25))[::-1])) == community_sizes.draw(rows)


def test_graph_shows_the_strongest_pairs_and_their_anchors() -> None:
    strong = [("0.1", "0.2", 0.9), ("0.2", "0.3", 0.8), ("1.4", "1.5", 0.7), ("None.0", "None.1", 0.6)]
    weak = [("2.0", "2.1", 0.1), ("0.5", "1.6", 0.2)]
    lines = pa.Table.from_pylist(
        [dict(zip(PAIR_SCHEMA.names, ("bluesky", *row), strict=True)) for row in weak + strong], PAIR_SCHEMA
    )
    drawn = audience_graph.draw(members(10, 9, 8, loose=3), lines, max_pairs=4)
    said = texts(drawn)
    assert "Who shares whose audience, bluesky: the 4 strongest of 6 pairs" in said
    # Once at the anchor's dot, once in the legend; the third community has no pair among the strongest.
    assert said.count("Name 0.0") == said.count("Name 1.0") == 2
    assert "Name 2.0" not in said
    assert "4 of 10" in said
    assert "3 of 9" in said
    assert {"0.60 to 0.70", "0.70 to 0.80", "0.80 to 0.90"} <= set(said)
    # Three dots, the anchor, the legend; and two dots, the anchor, the legend.
    found = dots(drawn)
    assert found[look.STYLES[0].colour] == 5
    assert found[look.STYLES[1].colour] == 4
    assert found[canvas.QUIET] == 3
    everything = audience_graph.draw(members(10, 9, 8, loose=3), lines)
    assert "Who shares whose audience, bluesky: 6 pairs" in texts(everything)
    assert "Name 2.0" in texts(everything)


def test_graph_of_several_platforms_names_them_and_those_left_out() -> None:
    said = texts(drawing("graph_several"))
    drawn = sorted(SEVERAL)[:4]
    assert set(drawn) <= set(said)
    assert "Not drawn: twitter." in said
    assert not [text for text in texts(drawing("graph")) if text == "bluesky"]


def test_communities_never_cross_platforms() -> None:
    # The same account ids on two platforms: no pair of one is taken for one of the other.
    table = pa.concat_tables([members(4, platform="bluesky"), members(4, platform="twitter")])
    said = texts(audience_graph.draw(table, pairs(4, platform="twitter")))
    assert "Who shares whose audience: 6 pairs" not in said
    assert "Who shares whose audience, twitter: 6 pairs" in said
    assert "4 of 4" in said


def test_pairs_that_cannot_be_drawn_are_left_out() -> None:
    rows = [("bluesky", "0.0", "0.1", 0.5), ("bluesky", "0.0", "gone", 0.9), ("bluesky", "0.0", "0.2", None),
            ("bluesky", "0.1", "0.2", float("nan")), ("bluesky", "0.1", "0.1", 0.9),
            ("twitter", "0.0", "0.1", 0.9)]  # fmt: skip
    lines = pa.Table.from_pylist([dict(zip(PAIR_SCHEMA.names, row, strict=True)) for row in rows], PAIR_SCHEMA)
    assert "Who shares whose audience, bluesky: 1 pair" in texts(audience_graph.draw(members(5), lines))


def test_worst_graph_keeps_to_the_bytes() -> None:
    # Three hundred pairs that have nothing to do with each other, and the longest names.
    names = ["\u6f22\u5b57" * 250, "W&<" * 100]
    sizes = (2,) * 320
    drawn = audience_graph.draw(members(*sizes, names=names), pairs(*sizes).slice(0, 320))
    assert any("the 300 strongest of 320 pairs" in text for text in texts(drawn))


def test_map_draws_everyone_once() -> None:
    table = members(300, 40, 7, loose=53)
    drawn = audience_map.draw(table, places(table))
    assert "bluesky: 400 influencers in 3 communities" in texts(drawn)
    found = dots(drawn)
    assert [found[look.STYLES[n].colour] for n in range(3)] == [301, 41, 8]
    assert found[canvas.QUIET] == 54
    assert found[canvas.FAINT] == 2  # the legend of sizes
    assert {"300", "40", "7", "53", "without community"} <= set(texts(drawn))


def test_map_of_many_communities_greys_the_small_ones() -> None:
    table = members(*range(60, 20, -1))
    drawn = audience_map.draw(table, places(table))
    assert dots(drawn)[canvas.FAINT] == sum(range(44, 20, -1)) + 1 + 2
    assert "24 smaller communities" in texts(drawn)


def test_map_counts_those_without_a_place() -> None:
    table = members(10, loose=2)
    spots = places(table).slice(0, 9).to_pylist()
    spots[0]["x"], spots[1]["y"] = float("nan"), None
    drawn = audience_map.draw(table, pa.Table.from_pylist(spots, PLACE_SCHEMA))
    assert "bluesky: 7 influencers in 1 community (5 without a place)" in texts(drawn)
    assert dots(drawn)[look.STYLES[0].colour] == 8


@pytest.mark.parametrize("scale", [0.0, 1e-200, 1e-9, 1e9, 1e200])
def test_map_takes_any_unit(scale: float) -> None:
    table = members(30, 9)
    drawn = audience_map.draw(table, places(table, scale))
    numbers = [
        float(x) for path in svg(drawn).iter(f"{SVG}path") for x in re.findall(r"-?\d+\.?\d*", path.get("d", ""))
    ]
    assert max(map(abs, numbers)) < 1e4
    if scale >= 1e-9:
        assert drawn == audience_map.draw(table, places(table, 1.0))


def test_map_of_twenty_thousand_keeps_to_the_bytes_and_loses_nobody() -> None:
    table = members(*(10_000 // (n + 3) for n in range(12)), loose=2_500)
    assert table.num_rows > 19_000
    found = dots(audience_map.draw(table, places(table)))
    # Neighbours of one look may become one dot; nearly all are there.
    assert sum(found.values()) > 0.95 * table.num_rows


def test_names_on_the_map_do_not_meet() -> None:
    with canvas.figure(look.WIDTH, 5) as drawn:
        axes = look.sheet(drawn)
        rng = np.random.default_rng(2)
        wanted = [
            (look.Dot(float(x), float(y), 20.0, look.OTHERS), f"Name {n}")
            for n, (x, y) in enumerate(rng.random((400, 2)) * (6.5, 4.5))
        ]
        bounds = (0.0, 0.0, 6.6, 4.6)
        boxes = look.labels(axes, wanted, bounds, limit=80)
        assert 40 < len(boxes) <= 80
        assert len(axes.texts) == len(boxes)
        assert wanted[0][1] == axes.texts[0].get_text()
        named = {text.get_text() for text in axes.texts}
        for dot, name in wanted:
            assert name not in named or not any(b[0] < dot.x < b[2] and b[1] < dot.y < b[3] for b in boxes)
    for n, box in enumerate(boxes):
        assert bounds[0] <= box[0] < box[2] <= bounds[2]
        assert bounds[1] <= box[1] < box[3] <= bounds[3]
        for other in boxes[:n]:
            assert box[2] <= other[0] or other[2] <= box[0] or box[3] <= other[1] or other[3] <= box[1]


def test_names_avoid_dots_where_they_can() -> None:
    with canvas.figure(look.WIDTH, 5) as drawn:
        axes = look.sheet(drawn)
        named = look.Dot(3.0, 3.0, 20.0, look.OTHERS)
        above = look.Dot(3.0, 3.13, 20.0, look.OTHERS)
        bounds = (0.0, 0.0, 6.6, 4.6)
        assert look.labels(axes, [(named, "abc")], bounds, limit=1)[0][1] > 3.0
        assert look.labels(axes, [(named, "abc")], bounds, limit=1, free=[above])[0][3] < 3.0


def test_sizes_count_and_mark_the_unstable() -> None:
    rows = communities(
        community("a", 1_200, 0.7499), community("b", 30, 0.75), community("c", 7, None),
        community("d", 3, 1.0, top_member_ids=["x"], top_member_names=["X"]),
    )  # fmt: skip
    said = texts(community_sizes.draw(rows))
    assert "bluesky: 4 communities with 1,240 influencers" in said
    assert next(text for text in said if text.startswith("named")).endswith("2 of 4 reach 0.75")
    # Just below the line is not rounded up to it.
    assert "0.74  unstable" in said
    assert "0.75" in said
    assert "unknown" in said
    assert "Name a" in said
    assert "d" in said  # the anchor is none of the largest: its id
    assert said.count("running \u00b7 trail") == 4
    assert [text for text in said if "unstable" in text] == ["0.74  unstable"]
    assert not [text for text in said if text.startswith("Not shown")]


def test_sizes_cut_wide_names_and_words() -> None:
    wide = "\u6f22" * 60
    rows = communities(
        community("a", 9, 0.9, top_member_names=["", wide], label_terms=[wide] * 5),
        community("b", 8, 0.9, platform="twitter"),
    )
    found = [text for text in texts(community_sizes.draw(rows)) if "\u6f22" in text]
    assert len(found) == 2
    assert look.text_width(found[0], 8.5) < 3
    assert look.text_width(found[1], 7) < 3


def test_sizes_say_what_is_not_shown() -> None:
    assert "Not shown: 13 smaller ones of 30 to 47 members." in texts(drawing("sizes"))
    said = texts(community_sizes.draw(communities(*(community(str(n), 5, 0.9) for n in range(22)))))
    assert "Not shown: 2 smaller ones of 5 members." in said
    both = communities(community("a", 9, 0.9), community("b", 8, 0.9, platform="twitter"))
    assert {"bluesky", "twitter"} <= set(texts(community_sizes.draw(both)))


def test_sizes_take_communities_without_words_and_names() -> None:
    rows = communities(
        community("a", 5, 0.8, label_terms=[], top_member_ids=[], top_member_names=[]),
        community("b", 4, 0.8, label_terms=None, top_member_ids=None, top_member_names=None),
    )
    assert {"a", "b"} <= set(texts(community_sizes.draw(rows)))


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_pass(name: str) -> None:
    table = members(12, 4, loose=3, names=[name])
    shown = look.plain(name, 22) or "handle.0"
    for drawn in (audience_graph.draw(table, pairs(12, 4)), audience_map.draw(table, places(table))):
        said = texts(drawn)
        assert any(text[:4] == shown[:4] for text in said), said
        assert not any(character in text for text in said for character in "\u202e\u2066\x00")
    rows = communities(
        community("a", 5, 0.8, top_member_names=["Other", name], label_terms=[name, name, "plain"]),
        community(name, 4, 0.3),
    )
    said = texts(community_sizes.draw(rows))
    assert any("plain" in text or text.endswith("\u2026") for text in said)


def test_names_fall_back_to_handle_and_id() -> None:
    assert look.name_of({"display_name": " \x00", "handle": "h", "account_id": "1"}) == "h"
    assert look.name_of({"display_name": None, "handle": "\u202e", "account_id": "1"}) == "1"
    assert look.name_of({"display_name": None, "handle": None, "account_id": "\x00"}) == "(no name)"


def test_texts_are_cut_to_a_width() -> None:
    for text in ("short", "W" * 40, "\u6f22" * 40, "i" * 200, ""):
        cut = look.fitted(text, 1.0, 7)
        assert look.text_width(cut, 7) <= 1.0
        assert cut == text or cut.endswith("\u2026")
    assert look.fitted("short", 1.0, 7) == "short"


def test_styles_are_unlike_and_stay_with_the_rank() -> None:
    ranked = [str(n) for n in range(40)]
    assert look.styles(ranked, ranked, 16) == dict(zip(ranked, look.STYLES, strict=False))
    given = look.styles(["30", "3", "31", "0", "32"], ranked, 4)
    assert given["3"] == look.STYLES[3]
    assert given["0"] == look.STYLES[0]
    assert set(given) == {"30", "3", "31", "0"}
    assert len(set(given.values())) == 4


@given(data=st.data())
@settings(max_examples=12, deadline=None)
def test_any_tables_can_be_drawn(data: st.DataObject) -> None:
    accounts = data.draw(
        st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=8), unique=True, max_size=9)
    )
    rows = [
        {
            "platform": "bluesky", "account_id": account, "status": "member",
            "community_id": data.draw(st.none() | st.sampled_from([f"bluesky:{other}" for other in accounts])),
            "n_followers": data.draw(st.none() | st.integers(-1, 2**62)),
            "display_name": data.draw(st.none() | st.text(max_size=12)), "handle": None,
        }
        for account in accounts
    ]  # fmt: skip
    ends = st.sampled_from(accounts) if accounts else st.nothing()
    lines = data.draw(st.lists(st.tuples(ends, ends, st.floats()), max_size=12)) if accounts else []
    table = pa.Table.from_pylist(rows, MEMBER_SCHEMA)
    listed = [dict(zip(PAIR_SCHEMA.names, ("bluesky", *line), strict=True)) for line in lines]
    for drawn in (
        audience_graph.draw(table, pa.Table.from_pylist(listed, PAIR_SCHEMA)),
        audience_map.draw(table, places(table)),
    ):
        if "data:image" in drawn:
            svg(drawn)


def test_nothing_to_draw_is_said() -> None:
    none, some = members(), members(5, loose=2)
    graph, sizes, chart = audience_graph.draw, community_sizes.draw, audience_map.draw
    assert graph(none, pairs()) == f"**{audience_graph.TITLE}**: no influencers on this day."
    assert graph(some, pairs()) == (
        f"**{audience_graph.TITLE}**: no two influencers share more of their audiences than chance explains."
    )
    assert chart(none, places(none)) == f"**{audience_map.TITLE}**: no influencers on this day."
    assert chart(some, places(none)) == f"**{audience_map.TITLE}**: no influencer has a place."
    assert sizes(communities()) == f"**{community_sizes.TITLE}**: no communities on this day."


def test_importing_is_light() -> None:
    program = (
        "import sys, sm_assets.plots.audience_graph, sm_assets.plots.audience_map, sm_assets.plots.community_sizes\n"
        "print(sorted({'matplotlib', 'networkx', 'scipy'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=Path(__file__).parents[1], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
