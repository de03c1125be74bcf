"""Attributes of accounts from labels and traits to values: trained, stored, used, refused, outdated.

Here: out_attribute_models, out_attribute_curves, out_account_attributes over a lake whose traits are synthetic. Not
here: training itself (`tests/analysis/test_attribute_training.py`), single files (`test_attribute_files`).
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import dagster as dg
import numpy as np
import pytest
from cluster_lake import publish
from forgetful import forgetful

from sm_assets.analysis.traits import TRAITS
from sm_assets.defs.attribute_stored import chosen_models, drop_left, left_models, stale_labels
from sm_assets.defs.run import whole_chain
from sm_assets.defs.sql import SQL_ROOT, open_select, upstreams
from sm_assets.errors import ModelFileError, OptionError
from sm_assets.settings import Settings
from sm_assets.storage import Lake

pytestmark = pytest.mark.usefixtures("no_catalogue")

FIRST, DAY, NEXT = date(2024, 3, 1), date(2024, 3, 2), date(2024, 3, 3)
KINDS = ("bot", "company", "person")
PER_CLASS, SPARE = 54, 10
TABLES = ("out_attribute_models", "out_attribute_curves", "out_account_attributes")
QUICK = {"models": ["linear_svm"], "grid": "quick"}
PURPOSE = "To see whether a <b>campaign</b> | reached adults."


def account(number: int) -> str:
    return f"did:plc:{number:04d}"


def publish_traits(lake: Lake, day: date, *, without: frozenset[int] = frozenset()) -> None:
    """Accounts of three kinds in turn; of the last ones two wrote little, two are like nobody, one states a place."""
    random = np.random.default_rng(3)
    rows = []
    for number in range(3 * (PER_CLASS + SPARE)):
        middle = np.where(np.arange(len(TRAITS)) % 3 == number % 3, 1.2, -0.4)
        values = 1 / (1 + np.exp(-(middle + random.normal(size=len(TRAITS)))))
        last = 3 * (PER_CLASS + SPARE) - number
        if last in (1, 2):
            values[:] = 0.0
        row = {name: float(value) for name, value in zip(TRAITS, values, strict=True)}
        row |= {"platform": "bluesky", "account_id": account(number), "n_posts": 5 if last in (3, 4) else 20}
        row |= {"place_country": "DE" if last == 5 else None, "params_hash": "a" * 16, "day": day}
        if number not in without:
            rows.append(row)
    publish(lake, "out_account_traits", rows, [day])


def publish_labels(lake: Lake, day: date = FIRST, *, without: frozenset[int] = frozenset(), age: bool = False) -> None:
    """Kinds of the first accounts, in groups of three; a few labels of one class, and of accounts that are unknown."""
    rows = []
    for number in range(3 * PER_CLASS):
        kinds = {"kind": KINDS[number % 3]} | ({"age_band": ("18-29", "30+")[number % 2]} if age else {})
        kinds |= {"mood": "glad"} if number < 60 else {}
        for attribute, value in kinds.items():
            if number not in without:
                rows.append(_label(number, attribute, value, day))
    rows += [_label(number, "kind", "bot", day) for number in range(9000, 9005)]
    publish(lake, "feat_account_labels", rows, [day])


def _label(number: int, attribute: str, value: str, day: date) -> dict[str, Any]:
    return {
        "platform": "bluesky",
        "account_id": account(number),
        "attribute": attribute,
        "value": value,
        "group": f"group {number % 3} {number // 9}",
        "labelled_at": datetime.combine(day, time(9)),
        "day": day,
    }


def run(root: Path, first: date = DAY, last: date = DAY, **config: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Metadata of the three tables, after a run over them."""
    settings = Settings(data_root=str(root), threads=2, start_day=FIRST, window_days=3)
    ops = {
        "train_attributes": {"config": QUICK | config.get("train", {})},
        "out_account_attributes": {"config": config.get("use", {})},
    }
    job = whole_chain(settings)
    with forgetful() as instance:
        done = job.execute_in_process(
            run_config={"ops": ops, "loggers": {"console": {"config": {"log_level": "ERROR"}}}},
            tags={"dagster/asset_partition_range_start": str(first), "dagster/asset_partition_range_end": str(last)},
            asset_selection=[dg.AssetKey(name) for name in TABLES],
            instance=instance,
        )
    events = done.get_asset_materialization_events()
    found: dict[str, dict[str, Any]] = {}
    for event in events:
        key = event.asset_key
        assert key is not None
        found[key.path[-1]] = {n: v.value for n, v in event.materialization.metadata.items()}
    return found


