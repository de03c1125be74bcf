"""Profile clusters by a text model: themes that no word shows, statuses, summaries and maps, the end of vectors.

Here: a small lake of biographies with a stub of a text model. Not here: clusters by words (`test_profile_clusters`),
how vectors are clustered (`analysis/test_vector_clusters`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from shutil import rmtree
from typing import Any

import dagster as dg
import numpy as np
import pyarrow as pa
import pytest
from cluster_lake import DAY, publish
from conftest import contents
from follow_lake import read
from forgetful import forgetful
from stub_embedder import StubEmbedder
from test_profile_clusters import EARLIER, THEMES, of_model, publish_world

from sm_assets.analysis.medoids import medoids
from sm_assets.analysis.text_normaliser import normalise_texts, text_keys
from sm_assets.defs.assets import cluster_k, cluster_map, cluster_summaries, post_embeddings, profile_clusters
from sm_assets.defs.assets.declare import IO_MANAGER
from sm_assets.defs.clustering_record import clustering_records
from sm_assets.defs.io import LakeIOManager
from sm_assets.defs.partitions import daily
from sm_assets.errors import EmbedderError, OptionError, VectorCacheError
from sm_assets.settings import Settings
from sm_assets.storage import Lake, abandoned_notes, stored_cache, vector_cache

pytestmark = pytest.mark.usefixtures("no_catalogue")

OWN = "out_profile_clusters"
SUMMARIES = ("out_cluster_terms", "out_map_points")
MODELS = ("kmeans", "hdbscan")
N = 60
INVISIBLE = "\u200b\u2066"
ADDRESS = "https://orbit.example/x"


class Synonyms(StubEmbedder):
    """Knows which words mean the same: a theme's words are one word and a little of their own; 'cook1' is 'cook'."""

    def tokenise(self, texts: Sequence[str]) -> Any:
        meant = {word: f"theme{number} theme{number} {word}" for number, theme in enumerate(THEMES) for word in theme}
        return super().tokenise([" ".join(meant.get(word, word) for word in text.split()) for text in texts])


def themed() -> dict[str, str | None]:
    """Sixty biographies of one word out of a theme and one of their own: no two of a theme need share a word."""
    told: dict[str, str | None] = {
        f"a{number:03d}": f"{THEMES[number % 3][number // 3 % 6]} own{number}" for number in range(N)
    }
    return told | {"z0": None, "z1": " \n", "z2": INVISIBLE, "y0": ADDRESS}


def run(lake: Lake, embedder: StubEmbedder, tables: Iterable[str] = (OWN,), **config: Any) -> dict[str, dict[str, Any]]:
    """Run the assets for the day, without checks; metadata by table."""
    asked = {"features": "embedding", "auto_clusters": False, "n_clusters": 3, **config}
    makers = {
        OWN: profile_clusters.asset(lake, embedder),
        "feat_post_embeddings": post_embeddings.asset(lake, embedder),
        "out_cluster_terms": cluster_summaries.asset(lake),
        "out_map_points": cluster_map.asset(lake),
        "out_cluster_k": cluster_k.asset(lake),
    }
    assets = [makers[table] for table in tables]
    outside = {key for asset in assets for key in asset.dependency_keys} - {key for each in assets for key in each.keys}
    specs = [dg.AssetSpec(key, partitions_def=daily(lake.settings)).with_io_manager_key(IO_MANAGER) for key in outside]
    definitions = dg.Definitions(
        assets=[*assets, *specs],
        resources={IO_MANAGER: LakeIOManager(lake)},
        jobs=[dg.define_asset_job("all", selection=dg.AssetSelection.assets(*assets))],
    )
    result = definitions.resolve_job_def("all").execute_in_process(
        run_config={"ops": {OWN: {"config": asked}} if OWN in tables else {}}
        | {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
        tags={f"dagster/asset_partition_range_{end}": str(DAY) for end in ("start", "end")},
        instance=forgetful(),
    )
    return {
        event.asset_key.path[-1]: {name: value.value for name, value in event.materialization.metadata.items()}
        for event in result.get_asset_materialization_events()
        if event.asset_key is not None
    }


def known(lake: Lake, embedder: StubEmbedder, *texts: str) -> list[bool]:
    """Which texts have a vector on disk."""
    cache = stored_cache(lake, embedder.spec.embedder_id)
    keys = text_keys(normalise_texts(pa.array(texts))).to_pylist()
    assert cache is not None
    return cache.known(np.array(keys, "S16")).tolist()


def themes_found(rows: Mapping[str, Mapping[str, Any]]) -> list[set[int | None]]:
    return [{rows[f"a{number:03d}"]["cluster_id"] for number in range(theme, N, 3)} for theme in range(3)]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Lake, dict[str, dict[str, Any]]]:
    root = str(tmp_path_factory.mktemp("profile_vectors"))
    lake = Lake(Settings(data_root=root, profile="tiny", threads=1, start_day=DAY - timedelta(9)))
    publish_world(lake, themed(), days=[DAY])
    return lake, run(lake, Synonyms(), (OWN, *SUMMARIES, "out_cluster_k"))


