"""Graphs of influencers as GEXF, the XML that Gephi, Gephi Lite and networkx read.

Here: the document, version 1.2draft (the one that all three read). Not here: coordinates (`graph_layout`), files.

Colours are r, g, b without alpha: some viewers ignore a colour that has one. There is no date in the document, so the
same tables give the same bytes, in whatever order their rows come.
"""

from __future__ import annotations

import re
from collections import Counter
from colorsys import hls_to_rgb
from math import isfinite, log10
from typing import Any, Final
from xml.sax.saxutils import quoteattr

import pyarrow as pa

from sm_assets.errors import KernelError

NODE_ATTRIBUTES: Final = (
    ("platform", "string"),
    ("display_name", "string"),
    ("handle", "string"),
    ("community_id", "string"),
    ("status", "string"),
    ("stability", "double"),
    ("n_followers", "long"),
)

# Okabe and Ito's colours, as in our figures, for the largest communities of a platform.
_COLOURS: Final = (
    (0x00, 0x72, 0xB2),
    (0xD5, 0x5E, 0x00),
    (0x00, 0x9E, 0x73),
    (0xCC, 0x79, 0xA7),
    (0xE6, 0x9F, 0x00),
    (0x56, 0xB4, 0xE9),
    (0x7B, 0x5E, 0xA7),
    (0x8C, 0x6D, 0x46),
)
_NO_COMMUNITY: Final = (0xCB, 0xD2, 0xD9)
_NOT_XML: Final = re.compile("[^\\t\\n\\r\\x20-\\ud7ff\\ue000-\\ufffd\\U00010000-\\U0010ffff]")

Row = dict[str, Any]
Key = tuple[str, str]


def gexf(nodes: pa.Table, edges: pa.Table) -> bytes:
    """The graph as a GEXF document in UTF-8.

    A node is named `<platform>:<account_id>`; its label is the display name, else the handle, else the account id. Its
    size follows the logarithm of its followers, its colour the rank of its community by members on the platform.
    Characters that XML forbids are left out; where two names of nodes become one by that, the later gets `#2`, `#3`.

    Args:
        nodes: rows of out_audience_members with coordinates; read: platform, account_id, community_id, status,
            stability, n_followers, display_name, handle, x, y. A node without coordinates gets no position.
        edges: platform, account_id_a, account_id_b text, jaccard float64 (the edge's weight), n_shared int64, may be
            null; each pair once, in either direction.

    Returns:
        The bytes of the document.

    Raises:
        KernelError: a node that stands twice, an edge that stands twice, ends in itself or at an unknown node, or has
            no finite weight.
    """
    wanted = [name for name, _ in NODE_ATTRIBUTES] + ["account_id", "x", "y"]
    rows = sorted(nodes.select(wanted).to_pylist(), key=_key)
    names = _names([_key(row) for row in rows])
    if len(names) < len(rows):
        twice = next(key for key, count in Counter(map(_key, rows)).items() if count > 1)
        raise KernelError(f"each node of a graph stands once; {twice!r} stands more often. Pass one day's rows only.")
    colours = _colours(rows)
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        '<gexf xmlns="http://www.gexf.net/1.2draft" xmlns:viz="http://www.gexf.net/1.2draft/viz" version="1.2">',
        '<graph mode="static" defaultedgetype="undirected">',
        '<attributes class="node" mode="static">',
        *(f'<attribute id="{name}" title="{name}" type="{kind}"/>' for name, kind in NODE_ATTRIBUTES),
        "</attributes>",
        '<attributes class="edge" mode="static">',
        '<attribute id="n_shared" title="n_shared" type="long"/>',
        "</attributes>",
        "<nodes>",
        *(_node(row, names[_key(row)], colours) for row in rows),
        "</nodes>",
        "<edges>",
        *_edges(edges, names),
        "</edges>",
        "</graph>",
        "</gexf>",
        "",
    ]
    return "\n".join(lines).encode()


def _key(row: Row) -> Key:
    return row["platform"], row["account_id"]


def _clean(text: str) -> str:
    return _NOT_XML.sub("", text)