def rows(lake: Lake, table: str, day: date = DAY) -> list[dict[str, Any]]:
    with lake.connect() as con:
        return lake.register(con, lake.ref(table, [day])).to_arrow_table().to_pylist()


def lake_of(root: Path) -> Lake:
    return Lake(Settings(data_root=str(root), threads=1, start_day=FIRST, window_days=3))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, dict[str, Any]]]:
    root = tmp_path_factory.mktemp("attributes")
    lake = lake_of(root)
    publish_traits(lake, DAY)
    publish_labels(lake, age=True)
    told = run(
        root,
        train={"attributes": ["kind", "country", "mood"], "sensitive_attributes": {"age_band": PURPOSE}},
        use={"sensitive_attributes": ["age_band"]},
    )
    return root, told


@pytest.fixture
def copied(made: tuple[Path, dict[str, dict[str, Any]]], data_root: Path) -> Path:
    shutil.copytree(made[0], data_root / "root")
    return data_root / "root"


def test_kinds_are_found_and_every_account_has_a_row_for_each_attribute(made: tuple[Path, Any]) -> None:
    lake = lake_of(made[0])
    values = rows(lake, "out_account_attributes")
    n = 3 * (PER_CLASS + SPARE)
    assert len(values) == 3 * n
    kinds = {row["account_id"]: row for row in values if row["attribute"] == "kind"}
    given = {name: row["value"] for name, row in kinds.items() if row["value"]}
    right = [value == KINDS[int(name[-4:]) % 3] for name, value in given.items()]
    assert len(right) > 0.9 * n
    assert np.mean(right) > 0.9
    reasons = [kinds[account(n - last)]["reason"] for last in (1, 2, 3, 4)]
    assert reasons == ["unlike_training"] * 2 + ["too_few_posts"] * 2
    (model,) = [row for row in rows(lake, "out_attribute_models") if row["chosen"] and row["attribute"] == "kind"]
    assert {row["model_id"] for row in kinds.values()} == {model["model_id"]}
    assert {row["trained_on"] for row in kinds.values()} == {DAY}
    assert (model["n_labels"], model["n_groups"]) == (3 * PER_CLASS, 3 * PER_CLASS // 3)


def test_country_comes_from_places_alone_where_nothing_was_trained(made: tuple[Path, Any]) -> None:
    root, told = made
    country = [row for row in rows(lake_of(root), "out_account_attributes") if row["attribute"] == "country"]
    placed = [row for row in country if row["reason"] == "by_place"]
    assert [(row["value"], row["probability"], row["abstained"]) for row in placed] == [("DE", None, False)]
    assert placed[0]["model_id"].startswith("place-lookup/")
    assert placed[0]["trained_on"] is None
    rest = [row for row in country if row["reason"] != "by_place"]
    assert {(row["value"], row["reason"], row["model_id"]) for row in rest} == {(None, "no_model", None)}
    how = told["out_account_attributes"]["how_to_train"]
    assert "No model is there for: country." in how
    assert "platform,account_id,attribute,value,group" in how


def test_what_has_too_few_labels_is_told_and_fails_nothing(made: tuple[Path, Any]) -> None:
    notices = made[1]["out_attribute_models"]["notices"]
    assert "country: no model. There are no labels of it." in notices
    assert "mood: no model. All labels name one class (glad: 60 labels" in notices
    assert {row["attribute"] for row in rows(lake_of(made[0]), "out_attribute_models")} == {"kind", "age_band"}


def test_card_and_manifest_tell_all_and_name_nobody(made: tuple[Path, Any]) -> None:
    lake = lake_of(made[0])
    models = {row["attribute"]: row for row in rows(lake, "out_attribute_models") if row["chosen"]}
    for attribute, model in models.items():
        folder = Path(lake.path("models", attribute, model["model_id"]))
        card, manifest = (folder / "card.md").read_text(), (folder / "manifest.json").read_text()
        assert "did:plc" not in card + manifest
        assert card.count("](data:image/svg+xml;base64,") == 4
        for heading in ("Purpose", "Data", "Figures", "By class", "By language", "Curves", "Limits", "may not be used"):
            assert heading in card
        assert hashlib.sha256((folder / "model.skops").read_bytes()).hexdigest() == model["sha256"]
        assert hashlib.sha256(manifest.encode()).hexdigest() == model["manifest_sha256"]
        told = json.loads(manifest)
        assert told["traits"] == list(TRAITS)
        assert told["trained_on"] == str(DAY)
        assert len(told["account_digests"]) == 3 * PER_CLASS
    card = Path(lake.path("models", "age_band", models["age_band"]["model_id"], "card.md")).read_text()
    # The purpose stands there as text.
    assert "&lt;b&gt;campaign&lt;/b&gt; \\| reached adults." in card
    assert "minors" in card
    assert (
        "labels of accounts without traits on this day | 5 |"
        in Path(lake.path("models", "kind", models["kind"]["model_id"], "card.md")).read_text()
    )


def test_yardsticks_stand_beside_the_model_and_only_it_is_stored(made: tuple[Path, Any]) -> None:
    lake = lake_of(made[0])
    models = [row for row in rows(lake, "out_attribute_models") if row["attribute"] == "kind"]
    assert {row["algorithm"]: row["chosen"] for row in models} == {
        "linear_svm": True, "logistic_regression": False, "majority": False,
    }  # fmt: skip
    assert [row["sha256"] is not None for row in models] == [row["chosen"] for row in models]
    assert len(list(Path(lake.path("models", "kind")).iterdir())) == 1
    curves = {row["curve"] for row in rows(lake, "out_attribute_curves") if row["attribute"] == "kind"}
    assert curves == {"validation", "learning", "calibration", "risk_coverage"}


def _digests(root: Path) -> dict[str, str]:
    found = [*(path for name in TABLES for path in (root / "lake" / name).rglob("*.parquet")),
             *(path for path in (root / "models").rglob("*") if path.is_file())]  # fmt: skip
    return {str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest() for path in found}


def test_a_second_run_writes_the_same_bytes(copied: Path) -> None:
    before = _digests(copied)
    run(
        copied,
        train={"attributes": ["kind", "country", "mood"], "sensitive_attributes": {"age_band": PURPOSE}},
        use={"sensitive_attributes": ["age_band"]},
    )
    assert _digests(copied) == before


@pytest.mark.parametrize(
    ("train", "said"),
    [
        ({"attributes": ["gender"]}, "gender is sensitive"),
        ({"sensitive_attributes": {"age_band": " "}}, "needs a purpose"),
        ({"attributes": ["../kind"]}, "An attribute is named by"),
        ({"models": ["neural"]}, "found neural"),
        ({"models": []}, "found none"),
    ],
)
def test_what_must_not_be_trained_is_refused(copied: Path, train: dict[str, Any], said: str) -> None:
    before = _digests(copied)
    with pytest.raises(OptionError, match=said):
        run(copied, train=train)
    assert _digests(copied) == before


def test_sensitive_attributes_are_not_told_unless_named(copied: Path) -> None:
    lake = lake_of(copied)
    with pytest.raises(OptionError, match="age_band is sensitive"):
        run_values(copied, {"attributes": ["age_band"]})
    run_values(copied, {})
    assert {row["attribute"] for row in rows(lake, "out_account_attributes")} == {"kind", "country"}


def run_values(root: Path, config: dict[str, Any], day: date = DAY) -> None:
    settings = Settings(data_root=str(root), threads=1, start_day=FIRST, window_days=3)
    job = whole_chain(settings)
    with forgetful() as instance:
        job.execute_in_process(
            run_config={
                "ops": {"out_account_attributes": {"config": config}},
                "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},
            },
            tags={"dagster/asset_partition_range_start": str(day), "dagster/asset_partition_range_end": str(day)},
            asset_selection=[dg.AssetKey("out_account_attributes")],
            instance=instance,
        )


def test_a_model_of_another_day_serves_where_the_day_has_none(copied: Path) -> None:
    lake = lake_of(copied)
    for day in (FIRST, NEXT):
        publish_traits(lake, day)
        run_values(copied, {}, day)
        told = [row for row in rows(lake, "out_account_attributes", day) if row["attribute"] == "kind"]
        assert {row["trained_on"] for row in told} == {DAY}


@pytest.mark.parametrize("name", ["model.skops", "manifest.json"])
def test_a_tampered_model_is_refused_and_the_table_stays(copied: Path, name: str) -> None:
    lake = lake_of(copied)
    (path,) = Path(lake.path("models", "kind")).rglob(name)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))
    before = _digests(copied)
    with pytest.raises(ModelFileError, match="SHA-256"):
        run_values(copied, {})
    assert _digests(copied) == before


