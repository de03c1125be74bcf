"""What the members of a persona care about: centres among the posts that they acted on or were shown.

Here: weights, centres, similarities, the threshold above which a post was of interest. Not here: who was shown what
(`member_feeds`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from sm_assets.analysis.exposure_rules import ABSOLUTE, PERCENTILE, ExposureRules
from sm_assets.analysis.kmeans import kmeans_start
from sm_assets.analysis.member_feeds import Feeds
from sm_assets.analysis.numbering import places_of
from sm_assets.analysis.one_thread_tasks import child_seed, one_thread
from sm_assets.analysis.vector_rows import distinct_rows, nearest, unit_rows
from sm_assets.errors import KernelError

EXPOSED: Final = "percentile_of_exposed"
_LEAST_ACTED: Final = 20
_OF_EXPOSED: Final = 0.9
_ROWS_PER_CENTRE, _MOST_CENTRES = 20, 10
_MOST_FITTED: Final = 10_000
_STARTS, _ITERATIONS, _TOLERANCE = 3, 300, 1e-4
_CHUNK: Final = 16_384
_DECIMALS: Final = 6
_ACTED, _FOLLOWER = 2.0, 0.5

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Vectors = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Interest:
    """What one persona cares about.

    Attributes:
        persona_id: the persona.
        n_members: its members.
        n_acted: posts with a vector that members acted on.
        n_exposed: posts with a vector that members were shown and did not act on.
        n_centres: centres of interest.
        threshold: similarity above which a post was of interest; None: no post with a vector.
        rule: where the threshold comes from: percentile (of posts acted on), percentile_of_exposed (too few were acted
            on), absolute.
    """

    persona_id: int
    n_members: int
    n_acted: int
    n_exposed: int
    n_centres: int
    threshold: float | None
    rule: str


@dataclass(frozen=True, slots=True, eq=False)
class Similarities:
    """How near candidates are to what their persona cares about.

    Attributes:
        similarity: float64[n], highest cosine of each candidate to a centre, to six decimals; nan: the post has no
            vector.
        above: bool[n], above the threshold of its persona.
        interests: one per persona, by persona_id.
    """

    similarity: Floats
    above: npt.NDArray[np.bool_]
    interests: list[Interest]


def wanted_posts(feeds: Feeds) -> Ints:
    """Numbers of all posts whose vectors are needed, ascending."""
    return np.unique(np.concatenate([feeds.post, feeds.acted_post]))


def similarities(feeds: Feeds, vectors: Iterable[pa.RecordBatch], rules: ExposureRules) -> Similarities:
    """Compare what members were shown with what their persona cares about.

    The posts that members of a persona acted on or were shown weigh 1, 2 more where a member acted, and 0.5 more for
    each member that follows the author. Their vectors, of length 1, are parted by weighted k-means into
    max(1, min(10, n // 20 + 1)) groups; a centre is the weighted mean of a group. Above 10,000 posts the groups are
    found on a seeded sample of so many.

    Args:
        feeds: what members were shown.
        vectors: batches of platform, post_id, embedding, of any order; posts that are not wanted are passed over.
        rules: by which exposures are estimated.

    Raises:
        KernelError: vectors of unlike width.
    """
    import sklearn.cluster  # noqa: F401  # The limit of threads holds only for libraries that are loaded.

    wanted = wanted_posts(feeds)
    matrix, known = _matrix(feeds, wanted, vectors)
    row = np.full(max(len(feeds.posts), 1), -1, np.int64)
    row[wanted[known]] = np.flatnonzero(known)
    persona_of = feeds.persona[feeds.candidate]
    similarity = np.full(len(feeds.post), np.nan)
    above = np.zeros(len(feeds.post), np.bool_)
    found: list[Interest] = []
    with one_thread():
        for persona in np.unique(feeds.persona).tolist():
            mine = np.flatnonzero((persona_of == persona) & (row[feeds.post] >= 0))
            told, compared, threshold = _interest(feeds, persona, mine, matrix, row, rules)
            found.append(told)
            if threshold is not None:
                similarity[mine] = compared
                above[mine] = compared > threshold
    return Similarities(similarity, above, found)


def _interest(
    feeds: Feeds, persona: int, mine: Ints, matrix: Vectors, row: Ints, rules: ExposureRules
) -> tuple[Interest, Floats, float | None]:
    """(what one persona cares about, similarity of its candidates, threshold)."""
    of_persona = np.flatnonzero((feeds.acted_persona == persona) & (row[feeds.acted_post] >= 0))
    acted, shown = feeds.acted_post[of_persona], feeds.post[mine]
    posts, first = np.unique(np.concatenate([acted, shown]), return_index=True)
    n_acted, n_exposed = len(acted), len(np.unique(shown))
    n_members = int(np.count_nonzero(feeds.persona == persona))
    if not len(posts):
        return Interest(persona, n_members, 0, 0, 0, None, rules.threshold), np.zeros(0), None
    author = np.concatenate([feeds.acted_author[of_persona], feeds.author[mine]])[first]
    is_acted = first < n_acted
    weight = 1.0 + _ACTED * is_acted + _FOLLOWER * _followers(feeds, persona, author)
    rows = row[posts]
    k = max(1, min(_MOST_CENTRES, len(rows) // _ROWS_PER_CENTRE + 1))
    centres = _centres(matrix, rows, weight, k, child_seed(rules.seed, f"interests of {persona}"))
    cosines = [(block @ centres.astype(np.float32).T).max(axis=1) for _, block in _blocks(matrix, rows)]
    # Equal vectors must be equally near, wherever in a block they stand.
    of_posts = np.concatenate(cosines).astype(np.float64).round(_DECIMALS)
    place = np.searchsorted(posts, shown)
    if rules.threshold == ABSOLUTE:
        rule, threshold = ABSOLUTE, rules.absolute
    elif n_acted >= _LEAST_ACTED:
        rule, threshold = PERCENTILE, float(np.quantile(of_posts[is_acted], rules.percentile / 100))
    else:
        compared = of_posts[np.unique(place)] if n_exposed else of_posts
        rule, threshold = EXPOSED, float(np.quantile(compared, _OF_EXPOSED))
    told = Interest(persona, n_members, n_acted, n_exposed, len(centres), threshold, rule)
    return told, of_posts[place], threshold


def _followers(feeds: Feeds, persona: int, author: Ints) -> Ints:
    """Members of the persona that follow each author."""
    n = np.zeros(len(feeds.accounts) + 1, np.int64)  # The last is that of the unknown author, -1.
    own = feeds.followed_persona == persona
    n[feeds.followed_account[own]] = feeds.n_followers[own]
    return n[author]


def _centres(matrix: Vectors, rows: Ints, weight: Floats, k: int, seed: int) -> Floats:
    """float64[k', d] centres of length 1; fewer than k where fewer vectors differ."""
    fitted = np.arange(len(rows))
    if len(rows) > _MOST_FITTED:
        fitted = np.sort(np.random.default_rng(seed).choice(len(rows), _MOST_FITTED, replace=False))
    sample = matrix[rows[fitted]]
    k = min(k, len(distinct_rows(sample)[0]))
    fit = kmeans_start(sample, k, seed, weight=weight[fitted], n_init=_STARTS, max_iter=_ITERATIONS, tol=_TOLERANCE)
    total = np.zeros(fit.centres.shape)
    for part, block in _blocks(matrix, rows):
        own = np.eye(k, dtype=np.float32)[:, nearest(block, fit.centres)]
        total += (own * weight[part].astype(np.float32)) @ block
    unit: Floats = unit_rows(total)
    return unit


def _blocks(matrix: Vectors, rows: Ints) -> Iterator[tuple[slice, Vectors]]:
    for start in range(0, len(rows), _CHUNK):
        part = slice(start, start + _CHUNK)
        yield part, matrix[rows[part]]


def _matrix(feeds: Feeds, wanted: Ints, vectors: Iterable[pa.RecordBatch]) -> tuple[Vectors, npt.NDArray[np.bool_]]:
    """(float32[n, d] vectors of length 1 of the wanted posts, bool[n] whether there is one)."""
    matrix = np.zeros((len(wanted), 0), np.float32)
    known = np.zeros(len(wanted), np.bool_)
    for batch in vectors:
        number = feeds.posts.of(batch["platform"], batch["post_id"])
        place = places_of(number, wanted)
        chosen = np.flatnonzero(place >= 0)
        if not len(chosen):
            continue
        lists = batch["embedding"].take(pa.array(chosen))
        widths = np.unique(pc.list_value_length(lists).to_numpy(zero_copy_only=False))
        if len(widths) > 1:
            raise KernelError(f"vectors must be of one width; found {' and '.join(map(str, widths))} numbers.")
        block = lists.flatten().to_numpy(zero_copy_only=False).reshape(len(chosen), -1).astype(np.float32)
        if not matrix.shape[1]:
            matrix = np.zeros((len(wanted), block.shape[1]), np.float32)
        if block.shape[1] != matrix.shape[1]:
            raise KernelError(f"vectors must be of one width; found {matrix.shape[1]} and {block.shape[1]} numbers.")
        matrix[place[chosen]] = unit_rows(block)
        known[place[chosen]] = True
    return matrix, known
