"""Sizes of networks: one bar per network, the largest first."""

from __future__ import annotations

from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from sm_assets.plots import canvas

TITLE: Final = "Sizes of networks"


def draw(clusters: pa.Table, members: pa.Table | None = None, *, limit: int = 20) -> str:
    """Bars of the `limit` largest networks and a line about the others.

    Args:
        clusters: rows of one day of out_cosharing_clusters; read: cluster_id, cluster_size, n_contents, cluster_lang,
            seed_platform, seed_account_id, top_domain.
        members: rows of the same day of out_cosharing_members, for the seed's name; read: platform, account_id,
            display_name.
        limit: bars.

    Returns:
        Markdown.
    """
    if clusters.num_rows == 0:
        return canvas.statement(TITLE, "no networks in this window.")
    from matplotlib.ticker import MaxNLocator

    ranked = clusters.sort_by([("cluster_size", "descending"), ("cluster_id", "ascending")])
    shown = ranked.slice(0, limit).to_pylist()
    rest = ranked["cluster_size"].slice(limit)
    names = _seed_names(members)
    with canvas.figure(9.2, 1.15 + 0.29 * len(shown)) as drawn:
        axes = drawn.add_axes((0.40, 0.55 / drawn.get_figheight(), 0.585, 1 - 1.15 / drawn.get_figheight()))
        places = range(len(shown), 0, -1)
        sizes = [row["cluster_size"] for row in shown]
        axes.barh(places, sizes, color=canvas.COLOURS[0], height=0.68)
        for place, row in zip(places, shown, strict=True):
            axes.text(
                row["cluster_size"] + max(sizes) * 0.012, place,
                f"{canvas.counted(row['cluster_size'], 'account')}, {canvas.counted(row['n_contents'], 'content')}",
                va="center", fontsize=8, color=canvas.FAINT,
            )  # fmt: skip
        labels = [
            f"{canvas.network_name(row['cluster_id'], row['cluster_lang'])}:  "
            + canvas.fit_text(names.get((row["seed_platform"], row["seed_account_id"])) or row["seed_account_id"], 30)
            for row in shown
        ]
        axes.set_yticks(list(places), labels)
        axes.set_xlim(0, max(sizes) * 1.36)
        axes.set_ylim(0.4, len(shown) + 0.6)
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        axes.xaxis.grid(visible=True)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_xticks([tick for tick in axes.get_xticks() if tick <= max(sizes) * 1.1])
        axes.set_xlabel("accounts")
        drawn.text(
            0.012,
            1 - 0.30 / drawn.get_figheight(),
            _headline(clusters),
            fontsize=11,
            fontweight="bold",
            color=canvas.INK,
        )
        if len(rest):
            drawn.text(0.012, 0.14 / drawn.get_figheight(), _about_the_rest(rest), fontsize=8, color=canvas.FAINT)
        return canvas.markdown(drawn, TITLE)


def _seed_names(members: pa.Table | None) -> dict[tuple[str, str], str | None]:
    if members is None:
        return {}
    columns = (members[name].to_pylist() for name in ("platform", "account_id", "display_name"))
    return {(platform, account): name for platform, account, name in zip(*columns, strict=True)}


def _headline(clusters: pa.Table) -> str:
    accounts = pc.sum(clusters["cluster_size"]).as_py()
    return f"{canvas.counted(clusters.num_rows, 'network')} with {canvas.counted(accounts, 'account')}"


def _about_the_rest(rest: pa.ChunkedArray) -> str:
    bounds = pc.min_max(rest).as_py()
    span = f"{bounds['min']}" if bounds["min"] == bounds["max"] else f"{bounds['min']} to {bounds['max']}"
    return f"Not shown: {canvas.count_text(len(rest))} smaller ones of {span} accounts."