def test_themes_are_found_by_meaning_and_all_who_say_something_take_part(
    made: tuple[Lake, dict[str, dict[str, Any]]], lake: Lake
) -> None:
    for model in MODELS:
        rows = of_model(made[0], model)
        assert sorted(map(len, themes_found(rows))) == [1, 1, 1]
        assert set.union(*themes_found(rows)) == {0, 1, 2}
        statuses = {account: row["status"] for account, row in rows.items() if account >= "z"}
        assert statuses == {"z0": "no_bio", "z1": "no_bio", "z2": "no_known_word"}
        # No term, and compared all the same.
        assert rows["y0"]["n_terms"] == 0
        assert rows["y0"]["status"] in {"member", "noise"}
    # By words the same biographies have no such groups.
    publish_world(lake, themed(), days=[DAY])
    run(lake, Synonyms(), features="words")
    assert max(map(len, themes_found(of_model(lake, "kmeans")))) > 1
    assert of_model(lake, "kmeans")["y0"]["status"] == "no_known_word"


def test_clusters_are_told_by_words_and_by_the_nearest_vectors(made: tuple[Lake, dict[str, dict[str, Any]]]) -> None:
    lake = made[0]
    embedder = Synonyms()
    for model in MODELS:
        rows = of_model(lake, model)
        terms = [r for r in read(lake, "out_cluster_terms", DAY).to_pylist() if r["analysis"] == f"profiles_{model}"]
        typical = [
            r for r in read(lake, "out_cluster_medoids", DAY).to_pylist() if r["analysis"] == f"profiles_{model}"
        ]
        for theme in range(3):
            number = rows[f"a{theme:03d}"]["cluster_id"]
            assert {row["term"] for row in terms if row["cluster_id"] == number} == set(THEMES[theme])
            members = sorted(account for account, row in rows.items() if row["cluster_id"] == number)
            bios = [rows[account]["bio"] for account in members]
            vectors = embedder.embed(embedder.tokenise(normalise_texts(pa.array(bios)).to_pylist()))
            best = medoids(vectors)
            own = [row for row in typical if row["cluster_id"] == number]
            assert [row["account_id"] for row in own] == [members[place] for place in best.row]
            assert [row["mean_distance"] for row in own] == pytest.approx(best.mean_distance, abs=1e-6)


def test_the_map_lays_like_vectors_side_by_side(made: tuple[Lake, dict[str, dict[str, Any]]]) -> None:
    places: dict[str, dict[str, tuple[float, float]]] = {}
    for point in read(made[0], "out_map_points", DAY).to_pylist():
        places.setdefault(point["analysis"], {})[point["item_id"]] = (point["x"], point["y"])
    assert places["profiles_kmeans"] == places["profiles_hdbscan"]
    assert set(places["profiles_kmeans"]) == {account for account in themed() if account < "z"}
    points = np.array([places["profiles_kmeans"][f"a{number:03d}"] for number in range(N)])
    distance = np.linalg.norm(points[:, None] - points[None], axis=2)
    np.fill_diagonal(distance, np.inf)
    assert (distance.argmin(axis=1) % 3 == np.arange(N) % 3).all()


