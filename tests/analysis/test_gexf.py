"""GEXF: read back by networkx it is the graph that went in, whatever the names are."""

from __future__ import annotations

import io
from itertools import pairwise
from typing import Any
from xml.etree import ElementTree as ET

import networkx as nx
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sm_assets.analysis.gexf import gexf
from sm_assets.errors import KernelError

NODE_SCHEMA = pa.schema(
    {
        "platform": pa.string(), "account_id": pa.string(), "community_id": pa.string(), "status": pa.string(),
        "stability": pa.float64(), "strength": pa.float64(), "n_neighbours": pa.int64(),
        "second_community_id": pa.string(), "second_share": pa.float64(), "n_followers": pa.int64(),
        "display_name": pa.string(), "handle": pa.string(), "x": pa.float64(), "y": pa.float64(),
    }
)  # fmt: skip
EDGE_SCHEMA = pa.schema(
    {
        "platform": pa.string(), "account_id_a": pa.string(), "account_id_b": pa.string(), "jaccard": pa.float64(),
        "n_shared": pa.int64(),
    }
)  # fmt: skip
VIZ = "{http://www.gexf.net/1.2draft/viz}"
HOSTILE = [
    "$$$ Deals $$$", '<script>alert("x")</script>', "\u05e9\u05dc\u05d5\u05dd \u202e abc", "\U0001f9ff\U0001f600",
    "x" * 500, "a\x00b", "", "  ", "]]> &amp; & ' \"", "tab\tnew\nline\r", "\ufffe\uffff", "\x0b\x1f\x7f",
]  # fmt: skip


def node(account_id: str, **values: object) -> dict[str, object]:
    plain: dict[str, object] = {
        "platform": "bluesky", "account_id": account_id, "community_id": None, "status": "isolated", "stability": 1.0,
        "strength": 0.0, "n_neighbours": 0, "n_followers": 100, "display_name": None, "handle": None,
        "x": 0.0, "y": 0.0,
    }  # fmt: skip
    return plain | values


def edge(a: str, b: str, jaccard: float | None = 0.5, n_shared: int | None = None, platform: str = "bluesky") -> Any:
    return {"platform": platform, "account_id_a": a, "account_id_b": b, "jaccard": jaccard, "n_shared": n_shared}


def document(nodes: list[dict[str, object]], edges: list[dict[str, object]]) -> bytes:
    return gexf(pa.Table.from_pylist(nodes, NODE_SCHEMA), pa.Table.from_pylist(edges, EDGE_SCHEMA))


def read(data: bytes) -> nx.Graph:
    return nx.read_gexf(io.BytesIO(data))


def test_networkx_reads_what_went_in() -> None:
    graph = read(
        document(
            [
                node("1", community_id="bluesky:1", status="member", stability=0.875, n_followers=2**40,
                     display_name="One & only", handle="one.example", x=1.5, y=-2.25),
                node("2", community_id="bluesky:1", status="member", n_followers=99, handle="two.example"),
                node("3", x=None, y=float("nan"), stability=float("nan")),
                node("1", platform="twitter", status="small"),
            ],
            [edge("2", "1", 0.1 + 0.2, 2**33), edge("3", "1", 0.25)],
        )
    )  # fmt: skip
    assert set(graph) == {"bluesky:1", "bluesky:2", "bluesky:3", "twitter:1"}
    assert not graph.is_directed()
    first = dict(graph.nodes["bluesky:1"])
    viz = first.pop("viz")
    assert first == {
        "label": "One & only", "platform": "bluesky", "display_name": "One & only", "handle": "one.example",
        "community_id": "bluesky:1", "status": "member", "stability": 0.875, "n_followers": 2**40,
    }  # fmt: skip
    assert viz["position"] == {"x": 1.5, "y": -2.25, "z": 0.0}
    opaque = {"a": 1.0}  # what networkx says where the document says nothing
    assert viz["color"] == {"r": 0x00, "g": 0x72, "b": 0xB2} | opaque
    assert viz["size"] > graph.nodes["bluesky:2"]["viz"]["size"] > 2
    assert graph.nodes["bluesky:2"]["label"] == "two.example"
    assert graph.nodes["bluesky:2"]["viz"]["color"] == viz["color"]
    third = graph.nodes["bluesky:3"]
    assert third["label"] == "3"
    assert not {"community_id", "stability", "display_name", "handle"} & set(third)
    assert "position" not in third["viz"]
    assert third["viz"]["color"] == {"r": 0xCB, "g": 0xD2, "b": 0xD9} | opaque
    assert graph.edges["bluesky:1", "bluesky:2"]["weight"] == 0.1 + 0.2
    assert graph.edges["bluesky:1", "bluesky:2"]["n_shared"] == 2**33
    assert graph.edges["bluesky:1", "bluesky:3"]["weight"] == 0.25
    assert "n_shared" not in graph.edges["bluesky:1", "bluesky:3"]
    assert graph.number_of_edges() == 2