def _names(keys: list[Key]) -> dict[Key, str]:
    """The document's name of each node; no two are the same."""
    names: dict[Key, str] = {}
    taken: set[str] = set()
    # Names that lose nothing come first: they keep their form.
    for key in sorted(set(keys), key=lambda key: (_clean(key[0] + key[1]) != key[0] + key[1], key)):
        name = plain = f"{_clean(key[0])}:{_clean(key[1])}"
        again = 1
        while name in taken:
            again += 1
            name = f"{plain}#{again}"
        names[key] = name
        taken.add(name)
    return names


def _colours(rows: list[Row]) -> dict[Key, tuple[int, int, int]]:
    """A colour per (platform, community_id), by rank on the platform."""
    sizes = Counter((row["platform"], row["community_id"]) for row in rows if row["community_id"] is not None)
    colours: dict[Key, tuple[int, int, int]] = {}
    ranks: Counter[str] = Counter()
    for platform, community in sorted(sizes, key=lambda key: (-sizes[key], key)):
        rank = ranks[platform]
        ranks[platform] += 1
        if rank < len(_COLOURS):
            colours[platform, community] = _COLOURS[rank]
        else:
            # Steps of the golden angle keep hues of neighbouring ranks far apart.
            red, green, blue = hls_to_rgb(rank * 0.6180339887 % 1, (0.42, 0.6)[rank % 2], (0.45, 0.7)[rank // 2 % 2])
            colours[platform, community] = (round(255 * red), round(255 * green), round(255 * blue))
    return colours


def _node(row: Row, name: str, colours: dict[Key, tuple[int, int, int]]) -> str:
    label = next((text for text in (_label(row[column]) for column in ("display_name", "handle")) if text), None)
    values = []
    for attribute, kind in NODE_ATTRIBUTES:
        value = row[attribute]
        if value is None or (kind == "double" and not isfinite(value)):
            continue
        text = _clean(value) if kind == "string" else repr(value)
        values.append(f'<attvalue for="{attribute}" value={quoteattr(text)}/>')
    red, green, blue = colours.get((row["platform"], row["community_id"]), _NO_COMMUNITY)
    size = 2 + 3 * log10(1 + max(row["n_followers"] or 0, 0))
    x, y = row["x"], row["y"]
    placed = x is not None and y is not None and isfinite(x) and isfinite(y)
    return (
        f"<node id={quoteattr(name)} label={quoteattr(label or _label(row['account_id']))}>"
        f"<attvalues>{''.join(values)}</attvalues>"
        f'<viz:color r="{red}" g="{green}" b="{blue}"/>'
        + (f'<viz:position x="{x:.4f}" y="{y:.4f}" z="0.0"/>' if placed else "")
        + f'<viz:size value="{size:.3f}"/></node>'
    )


def _label(text: str | None) -> str:
    """The text on one line."""
    return " ".join(_clean(text or "").split())


def _edges(edges: pa.Table, names: dict[Key, str]) -> list[str]:
    columns = (edges[name].to_pylist() for name in ("platform", "account_id_a", "account_id_b", "jaccard", "n_shared"))
    found: dict[tuple[str, str, str], tuple[float, int | None]] = {}
    for platform, one, other, jaccard, n_shared in zip(*columns, strict=True):
        low, high = min(one, other), max(one, other)
        pair = (platform, low, high)
        if one == other:
            raise KernelError(f"an edge joins two nodes; {(platform, one)!r} is joined to itself.")
        for account in (low, high):
            if (platform, account) not in names:
                raise KernelError(f"an edge ends at {(platform, account)!r}, which is none of the {len(names)} nodes.")
        if jaccard is None or not isfinite(jaccard):
            raise KernelError(f"the weight of an edge is a finite number; that of {pair!r} is {jaccard}.")
        if pair in found:
            raise KernelError(f"each pair of a graph stands once, in either direction; {pair!r} stands more often.")
        found[pair] = jaccard, n_shared
    lines = []
    for number, (pair, (jaccard, n_shared)) in enumerate(sorted(found.items())):
        platform, low, high = pair
        shared = f'<attvalues><attvalue for="n_shared" value="{n_shared}"/></attvalues>' if n_shared is not None else ""
        lines.append(
            f'<edge id="{number}" source={quoteattr(names[platform, low])} target={quoteattr(names[platform, high])} '
            f'weight="{jaccard!r}"' + (f">{shared}</edge>" if shared else "/>")
        )
    return lines
