"""Topics against scikit-learn's fit, planted ones, and the original program's lists."""

from __future__ import annotations

import json
from itertools import combinations
from math import log
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest

from sm_assets.analysis.token_codes import TokenCodes, code_tokens
from sm_assets.analysis.topics import (
    NO_TERMS,
    OK,
    TOO_FEW_TEXTS,
    Counts,
    cluster_topics,
    coherence,
    fit_topics,
    topics_compat,
)
from sm_assets.errors import KernelError
from sm_assets.kernels.topics import infer_mixtures

THEMES = (
    "moon orbit probe nasa lander star",
    "soup bread onion garlic oven bake",
    "goal match keeper corner coach fans",
)


def planted(n: int, seed: int = 1, themes: tuple[str, ...] = THEMES) -> list[list[str]]:
    """Texts of six words, each of one theme, with `today` in some."""
    random = np.random.default_rng(seed)
    return [
        [*random.choice(themes[at % len(themes)].split(), 6).tolist(), *(["today"] if random.random() < 0.5 else [])]
        for at in range(n)
    ]


def coded(texts: list[list[str]]) -> TokenCodes:
    return code_tokens(pa.array(texts, pa.list_(pa.string())))


def counts_of(dense: npt.NDArray[np.int64]) -> Counts:
    row, word = np.nonzero(dense)
    row_ptr = np.searchsorted(row, np.arange(len(dense) + 1))
    return Counts(row_ptr, word.astype(np.int32), dense[row, word].astype(np.float64), dense.shape[1])


@pytest.mark.parametrize(("n", "n_words", "k"), [(40, 30, 2), (120, 80, 5)])
def test_the_fit_is_that_of_scikit_learn(n: int, n_words: int, k: int) -> None:
    from sklearn.decomposition import LatentDirichletAllocation

    random = np.random.default_rng(n)
    dense = random.poisson(random.dirichlet(np.full(n_words, 0.1), k)[random.integers(k, size=n)] * 12)
    dense = dense[:, dense.any(axis=0)]
    dense[3] = 0  # a text without a word
    dense[0] += 1
    topic_word, mixture = fit_topics(counts_of(dense), k, 42)
    peer = LatentDirichletAllocation(k, learning_method="batch", random_state=42).fit(dense)
    np.testing.assert_allclose(topic_word, peer.components_, rtol=1e-4)
    np.testing.assert_allclose(mixture, peer.transform(dense), atol=1e-4)


def test_planted_themes_are_found() -> None:
    texts = planted(300)
    found = cluster_topics(coded(texts), np.zeros(300, np.int64), np.arange(300), n_words=4)
    assert found.status == {0: OK}
    rows = found.table.to_pylist()
    tops = [{row["word"] for row in rows if row["topic"] == topic} - {"today"} for topic in range(5)]
    for theme in THEMES:
        assert any(len(top & set(theme.split())) >= 3 for top in tops)
    shares = [row["topic_share"] for row in rows if row["rank"] == 1]
    assert shares == sorted(shares, reverse=True)
    assert sum(shares) == pytest.approx(1)
    assert {row["topic"] for row in rows} == set(range(5))
    assert all(0 < row["weight"] < 1 for row in rows)


def test_neither_order_nor_threads_nor_other_clusters_change_a_cluster() -> None:
    texts = planted(60) + planted(40, seed=2) + planted(21, seed=3)
    cluster = np.repeat([0, 1, 2], [60, 40, 21])
    content = np.random.default_rng(0).permutation(len(texts))
    whole = cluster_topics(coded(texts), cluster, content)
    order = np.random.default_rng(5).permutation(len(texts))
    moved = cluster_topics(coded([texts[at] for at in order]), cluster[order], content[order], threads=2)
    assert moved.table.equals(whole.table)
    alone = cluster_topics(coded(texts[60:100]), cluster[60:100], content[60:100])
    own = [row for row in whole.table.to_pylist() if row["cluster_id"] == 1]
    assert alone.table.to_pylist() == [
        row | {key: pytest.approx(row[key]) for key in ("weight", "topic_share", "coherence")} for row in own
    ]