def test_a_model_that_learned_from_a_gone_account_is_named_and_then_replaced(copied: Path) -> None:
    lake = lake_of(copied)
    publish(
        lake,
        "core_tombstones",
        [
            {
                "platform": "bluesky", "entity": "account", "record_id": account(4), "action": "purge",
                "revision": "2024-03-02T10:00:00", "record_day": None, "day": DAY,
            }
        ],
        [DAY],
    )  # fmt: skip
    with lake.connect() as con:
        models = chosen_models(con, lake)
        found = stale_labels(con, lake, models)
    assert set(found.values()) == {1}
    assert len(found) == 2
    before = {model.model_id for model in models if model.attribute == "kind"}
    # The rows of the day are made again without the account, and with them the model.
    publish_traits(lake, DAY, without=frozenset({4}))
    told = run(copied)
    assert "stale_labels" not in told["out_attribute_models"]
    with lake.connect() as con:
        assert stale_labels(con, lake, chosen_models(con, lake)) == {}
    folders = {path.name for path in Path(lake.path("models", "kind")).iterdir()}
    assert len(folders) == 1
    assert not folders & before
    assert account(4) not in {row["account_id"] for row in rows(lake, "out_account_attributes")}


def test_folders_that_no_day_names_are_looked_at_and_then_removed(copied: Path) -> None:
    lake = lake_of(copied)
    with lake.connect() as con:
        (kind,) = [model for model in chosen_models(con, lake) if model.attribute == "kind"]
    folder = Path(lake.path("models", "kind"))
    # What a run leaves that ended before its tables were published.
    left = folder / "0123456789abcdef"
    shutil.copytree(folder / kind.model_id, left)
    told = json.loads((left / "manifest.json").read_text())
    told |= {"model_id": left.name, "account_digests": ["f" * 16, *told["account_digests"]]}
    (left / "manifest.json").write_text(json.dumps(told))
    (folder / "notes").mkdir()
    with lake.connect() as con:
        models = chosen_models(con, lake)
        assert left_models(lake, models) == [("kind", left.name)]
        assert stale_labels(con, lake, models, left_models(lake, models)) == {f"kind/{left.name} of no day": 1}
        assert drop_left(con, lake) == [f"kind/{left.name}"]
        assert left_models(lake, models) == []
    assert sorted(path.name for path in folder.iterdir()) == sorted([kind.model_id, "notes"])


