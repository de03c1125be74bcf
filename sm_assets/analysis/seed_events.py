"""Staged rows as the original persona program sees them: nothing withdrawn, first texts, every update and delete.

Here: staged rows as posts and events for `conversations` and `persona_lines`, kept accounts, plain mean vectors. For
comparison with the original and for library users; no asset runs like this, because published tables hold nothing that
was withdrawn. Times are those of receipt.
Source: ComplexData-MILA/BluePrint (MIT), rules only.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from sm_assets.analysis.conversations import POSTS
from sm_assets.analysis.persona_lines import CONTENTS, EVENTS
from sm_assets.errors import OptionError

LANGUAGES: Final = ("en",)
LEAST_TEXTS: Final = 2
_DONE: Final = ("like", "repost", "block")


class SeedEvents(NamedTuple):
    """What the original works on.

    Attributes:
        posts: columns of `persona_lines.CONTENTS` and parent_post_id, by time of receipt then id; is_eligible: a kept
            post or reply; is_kept: by a kept account.
        events: columns of `persona_lines.EVENTS`, by account, time, id; of kept accounts.
        accounts: string, kept accounts in the order in which they are first seen writing.
    """

    posts: pa.Table
    events: pa.Table
    accounts: pa.Array


def declared_exactly(language_codes: pa.ChunkedArray | pa.Array, languages: Sequence[str]) -> npt.NDArray[np.bool_]:
    """bool[n]: the declared languages are exactly these, in this order; none declared is never equal.

    Args:
        language_codes: list<string>[n], nulls allowed.
        languages: codes.
    """
    count = pc.equal(pc.list_value_length(language_codes), len(languages)).fill_null(False)
    joined = pc.binary_join(pc.if_else(count, language_codes, None), "\x1f")
    equal = pc.equal(joined, "\x1f".join(languages)).fill_null(False)
    return np.asarray(equal.to_numpy() if isinstance(equal, pa.ChunkedArray) else equal.to_numpy(zero_copy_only=False))


def seed_events(
    posts: pa.Table,
    interactions: pa.Table,
    follows: pa.Table,
    tombstones: pa.Table,
    *,
    languages: Sequence[str] = LANGUAGES,
    least_texts: int = LEAST_TEXTS,
) -> SeedEvents:
    """Read staged rows by the original's rules.

    A post counts if it is a post or reply whose declared languages are exactly `languages`; an account is kept with at
    least `least_texts` of them. A post that was delivered twice counts once, at its first receipt (the original counts
    it twice).

    Args:
        posts: staged posts, all revisions: platform, post_id, account_id, operation, observed_at, post_kind,
            parent_post_id, quoted_post_id, text, language_codes.
        interactions: platform, interaction_id, kind, account_id, object_post_id, object_account_id, observed_at.
        follows: platform, follow_id, follower_account_id, followed_account_id, observed_at.
        tombstones: platform, entity, record_id, account_id, interaction_kind, observed_at.
        languages: codes as they are declared.
        least_texts: posts and replies of a kept account.

    Raises:
        OptionError: rows of more than one platform.
    """
    platforms = pc.unique(posts["platform"]).to_pylist()
    if len(platforms) > 1:
        raise OptionError(f"the original knows one platform; found {', '.join(sorted(platforms))}. Pass one of them.")
    created = _first(posts.filter(pc.equal(posts["operation"], "create")), "post_id")
    counts = (
        declared_exactly(created["language_codes"], languages)
        & pc.is_in(created["post_kind"], pa.array(["post", "reply"])).to_numpy()
    )
    per_account = created.filter(counts).group_by("account_id", use_threads=False).aggregate([([], "count_all")])
    kept = per_account.filter(pc.greater_equal(per_account["count_all"], least_texts))["account_id"].combine_chunks()
    is_kept = pc.is_in(created["account_id"], kept).to_numpy()
    contents = pa.table(
        {
            **{name: created[name] for name in ("platform", "post_id", "account_id", "post_kind", "text")},
            "posted_at": created["observed_at"],
            "is_eligible": counts & is_kept,
            "is_kept": is_kept,
        }
    ).cast(CONTENTS)
    seen = pc.unique(created.filter(is_kept)["account_id"])
    return SeedEvents(
        contents.append_column("parent_post_id", created["parent_post_id"]),
        _of_accounts(_events(posts, created, interactions, follows, tombstones), kept),
        seen,
    )


def with_personas(events: SeedEvents, persona_of: pa.Table) -> tuple[pa.Table, pa.Table]:
    """(kept posts and replies for `conversations`, events), each with the persona of its account.

    Args:
        events: from `seed_events`.
        persona_of: account_id, persona_id; events of others are left out.

    Returns:
        Tables with a column persona_id int32; the events keep their order inside each persona.
    """
    kept = events.posts.filter(events.posts["is_eligible"])
    posts = kept.append_column("persona_id", _persona(kept["account_id"], persona_of)).select(POSTS.names)
    persona = _persona(events.events["account_id"], persona_of)
    acts = events.events.append_column("persona_id", persona)
    order = np.argsort(persona.fill_null(-1).to_numpy(), kind="stable")
    acts = acts.take(pa.array(order))
    return posts.filter(posts["persona_id"].is_valid()), acts.filter(acts["persona_id"].is_valid())


def mean_vectors(posts: pa.Table, vectors: npt.NDArray[np.floating], accounts: pa.Array) -> npt.NDArray[np.float64]:
    """float64[m, d]: plain mean over the vectors of each account's kept posts, then replies, in order of time.

    Args:
        posts: account_id, post_kind, posted_at of n kept posts and replies.
        vectors: float[n, d], one per post; zeros for empty texts, which count.
        accounts: string[m].
    """
    place = pc.index_in(posts["account_id"], value_set=accounts).to_numpy()
    is_reply = pc.equal(posts["post_kind"], "reply").to_numpy()
    order = np.lexsort((posts["posted_at"].to_numpy(), is_reply, place))
    begins = np.flatnonzero(np.diff(place[order], prepend=-1))
    sums = np.add.reduceat(vectors[order].astype(np.float64), begins, axis=0)
    means = np.zeros((len(accounts), vectors.shape[1]))
    means[place[order][begins]] = sums / np.diff(begins, append=len(order))[:, None]
    return means


def _first(rows: pa.Table, key: str) -> pa.Table:
    """The first receipt of each record, in order of receipt then id."""
    order = pc.sort_indices(rows, [("observed_at", "ascending"), (key, "ascending")])
    rows = rows.take(order)
    ids = rows[key].combine_chunks()
    is_first = np.zeros(len(rows), np.bool_)
    is_first[np.unique(pc.index_in(ids, value_set=pc.unique(ids)).to_numpy(), return_index=True)[1]] = True
    return rows.filter(is_first)


def _persona(account_id: pa.ChunkedArray, persona_of: pa.Table) -> pa.ChunkedArray:
    place = pc.index_in(account_id, value_set=persona_of["account_id"].combine_chunks())
    return persona_of["persona_id"].cast(pa.int32()).take(place)


def _of_accounts(events: pa.Table, accounts: pa.Array) -> pa.Table:
    own = events.filter(pc.is_in(events["account_id"], accounts))
    return own.sort_by([(name, "ascending") for name in ("account_id", "acted_at", "record_id")])


def _events(
    posts: pa.Table, created: pa.Table, interactions: pa.Table, follows: pa.Table, tombstones: pa.Table
) -> pa.Table:
    """All events of all accounts."""
    done = _first(interactions.filter(pc.is_in(interactions["kind"], pa.array(_DONE))), "interaction_id")
    followed = _first(follows, "follow_id")
    updated = posts.filter(pc.equal(posts["operation"], "update"))
    quotes = created.filter(pc.equal(created["post_kind"], "quote"))
    deleted = {
        entity: tombstones.filter(pc.equal(tombstones["entity"], entity))
        for entity in ("interaction", "follow", "post")
    }
    return pa.concat_tables(
        [
            _rows(done, "kind", "interaction_id", post="object_post_id", account="object_account_id"),
            _undone(deleted["interaction"], done, "interaction_id", "object_post_id", "object_account_id"),
            _rows(followed, "follow", "follow_id", actor="follower_account_id", account="followed_account_id"),
            _undone(deleted["follow"], followed, "follow_id", None, "followed_account_id"),
            _rows(updated, "post_update", "post_id", post="post_id", text="text"),
            _rows(deleted["post"], "post_delete", "record_id", post="record_id"),
            _rows(quotes, "quote", "post_id", post="quoted_post_id", text="text"),
        ]
    )


def _undone(tombstones: pa.Table, records: pa.Table, key: str, post: str | None, account: str) -> pa.Table:
    """Withdrawals of records, with what those were about."""
    place = pc.index_in(tombstones["record_id"], value_set=records[key].combine_chunks())
    rows = tombstones.append_column("about_account", records[account].take(place))
    if post is None:
        return _rows(rows, "unfollow", "record_id", account="about_account")
    rows = rows.append_column("about_post", records[post].take(place))
    kinds = pc.binary_join_element_wise("un", rows["interaction_kind"], "")
    rows = rows.append_column("undoing", kinds)
    # A withdrawn like whose making was never seen has no kind here.
    rows = rows.filter(pc.is_in(kinds, pa.array([f"un{kind}" for kind in _DONE])))
    return _rows(rows, "undoing", "record_id", post="about_post", account="about_account")


def _rows(
    rows: pa.Table,
    kind: str,
    record_id: str,
    *,
    actor: str = "account_id",
    post: str | None = None,
    account: str | None = None,
    text: str | None = None,
) -> pa.Table:
    """Events out of records; `kind` is a column or one kind for all."""

    def column(name: str | None) -> pa.ChunkedArray | pa.Array:
        return pa.nulls(len(rows), pa.string()) if name is None else rows[name]

    return pa.table(
        {
            "line_kind": rows[kind] if kind in rows.column_names else pa.repeat(pa.scalar(kind), len(rows)),
            "platform": rows["platform"],
            "account_id": rows[actor],
            "record_id": rows[record_id],
            "acted_at": rows["observed_at"],
            "object_post_id": column(post),
            "object_account_id": column(account),
            "object_day": pa.nulls(len(rows), pa.date32()),
            "object_withdrawn": pa.repeat(pa.scalar(False), len(rows)),
            "text": column(text),
        }
    ).cast(EVENTS)