def test_a_content_counts_once_however_often_it_is_posted() -> None:
    texts = planted(30)
    once = cluster_topics(coded(texts), np.zeros(30, np.int64), np.arange(30))
    often = cluster_topics(
        coded(texts + texts[:9] * 5), np.zeros(75, np.int64), np.array([*range(30), *[*range(9)] * 5])
    )
    assert often.table.equals(once.table)
    few = cluster_topics(coded(texts[:19] * 2), np.zeros(38, np.int64), np.array([*range(19)] * 2))
    assert few.status == {0: TOO_FEW_TEXTS}
    assert few.table.num_rows == 0


def test_words_of_one_text_and_of_nearly_all_are_left_out() -> None:
    texts = [["every", f"only{n}", "moon" if n % 2 else "soup"] for n in range(40)]
    words = set(cluster_topics(coded(texts), np.zeros(40, np.int64), np.arange(40)).table["word"].to_pylist())
    assert words == {"moon", "soup"}


def test_without_a_word_left_there_is_a_status_and_no_row() -> None:
    texts = [["every", f"only{n}"] for n in range(20)] + planted(20) + [["moon"]]
    found = cluster_topics(coded(texts), np.repeat([0, 1, 4], [20, 20, 1]), np.arange(41))
    assert found.status == {0: NO_TERMS, 1: OK, 4: TOO_FEW_TEXTS}
    assert set(found.table["cluster_id"].to_pylist()) == {1}
    # 20 texts have four topics.
    assert set(found.table["topic"].to_pylist()) == {0, 1, 2, 3}
    nothing = cluster_topics(coded([]), np.zeros(0, np.int64), np.zeros(0, np.int64))
    assert nothing.status == {}


def test_coherence_is_the_mean_npmi_of_pairs() -> None:
    random = np.random.default_rng(4)
    dense = (random.random((50, 6)) < 0.4).astype(np.int64)
    dense[:, 5] = 1 - dense[:, 4]  # never together
    values = []
    for a, b in combinations(range(6), 2):
        both, one, other = ((dense[:, a] * dense[:, b]).mean(), dense[:, a].mean(), dense[:, b].mean())
        values.append(-1.0 if both == 0 else log(both / (one * other)) / -log(both))
    assert coherence(counts_of(dense), list(range(6))) == pytest.approx(np.mean(values))
    assert coherence(counts_of(dense), [4, 5]) == -1
    assert coherence(counts_of(np.stack([dense[:, 0], dense[:, 0]], axis=1)), [0, 1]) == pytest.approx(1)
    assert coherence(counts_of(np.ones((9, 2), np.int64)), [0, 1]) == 1
    assert coherence(counts_of(dense), [2]) is None


def test_arrays_that_do_not_fit_are_refused() -> None:
    with pytest.raises(KernelError, match="found 2 and 1 for 1 texts"):
        cluster_topics(coded([["a"]]), np.zeros(2, np.int64), np.zeros(1, np.int64))
    row_ptr, word, times = np.array([0, 1]), np.array([3], np.int32), np.ones(1)
    with pytest.raises(KernelError, match="between 0 and 2; found 3 to 3"):
        infer_mixtures(row_ptr, word, times, np.ones((3, 2)), np.ones((1, 2)), prior=0.5)
    with pytest.raises(KernelError, match="start"):
        infer_mixtures(row_ptr, word, times, np.ones((4, 2)), np.ones((2, 2)), prior=0.5)


def test_the_original_way_says_nothing_of_few_texts_or_of_none_with_a_word() -> None:
    assert topics_compat(["moon orbit"] * 19) == []
    assert topics_compat(["the and of"] * 20) == []
    assert len(topics_compat([" ".join(text) for text in planted(22)])) == 4


@pytest.mark.shared_data
def test_the_twenty_lists_of_the_original_program(shared_data: Path) -> None:
    folder = shared_data / "personas"
    printed = (folder / "stats_out_k4.txt").read_text(encoding="utf-8").split("## Cluster LDA Topics")[1]
    for number, part in enumerate(printed.split("### Cluster ")[1:]):
        expected = [line.split(", ") for line in part.splitlines() if ", " in line]
        lines = (folder / "out_k4" / f"cluster_{number}.jsonl").read_text(encoding="utf-8").splitlines()
        texts = [json.loads(line)[-1].get("text", "") for line in lines]
        assert len(expected) == 5
        assert topics_compat([text for text in texts if text.strip()]) == expected