def test_a_run_removes_what_earlier_runs_left(copied: Path) -> None:
    left = copied / "models" / "mood" / "0123456789abcdef"
    left.mkdir(parents=True)
    (left / "card.md").write_text("# Card")
    publish_labels(lake_of(copied), without=frozenset(range(9000)))
    run(copied)
    assert not left.exists()
    assert not list((copied / "models").glob("*/*"))


def test_notices_of_all_days_are_told(data_root: Path) -> None:
    lake = lake_of(data_root)
    publish_traits(lake, DAY)
    publish_traits(lake, NEXT)
    told = run(data_root, DAY, NEXT, train={"snapshots": "every_day"})["out_attribute_models"]["notices"]
    for day in (DAY, NEXT):
        assert f"- {day}: kind: no model. There are no labels of it." in told


def test_a_model_of_another_version_is_refused_and_the_table_stays(
    copied: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import skops

    before, here = _digests(copied), skops.__version__
    monkeypatch.setattr(skops, "__version__", "99.1")
    with pytest.raises(ModelFileError, match=rf"was made with skops {re.escape(here)}, here is 99\.1.*materialise"):
        run_values(copied, {})
    assert _digests(copied) == before


def test_values_of_labels_are_told_short_and_as_text(data_root: Path) -> None:
    lake = lake_of(data_root)
    publish_traits(lake, DAY)
    values = (
        ["<b>[x](y)</b>"] * 3 + ["only mine"] + [f"v{k:02d}" for k in range(20) for _ in range(2)] + ["z" * 90_000] * 2
    )
    publish(lake, "feat_account_labels", [_label(k, "mood", value, FIRST) for k, value in enumerate(values)], [FIRST])
    told = run(data_root, train={"attributes": ["mood"]})["out_attribute_models"]["notices"]
    assert "found &lt;b&gt;\\[x\\](y)&lt;/b&gt;: 3 labels" in told
    assert "; and 18 more." in told
    assert "only mine" not in told
    assert len(told) < 500


def test_labels_made_after_the_day_count_only_where_it_is_asked_for(data_root: Path) -> None:
    lake = lake_of(data_root)
    publish_traits(lake, DAY)
    publish_labels(lake, NEXT)
    told = run(data_root)
    assert "162 labels were made after 2024-03-02" not in told["out_attribute_models"]["notices"]
    assert "kind: 167 labels were made after 2024-03-02" in told["out_attribute_models"]["notices"]
    assert rows(lake, "out_attribute_models") == []
    run(data_root, train={"later_labels": True})
    assert {row["attribute"] for row in rows(lake, "out_attribute_models")} == {"kind"}


def test_without_any_label_all_is_null_with_the_reason(data_root: Path) -> None:
    lake = lake_of(data_root)
    publish_traits(lake, DAY)
    told = run(data_root)
    reasons = {(row["attribute"], row["reason"]) for row in rows(lake, "out_account_attributes")}
    assert reasons == {("kind", "no_model"), ("country", "no_model"), ("country", "by_place")}
    assert "No model is there for: kind, country." in told["out_account_attributes"]["how_to_train"]
    assert "kind: no model. There are no labels of it." in told["out_attribute_models"]["notices"]


# ------------------------------------------------------------------- checks


def broken(lake: Lake, table: str, check: str) -> int:
    path = SQL_ROOT / "checks" / table / f"{check}.sql"
    with lake.connect() as con:
        return len(open_select(con, lake, path, [lake.ref(name, [DAY]) for name in upstreams(path)], [DAY]).fetchall())


CHECKED = (
    ("out_attribute_models", "one_is_chosen"),
    ("out_account_attributes", "value_or_reason"),
    ("out_account_attributes", "every_account_has_a_row"),
)


def test_checks_find_nothing_in_what_was_made(made: tuple[Path, Any]) -> None:
    assert [broken(lake_of(made[0]), *check) for check in CHECKED] == [0, 0, 0]


@pytest.mark.parametrize(
    ("check", "where", "change"),
    [
        (CHECKED[0], {"algorithm": "linear_svm"}, {"sha256": None}),
        (CHECKED[0], {"algorithm": "linear_svm"}, {"chosen": False}),
        (CHECKED[0], {"algorithm": "majority"}, {"chosen": True, "sha256": "x", "manifest_sha256": "x"}),
        (CHECKED[1], {"reason": "too_few_posts"}, {"value": "bot"}),
        (CHECKED[1], {"reason": "too_few_posts"}, {"reason": None}),
        (CHECKED[1], {"reason": "by_place"}, {"abstained": True}),
        (CHECKED[1], {"reason": "no_model"}, {"model_id": "0123456789abcdef"}),
        (CHECKED[1], {"reason": None}, {"model_id": None}),
        (CHECKED[1], {"reason": None}, {"probability": None}),
        (CHECKED[2], {"account_id": account(0), "attribute": "kind"}, None),
    ],
)
def test_checks_find_one_broken_row(
    copied: Path, check: tuple[str, str], where: dict[str, Any], change: dict[str, Any] | None
) -> None:
    lake = lake_of(copied)
    table = check[0]
    all_rows = rows(lake, table)
    place = next(k for k, row in enumerate(all_rows) if all(row[name] == value for name, value in where.items()))
    changed = [*all_rows[:place], *([all_rows[place] | change] if change else []), *all_rows[place + 1 :]]
    publish(lake, table, changed, [DAY])
    assert broken(lake, *check) == 1