def test_the_embedder_stands_in_record_hash_and_page(made: tuple[Lake, dict[str, dict[str, Any]]], lake: Lake) -> None:
    publish_world(lake, themed(), days=[DAY])
    first, second = Synonyms(), Synonyms(prefix="profile: ")
    hashes = set()
    for embedder in (first, second):
        told = run(lake, embedder)[OWN]
        records = clustering_records(lake, OWN, DAY)
        assert {record.embedder_id for record in records.values()} == {embedder.spec.embedder_id}
        assert "hdbscan_space" not in records["profiles_hdbscan"].parameters
        assert records["profiles_kmeans"].record["spec"]["preset"] == "reduced_kmeans"
        assert told["vectors"]["embedder_id"] == embedder.spec.embedder_id
        assert told["vectors"]["texts_encoded"] == N + 1
        hashes |= {row["params_hash"] for row in read(lake, OWN, DAY).to_pylist()}
    run(lake, first, features="words")
    assert {record.embedder_id for record in clustering_records(lake, OWN, DAY).values()} == {""}
    hashes |= {row["params_hash"] for row in read(lake, OWN, DAY).to_pylist()}
    assert len(hashes) == 6
    assert not [bio for bio in themed().values() if bio and bio.strip() and bio in str(made[1])]


def test_a_second_run_in_another_order_encodes_nothing_and_gives_the_same_rows(
    made: tuple[Lake, dict[str, dict[str, Any]]],
) -> None:
    lake = made[0]
    before = contents(Path(lake.settings.data_root))
    publish_world(lake, dict(reversed(themed().items())), days=[DAY])
    again = Synonyms()
    run(lake, again, (OWN, *SUMMARIES, "out_cluster_k"))
    assert again.n_texts == 0
    after = contents(Path(lake.settings.data_root))
    assert {name for name in after if after[name] != before.get(name) and "core_" not in name} == set()


def test_from_200_accounts_on_clusters_lie_in_five_dimensions(lake: Lake) -> None:
    said: dict[str, str | None] = {f"a{n:03d}": f"{THEMES[n % 3][0]} own{n}" for n in range(210)}
    publish_world(lake, said, days=[DAY])
    run(lake, Synonyms(), auto_clusters=True, k_table=[2, 3, 4])
    for model in MODELS:
        record = clustering_records(lake, OWN, DAY)[f"profiles_{model}"].record
        assert (record["reduce_used"], record["fit_dimensions"], record["k_used"]) == ("umap", 5, 3)
        assert sorted(map(len, themes_found(of_model(lake, model)))) == [1, 1, 1]


# -------------------------------------------------------------------- the end of vectors


def test_vectors_of_withdrawn_biographies_leave_all_caches(lake: Lake) -> None:
    said = {**themed(), "b0": "quodlibet aardvark", "b1": "twice  said", "b2": "twice said", "b3": "older words"}
    other = Synonyms(prefix="other ")
    publish_world(lake, said, days=[DAY])
    for embedder in (other, Synonyms()):
        run(lake, embedder)
        assert known(lake, embedder, "quodlibet aardvark", "twice said", "older words") == [True] * 3
    # An earlier day still has one of them, and a post and a tag have one.
    row = {
        "platform": "bluesky", "account_id": "b3", "model": "kmeans", "status": "noise", "bio": "older words",
        "bio_lang": "en", "n_terms": 1, "params_hash": "a" * 16, "day": EARLIER,
    }  # fmt: skip
    publish(lake, OWN, [row], [EARLIER])
    for account in ("b0", "b1", "b3"):
        del said[account]
    publish_world(lake, said, days=[DAY])
    told = run(lake, Synonyms())
    for embedder in (other, Synonyms()):
        assert known(lake, embedder, "quodlibet aardvark", "twice said", "older words") == [False, True, True]
    assert told[OWN]["vectors"]["dropped_from_cache"] == 2
    # By words, too, what is withdrawn goes.
    del said["b2"]
    publish_world(lake, said, days=[DAY])
    run(lake, Synonyms(), features="words")
    assert known(lake, other, "twice said", "goal own2") == [False, True]


