"""Terms and topics out of posts: any order of rows, the stop words in use, the counts."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa

from sm_assets.analysis.cluster_words import ClusterWords, cluster_words

WORDS = ("moon orbit probe nasa lander star", "suppe brot zwiebel ofen butter löffel")


def posts(n: int = 120) -> pa.Table:
    """Two clusters, one in English, one in German; every tenth post repeats the one before with another address."""
    random = np.random.default_rng(2)
    rows = []
    for at in range(n):
        words = random.choice(WORDS[at % 2].split(), 5)
        text = f"{('The', 'Und')[at % 2]} {' '.join(words)} https://example.org/{at}"
        rows.append(
            {
                "platform": "bluesky" if at % 3 else "twitter",
                "post_id": f"{at:03d}",
                "account_id": f"a{at // 2 % 7}",
                "cluster_id": at % 2,
                "text": text,
                "text_key": f"{(at - 2 if at % 20 >= 18 else at):032x}",
                "posted_at": datetime(2024, 3, 1) + timedelta(minutes=at),
                "lang": ("en", "de")[at % 2],
            }
        )
    schema = pa.schema({"cluster_id": pa.int32(), "posted_at": pa.timestamp("us")})
    table = pa.Table.from_pylist(rows)
    for name in schema.names:
        table = table.set_column(table.schema.get_field_index(name), name, table[name].cast(schema.field(name).type))
    return table


def same(found: ClusterWords, other: ClusterWords) -> bool:
    return (
        found.terms.equals(other.terms)
        and found.topics.equals(other.topics)
        and (found.topics_status, found.counts) == (other.topics_status, other.counts)
    )


def test_no_order_of_rows_and_no_thread_changes_anything() -> None:
    table = posts()
    found = cluster_words(table)
    assert found.terms.num_rows == 30
    assert found.topics.num_rows > 0
    order = pa.array(np.random.default_rng(9).permutation(len(table)))
    assert same(cluster_words(table.take(order), threads=2), found)
    pieces = pa.concat_tables([table.slice(0, 50), table.slice(50)])
    assert same(cluster_words(pieces), found)


def test_stop_words_are_of_the_languages_in_use_unless_given() -> None:
    found = cluster_words(posts())
    assert [each["name"] for each in found.stop_words["lists"]] == ["iso-de", "sklearn-en-318"]
    terms = set(found.terms["term"].to_pylist())
    assert not terms & {"the", "und"}
    english = cluster_words(posts(), languages=["en"], n_terms=100)
    assert "und" in english.terms["term"].to_pylist()
    assert "the" not in english.terms["term"].to_pylist()


def test_counts_are_of_texts_and_of_contents() -> None:
    found = cluster_words(posts())
    assert found.counts == {"texts": 120, "contents": 108, "clusters_without_terms": 0}
    silent = posts().filter(pa.array([at % 2 == 0 for at in range(120)]))
    silent = silent.set_column(silent.schema.get_field_index("text"), "text", pa.array(["the and of"] * 60))
    nothing = cluster_words(silent)
    assert nothing.counts["clusters_without_terms"] == 1
    assert nothing.topics_status == {0: "no_terms"}
    assert nothing.terms.num_rows == nothing.topics.num_rows == 0


def test_no_text_at_all() -> None:
    found = cluster_words(posts().slice(0, 0))
    assert found.counts == {"texts": 0, "contents": 0, "clusters_without_terms": 0}
    assert found.topics_status == {}