def test_colours_have_no_alpha_and_tell_communities_apart() -> None:
    nodes = [
        node(f"{number}-{member}", community_id=f"bluesky:{number}-0", status="member")
        for number in range(30)
        for member in range(33 - number)
    ]
    root = ET.fromstring(document(nodes, []))  # noqa: S314  our own document
    colours = [element.attrib for element in root.iter(f"{VIZ}color")]
    assert len(colours) == len(nodes)
    assert all(set(colour) == {"r", "g", "b"} for colour in colours)
    assert all(0 <= int(part) <= 255 for colour in colours for part in colour.values())
    assert len({tuple(colour.values()) for colour in colours}) == 30


def test_ranks_of_communities_are_counted_per_platform() -> None:
    graph = read(
        document(
            [node(str(n), community_id="bluesky:0") for n in range(3)]
            + [node(str(n), platform="twitter", community_id="twitter:0") for n in range(2)],
            [],
        )
    )
    assert graph.nodes["bluesky:0"]["viz"]["color"] == graph.nodes["twitter:0"]["viz"]["color"]


def test_hostile_names_pass() -> None:
    nodes = [
        node(f"id {n}", display_name=name, handle=name, community_id=f"bluesky:{name}", status="member")
        for n, name in enumerate(HOSTILE)
    ]
    graph = read(document(nodes, [edge("id 0", "id 11"), edge("id 2", "id 1")]))
    assert len(graph) == len(HOSTILE)
    read_back = {name: graph.nodes[f"bluesky:id {n}"] for n, name in enumerate(HOSTILE)}
    for name in HOSTILE[:5] + HOSTILE[8:9]:
        assert read_back[name]["display_name"] == name
        assert read_back[name]["label"] == " ".join(name.split())
    assert read_back["a\x00b"]["display_name"] == "ab"
    assert read_back["tab\tnew\nline\r"]["display_name"] == "tab\tnew\nline\r"
    assert read_back["tab\tnew\nline\r"]["label"] == "tab new line"
    assert read_back[""]["label"] == "id 6"
    assert read_back["\ufffe\uffff"]["label"] == "id 10"
    assert graph.number_of_edges() == 2


def test_ids_of_any_form_stay_apart() -> None:
    ids = [*HOSTILE, "ab", "ab#2", "a\x01b"]
    graph = read(document([node(name) for name in ids], [edge("a\x00b", "ab", 0.125), edge("", "a\x01b", 0.75)]))
    assert len(graph) == len(ids)
    assert graph.edges["bluesky:ab", "bluesky:ab#3"]["weight"] == 0.125
    assert graph.edges["bluesky:", "bluesky:ab#4"]["weight"] == 0.75


def test_same_rows_same_bytes_in_any_order() -> None:
    nodes = [node(str(n), community_id=f"bluesky:{n % 7}", x=n / 3, y=-n / 7) for n in range(40)]
    edges = [edge(str(n), str((n * 3 + 1) % 40), n / 41, n) for n in range(40) if (n * 3 + 1) % 40 != n]
    edges = list({frozenset((e["account_id_a"], e["account_id_b"])): e for e in edges}.values())
    first = document(nodes, edges)
    turned = [edge(e["account_id_b"], e["account_id_a"], e["jaccard"], e["n_shared"]) for e in reversed(edges)]
    assert document(nodes[::-1], turned) == first
    assert b"date" not in first.lower()


def test_empty_graph() -> None:
    assert len(read(document([], []))) == 0
    assert len(read(document([node("1")], []))) == 1


@pytest.mark.parametrize(
    ("nodes", "edges", "said"),
    [
        (["1", "1"], [], "stands more often"),
        (["1", "2"], [edge("1", "2"), edge("2", "1")], "each pair"),
        (["1"], [edge("1", "1")], "itself"),
        (["1", "2"], [edge("1", "3")], "none of the 2 nodes"),
        (["1", "2"], [edge("1", "2", platform="twitter")], "'twitter', '1'"),
        (["1", "2"], [edge("1", "2", None)], "finite"),
        (["1", "2"], [edge("1", "2", float("inf"))], "finite"),
    ],
)
def test_what_is_no_graph_is_refused(nodes: list[str], edges: list[dict[str, object]], said: str) -> None:
    with pytest.raises(KernelError, match=said):
        document([node(name) for name in nodes], edges)


@given(names=st.lists(st.text(st.characters(exclude_categories=["Cs"])), unique=True, max_size=8))
@settings(max_examples=60, deadline=None)
def test_any_text_is_well_formed(names: list[str]) -> None:
    pairs = [edge(a, b) for a, b in pairwise(names)]
    graph = read(document([node(name, display_name=name, handle=name[::-1]) for name in names], pairs))
    assert len(graph) == len(names)
    assert graph.number_of_edges() == len(pairs)