def test_a_vector_that_a_post_or_a_tag_uses_stays_and_so_do_those_of_biographies(lake: Lake) -> None:
    embedder = Synonyms()
    said = {**themed(), "b0": "spoken", "b1": "tagged", "b2": "gone"}
    publish_world(lake, said, days=[DAY])
    run(lake, embedder)
    key = text_keys(pa.array(["spoken"]))[0].as_py().hex()
    post = {"platform": "bluesky", "post_id": "q", "account_id": "b0", "text_key": key, "day": EARLIER}
    publish(lake, "feat_post_embeddings", [post | {"embedder_id": "e" * 16, "embedding": [1.0]}], [EARLIER])
    tag = {"tag": "tagged", "params_hash": "a" * 16, "day": EARLIER}
    publish(lake, "out_hashtag_clusters", [tag], [EARLIER])
    publish_world(lake, themed(), days=[DAY])
    run(lake, embedder)
    assert known(lake, embedder, "spoken", "tagged", "gone") == [True, True, False]
    # The other way round: posts that go leave the words to those who describe themselves by them.
    publish_world(lake, {**themed(), "b0": "spoken"}, days=[DAY])
    run(lake, embedder)
    publish(lake, "feat_post_embeddings", [], [EARLIER])
    words = {"platform": "bluesky", "post_kind": "post", "account_id": "b0", "day": DAY}
    texts = {"p1": "spoken", "p2": "only posted"}
    publish(lake, "core_posts", [words | {"post_id": name, "text": text} for name, text in texts.items()], [DAY])
    run(lake, embedder, ["feat_post_embeddings"])
    assert known(lake, embedder, "spoken", "only posted") == [True, True]
    publish(lake, "core_posts", [words | {"post_id": "p3", "text": "other"}], [DAY])
    run(lake, embedder, ["feat_post_embeddings"])
    assert known(lake, embedder, "spoken", "only posted") == [True, False]


class Weary(Synonyms):
    """Fails at its second batch."""

    def embed(self, tokens: Any) -> Any:
        if self.batches:
            raise EmbedderError("weary")
        return super().embed(tokens)


def test_a_run_that_dies_leaves_a_note_of_what_it_encoded(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vector_cache, "FLUSH_TEXTS", 1)
    said: dict[str, str | None] = {f"a{n}": f"word{n} " * 200 for n in range(8)}
    publish_world(lake, said, days=[DAY])
    with pytest.raises(EmbedderError, match="weary"):
        run(lake, Weary())
    assert not abandoned_notes(lake)
    (noted,) = abandoned_notes(lake, "bios").values()
    keys = text_keys(normalise_texts(pa.array(list(said.values()))))
    assert {bytes(key).ljust(16, b"\0") for key in noted} == set(keys.to_pylist())
    # The next run, by words, ends those that nobody says any more.
    stored = [bio or "" for bio in said.values()]
    assert any(known(lake, Weary(), *stored))
    publish_world(lake, {**themed(), "b0": said["a0"]}, days=[DAY])
    run(lake, Synonyms(), features="words")
    assert not abandoned_notes(lake, "bios")
    assert not any(known(lake, Weary(), *stored[1:]))


def test_an_emptied_cache_is_named_with_what_brings_it_back(lake: Lake) -> None:
    publish_world(lake, themed(), days=[DAY])
    run(lake, Synonyms())
    rmtree(lake.path("lake", "_embeddings"))
    with pytest.raises(VectorCacheError, match=rf"61 of 61 texts .* Materialise out_profile_clusters for {DAY} again"):
        run(lake, Synonyms(), ["out_map_points"])


# -------------------------------------------------------------------- bad input


def test_a_day_without_biographies_has_statuses_and_no_cluster(lake: Lake) -> None:
    publish_world(lake, {"a0": None, "a1": INVISIBLE}, days=[DAY])
    told = run(lake, Synonyms(), (OWN, *SUMMARIES))
    for model in MODELS:
        statuses = {account: row["status"] for account, row in of_model(lake, model).items()}
        assert statuses == {"a0": "no_bio", "a1": "no_known_word"}
    assert told["out_map_points"]["rows_out"] == 0


def test_the_space_of_terms_is_refused(lake: Lake) -> None:
    publish_world(lake, themed(), days=[DAY])
    with pytest.raises(OptionError, match="space svd"):
        run(lake, Synonyms(), hdbscan_space="terms")


def test_languages_that_the_model_does_not_know_are_told(lake: Lake) -> None:
    said = {f"a{n}": f"Je suis professeur de mathématiques et j'aime les grandes villes numéro {n}" for n in range(5)}
    publish_world(lake, said | {"b0": "I am a teacher and I like large cities by the sea"}, days=[DAY])
    embedder = Synonyms()
    embedder.languages = ("en",)
    assert "embedder_language: 83% of the biographies" in run(lake, embedder)[OWN]["notices"]
    embedder.languages = ("en", "fr")
    assert "embedder_language" not in run(lake, embedder)[OWN].get("notices", "")
