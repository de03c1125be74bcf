"""Languages: labels of raw and of prepared texts, what is no label, models that cannot be used, days of posts."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import date, datetime, time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import dagster as dg
import duckdb
import pyarrow as pa
import pytest
from forgetful import forgetful
from hypothesis import given, settings
from hypothesis import strategies as st

from sm_assets.analysis import language
from sm_assets.analysis.language import MODEL, NO_TEXT, detect_languages, label_texts, prepare_texts
from sm_assets.contracts import TABLES
from sm_assets.defs.run import materialise_range
from sm_assets.defs.sql import input_file, prepare_shared
from sm_assets.errors import KernelError, OptionError
from sm_assets.storage import Lake

pytestmark = pytest.mark.usefixtures("no_catalogue")

DAY = date(2024, 3, 1)


@pytest.fixture
def unloaded() -> Iterator[None]:
    """No model in memory, before and after."""
    language._model.cache_clear()
    yield
    language._model.cache_clear()


def labels(*texts: str | None, **options: Any) -> list[dict[str, Any]]:
    return label_texts(pa.array(texts, pa.string()), **options).to_pylist()


def test_labels_and_probabilities_of_raw_texts() -> None:
    texts = pa.array(
        [
            "The weather is nice today",
            "Das Wetter ist heute\nsehr schön",
            "Il fait très beau aujourd'hui",
            "",
            None,
            " \n",
        ]
    )
    found, probabilities = detect_languages(texts)
    assert found.to_pylist() == ["en", "de", "fr", NO_TEXT, NO_TEXT, NO_TEXT]
    assert all(0.5 < p <= 1 for p in probabilities.to_pylist()[:3])
    assert probabilities.to_pylist()[3:] == [0.0, 0.0, 0.0]
    assert (found.type, probabilities.type) == (pa.string(), pa.float64())


def test_chunks_and_long_inputs_keep_their_order() -> None:
    texts = pa.chunked_array([["Guten Morgen, wie geht es Ihnen?"] * 3000, ["Good morning, how are you?"] * 3000])
    found, _ = detect_languages(texts)
    assert found.to_pylist() == ["de"] * 3000 + ["en"] * 3000
    assert label_texts(texts)["lang"].to_pylist() == ["de"] * 3000 + ["en"] * 3000


@pytest.mark.parametrize(
    ("text", "prepared"),
    [
        ("Read https://example.org/a?b=c#d, NOW", "read now"),
        ("Read (www.example.org/a) and bit.ly/3xYz now", "read ( and now"),
        ("Write to first.last+tag@mail.example.org soon", "write to soon"),
        ("@ann.bsky.social: yes, @bob@mastodon.example!", ": yes, !"),
        (".@ann hello and/or 3.5", ". hello and/or 3.5"),
        ("#Hello#World ＃go", "hello world go"),
        ("one\r\ntwo\u2028three\u00a0\u3000four\x00five\ufffd", "one two three four five"),
        ("見て https://example.org/xこんにちは", "見て こんにちは"),
        ("  \t\n ", ""),
        (None, ""),
    ],
)
def test_preparation(text: str | None, prepared: str) -> None:
    assert prepare_texts(pa.array([text], pa.string())).to_pylist() == [prepared]


def test_what_is_labelled_and_what_is_not() -> None:
    english = "What a lovely morning by the river, we should walk there again"
    sure, addressed, nothing, link, digits, emoji, single = labels(
        english, f"@ann {english} https://beispiel.example/das-ist-ein-deutscher-satz", None, "https://example.org/a",
        "12345", "👍👍", "猫",
    )  # fmt: skip
    assert (sure["lang"], sure["best_lang"], sure["reason"], sure["model"]) == ("en", "en", "ok", MODEL)
    assert sure["n_letters"] == sum(map(str.isalpha, english))
    assert addressed == sure, "addresses and handles are no text"
    for empty in (nothing, link):
        assert empty == {
            "lang": "und", "lang_prob": 0.0, "best_lang": None, "reason": "no_text", "n_letters": 0, "model": MODEL
        }  # fmt: skip
    for prior in (digits, emoji):
        assert (prior["lang"], prior["best_lang"], prior["reason"]) == ("und", "en", "low_prob")
        assert prior["lang_prob"] == pytest.approx(0.1245, abs=1e-4), "the model's prior"
    assert (single["lang"], single["reason"], single["n_letters"]) == ("und", "low_prob", 1)


def test_the_threshold_decides_and_the_first_label_stays() -> None:
    text = "Das ist ein schöner Tag, and everybody knows that it is"
    (loose,) = labels(text, min_lang_prob=0.0)
    (strict,) = labels(text, min_lang_prob=1.0)
    (equal,) = labels(text, min_lang_prob=loose["lang_prob"])
    assert loose["reason"] == equal["reason"] == "ok"
    assert (strict["lang"], strict["reason"]) == ("und", "low_prob")
    assert strict["best_lang"] == loose["lang"] == loose["best_lang"]
    assert labels("7", min_lang_prob=0.0)[0]["lang"] == "und", "a label needs two letters"
    for wrong in (-0.1, 1.1, float("nan"), "high"):
        with pytest.raises(OptionError, match="min_lang_prob must"):
            labels(text, min_lang_prob=wrong)
    with pytest.raises(KernelError, match="must hold text"):
        label_texts(pa.array([1, 2]))


def test_each_distinct_prepared_text_is_labelled_once_in_whatever_order(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = ["Guten Morgen, liebe Leute", "Buenos días a todos", "guten  morgen, liebe LEUTE https://a.example/x", None]
    asked: list[str] = []
    top_label = language._top_label
    monkeypatch.setattr(language, "_top_label", lambda model, line: asked.append(line) or top_label(model, line))
    found = labels(*texts)
    assert asked == ["guten morgen, liebe leute", "buenos días a todos"]
    assert labels(*reversed(texts)) == found[::-1]
    assert [row["lang"] for row in found] == ["de", "es", "de", "und"]


def test_long_and_odd_texts() -> None:
    long, sea = labels("we are the people of the sea " * 35_000, "the sea </s> \x00\ufffd\x1b[0m and the river\x7f\r")
    assert (long["lang"], long["n_letters"]) == ("en", 22 * 35_000)
    assert sea["best_lang"] == "en"
    assert label_texts(pa.array([], pa.string())).num_rows == 0


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=40), max_size=6))
def test_any_text_gets_a_row_that_the_contract_allows(texts: list[str]) -> None:
    for text, row in zip(texts, labels(*texts), strict=True):
        assert 0 <= row["lang_prob"] <= 1
        assert (row["lang"] == "und") == (row["reason"] != "ok")
        assert (row["best_lang"] is None) == (row["reason"] == "no_text")
        assert row["reason"] != "ok" or row["lang"] == row["best_lang"]
        assert row["n_letters"] <= len(text.lower())


def test_a_model_that_is_none_is_named(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="no language model at"):
        detect_languages(pa.array(["x"]), tmp_path / "none.ftz")
    (tmp_path / "bad.ftz").write_bytes(b"not a model at all, only text")
    with pytest.raises(OptionError, match="not a fastText model"):
        detect_languages(pa.array(["x"]), tmp_path / "bad.ftz")


@pytest.mark.usefixtures("unloaded")
def test_another_model_under_the_name_of_the_packaged_one_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    swapped = tmp_path / "lid.176.ftz"
    swapped.write_bytes(language.default_model_path().read_bytes()[:-1] + b"!")
    monkeypatch.setattr(language, "default_model_path", lambda: swapped)
    with pytest.raises(OptionError, match=f"expected is {language.MODEL_SHA256}"):
        labels("a text")
    with pytest.raises(OptionError, match="SHA-256"):
        detect_languages(pa.array(["a text"]))


class _BrokenByNumpy:
    """What the package `fasttext` 0.9.3 does with NumPy 2."""

    def predict(self, _text: str) -> None:
        raise ValueError("Unable to avoid copy while creating an array as requested.")


@pytest.mark.usefixtures("unloaded")
def test_the_other_package_of_that_name_is_recognised(monkeypatch: pytest.MonkeyPatch) -> None:
    other = SimpleNamespace(load_model=lambda _: _BrokenByNumpy(), __file__="/site-packages/fasttext/__init__.py")
    monkeypatch.setitem(sys.modules, "fasttext", other)
    with pytest.raises(OptionError, match=r"breaks with NumPy 2.*install.*fasttext-predict"):
        labels("a text")
    monkeypatch.setitem(sys.modules, "fasttext", None)
    with pytest.raises(OptionError, match=r"cannot be imported.*fasttext-predict"):
        labels("a text")


def publish(lake: Lake, table: str, rows: list[dict[str, Any]]) -> None:
    contract = TABLES[table]
    full = [{name: row.get(name) for name in contract.column_names} for row in rows]
    lake.publish(contract, pa.Table.from_pylist(full, contract.plain_schema), [DAY])


def post(number: int, text: str | None, account: str = "a") -> dict[str, Any]:
    return {
        "platform": "bluesky", "post_id": f"p{number:03d}", "account_id": account, "revision": "1",
        "operation": "create", "posted_at": datetime.combine(DAY, time(12, number % 60)), "time_source": "platform",
        "post_kind": "post", "text": text, "text_is_truncated": False, "media_kind": "none", "source": "bluesky",
        "source_file": "landing/bluesky/x.jsonl", "source_sha256": "f" * 64, "source_row": number + 1,
        "source_item": 0, "observed_at": datetime.combine(DAY, time(13)), "is_context": False, "edits_count": 0,
        "files_count": 1, "day": DAY,
    }  # fmt: skip


def test_days_of_posts_and_accounts(lake: Lake) -> None:
    posts = [
        post(1, "The boats come back to the harbour in the evening"),
        post(2, "Les bateaux reviennent au port dans la soirée"),
        post(3, "Les enfants jouent dans le jardin avec le chien"),
        post(4, "12 34"),
        post(5, None),
        post(6, "👍", account="quiet"),
    ]
    link = {key: posts[4][key] for key in ("platform", "post_id", "account_id", "posted_at", "revision", "day")} | {
        "ordinal": 0, "url": "https://a.example/x", "link_role": "external", "title": "Die Boote kommen abends zurück",
        "source_sha256": "f" * 64, "source_row": 6, "source_item": 0,
    }  # fmt: skip
    publish(lake, "core_posts", posts)
    publish(lake, "core_post_links", [link])
    with forgetful() as instance:
        assert materialise_range(
            lake.settings, DAY, DAY, tables=("feat_post_language", "feat_account_language"), instance=instance,
            raise_on_error=True, log_level="ERROR",
        )  # fmt: skip
        event = instance.get_latest_materialization_event(dg.AssetKey("feat_post_language"))
    assert event is not None
    assert event.asset_materialization is not None
    told = {name: value.value for name, value in event.asset_materialization.metadata.items()}
    assert {name: told[name] for name in ("rows_in", "reason/ok", "reason/low_prob", "rows_out")} == {
        "rows_in": 6, "reason/ok": 4, "reason/low_prob": 2, "rows_out": 6
    }  # fmt: skip
    with lake.connect() as con:
        for table in ("feat_post_language", "feat_account_language"):
            lake.register(con, lake.ref(table))
        assert con.sql("select lang, reason from feat_post_language order by post_id").fetchall() == [
            ("en", "ok"), ("fr", "ok"), ("fr", "ok"), ("und", "low_prob"), ("de", "ok"), ("und", "low_prob")
        ], "the headline of a link stands for a post without text"  # fmt: skip
        assert con.sql("select account_id, lang, n_posts from feat_account_language order by all").fetchall() == [
            ("a", "de", 1), ("a", "en", 1), ("a", "fr", 2), ("a", "und", 1), ("quiet", "und", 1)
        ]  # fmt: skip


def test_an_account_speaks_its_most_frequent_language_and_none_if_all_is_undetermined() -> None:
    days = {
        "most": [("fr", 1), ("fr", 2), ("en", 2), ("und", 9)], "tied": [("es", 1), ("es", 1), ("pt", 2)],
        "none": [("und", 4)],
    }  # fmt: skip
    with duckdb.connect() as con:
        for name in ("feat_account_content", "core_posts", "core_accounts", "feat_account_language"):
            con.execute(f"create table {name} as {TABLES[name].empty_sql()}")
        for account, counted in days.items():
            con.execute(
                f"insert into feat_account_content by name select 'bluesky' as platform, '{account}' as account_id"
            )
            con.execute(f"insert into core_posts by name select 'bluesky' as platform, '{account}' as account_id")
            for n, (lang, posts) in enumerate(counted):
                con.execute(
                    "insert into feat_account_language by name select 'bluesky' as platform, "
                    f"'{account}' as account_id, '{lang}' as lang, {posts} as n_posts, "
                    f"timestamp '2024-03-01' - to_days({n}) as first_at"
                )
        prepare_shared(con, input_file("out_cosharing_accounts"))
        found = con.sql(input_file("out_cosharing_accounts").read_text(encoding="utf-8"))
        assert dict(found.select("account_id, language").fetchall()) == {"most": "fr", "tied": "es", "none": None}
