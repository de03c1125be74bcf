"""Estimated exposures: posts that members of personas probably saw and passed over although they are of interest.

Here: from feeds and similarities to rows of out_estimated_exposures. Not here: feeds (`member_feeds`), centres and
thresholds (`interests`).

No platform delivers views. What this makes is an estimate from follows, reposts and the times at which accounts were
active; who only reads leaves no trace, and what was found by search is not known.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sm_assets.analysis.exposure_rules import ExposureRules
from sm_assets.analysis.interests import Interest, similarities
from sm_assets.analysis.member_feeds import VIA, Feeds
from sm_assets.kernels.digests import joined_digests

COLUMNS: Final = (
    "platform", "account_id", "post_id", "persona_id", "author_account_id", "visible_at", "session_started_at", "via",
    "via_account_id", "similarity",
)  # fmt: skip
_TIME: Final = pa.timestamp("us")

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Exposures:
    """What was estimated.

    Attributes:
        rows: `COLUMNS`, sorted by platform, account and post.
        interests: what each persona cares about, with the threshold in force.
        counts: members, what came into their feeds, losses by rule, rows.
        over_cap: persona -> candidates of interest beyond the cap of their account; only personas that have any.
    """

    rows: pa.Table
    interests: list[Interest]
    counts: dict[str, int]
    over_cap: dict[int, int]

    def told(self) -> list[dict[str, Any]]:
        """One record per persona, with its rows."""
        found = dict(zip(*np.unique(self.rows["persona_id"].to_numpy(), return_counts=True), strict=True))
        return [asdict(each) | {"rows": int(found.get(each.persona_id, 0))} for each in self.interests]


def estimate_exposures(feeds: Feeds, vectors: Iterable[pa.RecordBatch], rules: ExposureRules) -> Exposures:
    """Posts that members probably saw and passed over although they are of interest.

    Of the candidates those above the threshold of their persona stay, of each account at most `cap`: those with the
    smallest BLAKE2b over seed, account and post.

    Args:
        feeds: what members were shown.
        vectors: batches of platform, post_id, embedding that hold the posts of `interests.wanted_posts`.
        rules: by which exposures are estimated.

    Raises:
        KernelError: vectors of unlike width.
    """
    compared = similarities(feeds, vectors, rules)
    without = np.isnan(compared.similarity)
    kept = np.flatnonzero(compared.above)
    within = _within_cap(feeds, kept, rules)
    chosen = kept[within]
    chosen = chosen[np.lexsort((feeds.post[chosen], feeds.candidate[chosen]))]
    n_without = int(np.count_nonzero(without))
    counts = dict(feeds.counts)
    counts["without_vector_or_language"] += n_without
    counts["candidates"] -= n_without
    counts |= {
        "not_of_interest": len(without) - n_without - len(kept),
        "over_cap": len(kept) - len(chosen),
        "rows_out": len(chosen),
    }
    personas, beyond = np.unique(feeds.persona[feeds.candidate[kept[~within]]], return_counts=True)
    over_cap = dict(zip(personas.tolist(), beyond.tolist(), strict=True))
    return Exposures(_rows(feeds, compared.similarity, chosen), compared.interests, counts, over_cap)


def _within_cap(feeds: Feeds, kept: Ints, rules: ExposureRules) -> npt.NDArray[np.bool_]:
    """Whether each of the kept candidates is among the first `cap` of its account."""
    within = np.ones(len(kept), np.bool_)
    who = feeds.candidate[kept]
    full = np.flatnonzero(np.bincount(who, minlength=len(feeds.member))[who] > rules.cap)
    if not len(full):
        return within
    rows = kept[full]
    account = feeds.accounts.pairs(feeds.member[feeds.candidate[rows]])[1]
    digests, _ = joined_digests([account, feeds.posts.pairs(feeds.post[rows])[1]], prefix=f"{rules.seed} ".encode())
    # Digests compare as their bytes do.
    high, low = digests.byteswap().T
    order = np.lexsort((low, high, who[full]))
    leads = np.flatnonzero(np.diff(who[full][order], prepend=-1) != 0)
    place = np.arange(len(order)) - np.repeat(leads, np.diff(leads, append=len(order)))
    within[full[order[place >= rules.cap]]] = False
    return within


def _rows(feeds: Feeds, similarity: npt.NDArray[np.float64], chosen: Ints) -> pa.Table:
    who = feeds.candidate[chosen]
    platform, account = feeds.accounts.pairs(feeds.member[who])
    columns = {
        "platform": platform,
        "account_id": account,
        "post_id": feeds.posts.pairs(feeds.post[chosen])[1],
        "persona_id": pa.array(feeds.persona[who]),
        "author_account_id": feeds.accounts.pairs(feeds.author[chosen])[1],
        "visible_at": pa.array(feeds.visible_at[chosen]).cast(_TIME),
        "session_started_at": pa.array(feeds.session_at[chosen]).cast(_TIME),
        "via": pa.array(VIA).take(pa.array(feeds.via[chosen])),
        "via_account_id": feeds.accounts.pairs(feeds.via_account[chosen])[1],
        # A product of two unit vectors may pass 1 by rounding.
        "similarity": pa.array(np.clip(similarity[chosen], -1.0, 1.0)),
    }
    return pa.table({name: columns[name] for name in COLUMNS})
