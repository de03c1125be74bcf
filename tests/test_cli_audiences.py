"""`sm-assets audiences` and `find_audiences`: from edge files to communities and rankings, as a person meets them."""

from __future__ import annotations

import csv
import json
import random
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import sm_assets
from sm_assets.cli import main
from sm_assets.demo.audience_world import PlantedAudiences, planted_bipartite
from sm_assets.errors import InputError, LandingError, OptionError, UnknownAccounts
from sm_assets.oneshot.audience_report import text_table
from sm_assets.oneshot.audiences import FoundAudiences

HAND = [(1, "A"), (2, "A"), (3, "A"), (4, "A"), (3, "B"), (4, "B"), (5, "B"), (9, "C")]


@pytest.fixture(scope="module")
def world() -> PlantedAudiences:
    return planted_bipartite(3, n_influencers=300, n_communities=8, n_followers=12_000)


@pytest.fixture(scope="module")
def edges(world: PlantedAudiences, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The planted world as CSV, in no order."""
    path = tmp_path_factory.mktemp("edges") / "follows.csv"
    rows = [f"u{a},i{b}" for a, b in zip(world.follower.tolist(), world.influencer.tolist(), strict=True)]
    random.Random(1).shuffle(rows)
    path.write_text("\n".join(["follower,influencer", *rows, ""]))
    return path


@pytest.fixture(scope="module")
def seeds(world: PlantedAudiences) -> list[str]:
    """Five accounts of one planted community with some followers, the largest one left out."""
    sizes = np.bincount(world.influencer, minlength=len(world.community))
    own = np.flatnonzero(world.community == 2)
    return [f"i{row}" for row in own[np.argsort(-sizes[own])][1:6]]


@pytest.fixture(scope="module")
def found(edges: Path, seeds: list[str]) -> FoundAudiences:
    return sm_assets.find_audiences(edges, seeds)


def write(path: Path, pairs: Sequence[tuple[object, object]], header: str = "follower,influencer") -> Path:
    path.write_text("".join(f"{line}\n" for line in [header, *(f"{a},{b}" for a, b in pairs)] if line))
    return path


def full(path: Path, *, n: int = 120, accounts: tuple[str, ...] = ("a", "b")) -> Path:
    """Accounts with n followers each, all the same."""
    return write(path, [(f"u{k}", account) for account in accounts for k in range(n)])


# ------------------------------------------------------------------ what is found


def test_planted_communities_are_found(world: PlantedAudiences, found: FoundAudiences) -> None:
    mixed = Counter[str]()
    for row in found.members.to_pylist():
        planted = int(world.community[int(row["account_id"][1:])])
        if row["community_id"] and planted >= 0:
            mixed[f"{row['community_id']} {planted}"] += 1
    largest: dict[str, int] = {}
    for name, n in mixed.items():
        community = name.split()[0]
        largest[community] = max(largest.get(community, 0), n)
    assert sum(mixed.values()) > 100
    assert sum(largest.values()) >= 0.97 * sum(mixed.values())
    assert sum(n >= 5 for n in largest.values()) >= 7


@pytest.mark.parametrize("method", ["minhash_similarity", "agglomerative", "personalised_pagerank"])
def test_those_around_the_seeds_are_of_their_community(
    world: PlantedAudiences, found: FoundAudiences, seeds: list[str], method: str
) -> None:
    rows = [row for row in found.search.to_pylist() if row["method"] == method]
    assert [row["rank"] for row in rows] == list(range(1, len(rows) + 1))
    assert not {row["account_id"] for row in rows} & set(seeds)
    first = [int(row["account_id"][1:]) for row in rows[:10]]
    assert len(first) == 10
    assert np.mean(world.community[first] == 2) >= 0.9
    home = Counter(row["community_id"] for row in found.seeds.to_pylist()).most_common(1)[0][0]
    assert sum(row["community_id"] == home for row in rows[:10]) >= 9


def test_sizes_and_overlaps_are_those_of_brute_force(world: PlantedAudiences, found: FoundAudiences) -> None:
    sets: dict[str, set[int]] = {}
    for follower, influencer in zip(world.follower.tolist(), world.influencer.tolist(), strict=True):
        sets.setdefault(f"i{influencer}", set()).add(follower)
    sizes = {row["account_id"]: row["n_followers"] for row in found.members.to_pylist()}
    assert sizes == {account: len(own) for account, own in sets.items() if len(own) >= 100}
    for row in found.overlap.to_pylist()[::7]:
        assert row["n_shared"] == len(sets[row["account_id"]] & sets[row["neighbour_account_id"]])
    for row in found.pairs.to_pylist()[::7]:
        one, other = sets[row["account_id_a"]], sets[row["account_id_b"]]
        assert (row["n_shared"], row["jaccard"]) == (
            len(one & other),
            pytest.approx(len(one & other) / len(one | other)),
        )


def test_tables_are_those_of_the_lake_without_day(found: FoundAudiences) -> None:
    from sm_assets.contracts import TABLES

    for table, rows in (
        ("out_audience_communities", found.communities),
        ("out_audience_members", found.members),
        ("out_audience_overlap", found.overlap),
    ):
        assert rows.column_names == [name for name in TABLES[table].column_names if name != "day"]
    wanted = [n for n in TABLES["out_influencer_search"].column_names if n not in ("day", "search_name")]
    assert found.search.column_names == [*wanted, "community_id", "status"]


def test_the_hand_case(tmp_path: Path) -> None:
    found = sm_assets.find_audiences(write(tmp_path / "e.csv", HAND), min_followers=1)
    rows = {(row["account_id"], row["neighbour_account_id"]): row for row in found.overlap.to_pylist()}
    assert set(rows) == {("A", "B"), ("B", "A")}
    assert rows["A", "B"]["n_shared"] == 2
    assert rows["A", "B"]["jaccard_exact"] == pytest.approx(0.4)
    assert rows["A", "B"]["containment"] == pytest.approx(0.5)
    assert rows["A", "B"]["neighbour_containment"] == pytest.approx(2 / 3)
    assert {row["account_id"]: row["n_followers"] for row in found.members.to_pylist()} == {"A": 4, "B": 3, "C": 1}
    assert {row["status"] for row in found.members.to_pylist()} == {"isolated"}


def test_order_and_number_of_files_change_nothing(
    edges: Path, tmp_path: Path, found: FoundAudiences, seeds: list[str]
) -> None:
    lines = edges.read_text().splitlines()[1:]
    cut = len(lines) // 3
    for name, part in (("b.csv", lines[:cut]), ("a.csv", lines[cut - 500 :])):
        (tmp_path / name).write_text("\n".join(["follower,influencer", *reversed(part), ""]))
    again = sm_assets.find_audiences([tmp_path / "b.csv", tmp_path / "a.csv"], reversed(seeds))
    for name in ("communities", "members", "overlap", "search", "pairs"):
        assert getattr(again, name).equals(getattr(found, name)), name
    assert (found.report.duplicates, again.report.duplicates) == (0, 500)


@pytest.mark.parametrize("form", ["tsv", "snap", "parquet", "npy", "gz"])
def test_every_form_says_the_same(form: str, world: PlantedAudiences, tmp_path: Path) -> None:
    pairs = np.stack([world.follower, world.influencer], axis=1)[:20_000]
    csv = sm_assets.find_audiences(write(tmp_path / "e.csv", pairs.tolist()), min_followers=50)
    path = tmp_path / f"other.{form}"
    if form == "tsv":
        path.write_text("follower\tinfluencer\n" + "".join(f"{a}\t{b}\n" for a, b in pairs.tolist()))
    elif form == "snap":
        path.write_text("# follows\n" + "".join(f"{a} {b}\n" for a, b in pairs.tolist()))
    elif form == "parquet":
        pq.write_table(pa.table({"follower": pairs[:, 0], "influencer": pairs[:, 1]}), path)
    elif form == "npy":
        np.save(path, pairs)
    else:
        import gzip

        path.write_bytes(gzip.compress((tmp_path / "e.csv").read_bytes()))
    other = sm_assets.find_audiences(path, min_followers=50)
    assert len(csv.members) > 50
    assert other.members.equals(csv.members)
    assert other.overlap.equals(csv.overlap)


# ---------------------------------------------------------------------- direction


def test_direction_by_option_by_sidecar_and_by_folder(tmp_path: Path) -> None:
    right = sm_assets.find_audiences(write(tmp_path / "e.csv", HAND), min_followers=1).members
    turned = write(tmp_path / "turned.csv", [(b, a) for a, b in HAND], header="source,target")
    assert not sm_assets.find_audiences(turned, min_followers=1).members.equals(right)
    by_option = sm_assets.find_audiences(turned, min_followers=1, direction="second_follows_first")
    assert by_option.members.equals(right)
    (tmp_path / "turned.csv.meta.json").write_text(json.dumps({"direction": "second_follows_first"}))
    assert sm_assets.find_audiences(turned, min_followers=1).members.equals(right)
    over = sm_assets.find_audiences(turned, min_followers=1, direction="first_follows_second")
    assert over.members.equals(right)
    assert "holds over first_follows_second" in over.report.notices[0]

    folder = tmp_path / "landing" / "edges" / "twitter" / "lists"
    folder.mkdir(parents=True)
    (folder.parents[1] / "_meta.json").write_text(json.dumps({"direction": "second_follows_first"}))
    placed = sm_assets.find_audiences(
        write(folder / "x.csv", [(b, a) for a, b in HAND], "source,target"), min_followers=1
    )
    assert placed.members["account_id"].equals(right["account_id"])
    assert placed.members["platform"].unique().to_pylist() == ["twitter"]


def test_a_header_that_names_the_ends_holds_over_the_option(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    right = sm_assets.find_audiences(write(tmp_path / "e.csv", HAND), min_followers=1).members
    turned = write(tmp_path / "turned.csv", [(b, a) for a, b in HAND], header="followed,follower")
    for direction in (None, "first_follows_second", "second_follows_first", "mutual"):
        found = sm_assets.find_audiences(turned, min_followers=1, direction=direction)
        assert found.members.equals(right)
        notes = [note for note in found.report.notices if "turned.csv" in note]
        assert bool(notes) == (direction in ("first_follows_second", "mutual"))
        assert all(f"(followed, follower), which holds over {direction}" in note for note in notes)
    (tmp_path / "turned.csv.meta.json").write_text('{"direction": "second_follows_first"}')
    assert sm_assets.find_audiences(turned, min_followers=1).members.equals(right)
    (tmp_path / "turned.csv.meta.json").write_text('{"direction": "first_follows_second"}')
    code, out, err = run(capsys, turned)
    assert (code, out) == (2, "")
    assert "names the ends followed, follower" in err
    assert "stated is first_follows_second" in err


def test_platforms_are_kept_apart(tmp_path: Path) -> None:
    one = full(tmp_path / "one.csv", accounts=("a", "b", "c", "d"))
    two = full(tmp_path / "two.csv", accounts=("a", "z"))
    (tmp_path / "two.csv.meta.json").write_text('{"platform": "bluesky"}')
    found = sm_assets.find_audiences([one, two], ["a"], platform="twitter", min_followers=10)
    pairs = {(r["platform"], r["account_id"], r["neighbour_account_id"]) for r in found.overlap.to_pylist()}
    assert ("bluesky", "a", "z") in pairs
    assert not {p for p in pairs if p[0] == "twitter" and "z" in p}
    assert {(r["platform"], r["account_id"]) for r in found.seeds.to_pylist()} == {("bluesky", "a"), ("twitter", "a")}
    assert "minhash_similarity on bluesky" in found.summary


def test_a_file_that_looks_the_other_way_round_is_named(tmp_path: Path) -> None:
    many = write(tmp_path / "many.csv", [(f"u{k % 3}", f"v{k}") for k in range(60)], "source,target")
    found = sm_assets.find_audiences(many, min_followers=1)
    assert any("direction_suspect" in note and "3 accounts follow 60" in note for note in found.report.notices)

    one = write(tmp_path / "one.csv", [(f"u{k}", f"v{k % 7}") for k in range(60)], "source,target")
    (tmp_path / "one.csv.meta.json").write_text('{"direction": "first_follows_second"}')
    back = write(tmp_path / "back.csv", [(f"v{k % 7}", f"u{k}") for k in range(40)], "source,target")
    notices = sm_assets.find_audiences([back, one], min_followers=1).report.notices
    assert any("back.csv: 40 of its 40 edges stand the other way round" in note for note in notices)
    lead = write(tmp_path / "lead.csv", [(f"v{k}", f"u{k % 3}") for k in range(60)], "target,source")
    notices = sm_assets.find_audiences(lead, min_followers=1).report.notices
    (note,) = [note for note in notices if "direction_suspect" in note]
    assert (
        "'the second column follows the first'; if the first follows the second, say --direction first_follows" in note
    )
    again = sm_assets.find_audiences(lead, min_followers=1, direction="first_follows_second")
    assert len(again.members) == 3
    named = write(tmp_path / "named.csv", [(f"u{k % 3}", f"v{k}") for k in range(60)])
    assert not [n for n in sm_assets.find_audiences(named, min_followers=1).report.notices if "suspect" in n]
    same = write(tmp_path / "same.csv", [(f"u{k}", f"v{k % 7}") for k in range(40)], "source,target")
    assert not [n for n in sm_assets.find_audiences([same, one], min_followers=1).report.notices if "suspect" in n]


# ---------------------------------------------------------------------- bad input


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    code = main(["audiences", *map(str, arguments)])
    out, err = capsys.readouterr()
    assert "Traceback" not in out + err
    return code, out, err


def test_half_a_last_line_is_set_aside(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = full(tmp_path / "e.csv")
    path.write_text(path.read_text() + "u500,a")
    rejects = tmp_path / "rejects.csv"
    code, _, err = run(capsys, path, "--rejects-path", rejects)
    assert code == 0
    assert "241 rows read from 1 file: 240 accepted, 1 rejected (1 unterminated_last_line)" in err
    assert "unterminated_last_line" in rejects.read_text()
    assert run(capsys, path, "--strict")[0] == 3


def test_an_array_that_ends_early(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "e.npy"
    np.save(path, np.stack([np.arange(300), np.arange(300) % 2], axis=1))
    path.write_bytes(path.read_bytes()[:-24])
    code, _, err = run(capsys, path)
    assert code == 0
    assert "1 truncated_array" in err
    assert "2 influencers with at least 100 followers" in err


def test_large_and_negative_ids(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    big = 2**64 - 1
    followers = np.arange(200, dtype=np.uint64) + np.uint64(2**63)
    np.save(tmp_path / "big.npy", np.stack([followers, np.full(200, big, np.uint64)], axis=1))
    found = sm_assets.find_audiences(tmp_path / "big.npy")
    assert found.members["account_id"].to_pylist() == [str(big)]
    assert found.members["n_followers"].to_pylist() == [200]
    text = write(tmp_path / "big.txt", [], "").with_name("big.txt")
    text.write_text("".join(f"{2**63 + k} {big}\n" for k in range(200)) + f"1 {2**64}\n")
    assert sm_assets.find_audiences([tmp_path / "big.npy", text]).members.equals(found.members)

    signed = np.stack([np.arange(-20, 200), np.zeros(220, np.int64)], axis=1)
    np.save(tmp_path / "signed.npy", signed)
    code, _, err = run(capsys, tmp_path / "signed.npy")
    assert code == 0
    assert "20 rejected (20 bad_edge)" in err
    np.save(tmp_path / "none.npy", np.full((5, 2), -1))
    assert run(capsys, tmp_path / "none.npy")[0] == 3


def test_one_influencer_and_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one = full(tmp_path / "one.csv", accounts=("a",))
    code, out, err = run(capsys, one, "--output-folder", tmp_path / "out")
    assert (code, out) == (0, "")
    assert "1 influencer with at least 100 followers (1 isolated)" in err
    assert "no communities: no three influencers share more" in err
    assert (tmp_path / "out" / "members.csv").read_text().splitlines()[1].startswith("other,a,,isolated,")
    assert len((tmp_path / "out" / "overlap.csv").read_text().splitlines()) == 1

    code, out, err = run(capsys, full(tmp_path / "none.csv", n=7))
    assert (code, out) == (0, "")
    assert "of 2 followed accounts none has 100 followers, the largest has 7" in err
    code, _, err = run(capsys, full(tmp_path / "none.csv", n=7), "--seed", "a")
    assert code == 2
    assert "a has 7 followers, fewer than min_followers = 100" in err
    code, _, err = run(capsys, tmp_path / "none.csv", "--seed", "@b")
    assert code == 2
    assert "@b has 7 followers, fewer than min_followers = 100" in err


def test_self_follows_and_repeats_are_counted_and_do_not_count(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one, two = full(tmp_path / "one.csv"), full(tmp_path / "two.csv")
    one.write_text(one.read_text() + "a,a\na,a\n")
    code, _, err = run(capsys, one, two, "--output-folder", tmp_path / "out")
    assert code == 0
    assert "482 rows read from 2 files: 480 accepted, 0 rejected, 2 ignored (2 self_loop)" in err
    assert "240 follows of 2 accounts; 240 more were duplicates" in err
    rows = (tmp_path / "out" / "members.csv").read_text().splitlines()[1:]
    assert [row.split(",")[9] for row in rows] == ["120", "120"]
    assert run(capsys, write(tmp_path / "loops.csv", [("a", "a")] * 3))[0] == 3


def test_empty_files_and_files_of_labels(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    empty = write(tmp_path / "empty.csv", [], "")
    code, out, err = run(capsys, empty)
    assert (code, out) == (0, "")
    assert "holds no rows" in err
    assert "no influencer: no follow was read" in err
    accounts = ("a", "b", "c", "d", "e", "f")
    pairs = [(f"u{at // 3}-{k}", name) for at, name in enumerate(accounts) for k in range(150)]
    labels = write(
        tmp_path / "labels.csv", [(n, "football club" if n < "d" else "chess") for n in accounts], "id,label"
    )
    found = sm_assets.find_audiences([write(tmp_path / "e.csv", pairs), labels])
    assert found.communities["n_members"].to_pylist() == [3, 3]
    assert "chess" in found.communities["label_terms"].to_pylist()[1]
    lines = found.report.lines()
    assert "906 accepted" in lines[0]
    assert lines[1] == "900 follows of 6 accounts; 0 more were duplicates; 6 labels of 6 accounts"
    _, _, err = run(capsys, write(tmp_path / "e2.csv", [(1, "a"), (2, "a")], "user_id,target"))
    assert "no follow was read, only labels" in err
    assert "0 follows of 0 accounts; 0 more were duplicates; 2 labels of 2 accounts" in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["missing.csv"], "no such file"),
        (["{folder}"], "is a folder"),
        (["{edges}", "--min-followers", "0"], "min_followers must lie between"),
        (["{edges}", "--resolution", "0"], "resolution must lie above 0"),
        (["{edges}", "--resolution", "nan"], "resolution must lie above 0"),
        (["{edges}", "--runs", "0"], "n_runs must lie"),
        (["{edges}", "--registers", "4096"], "registers must lie"),
        (["{edges}", "--gexf"], "give --output-folder"),
        (["{edges}", "--output-path", "{edges}"], "would overwrite the input"),
        (["{edges}", "--output-folder", "{edges}"], "is no folder"),
        (["{edges}", "--output-folder", "/nowhere/at/all"], "cannot be made"),
        (["{edges}", "--seed", " "], "a seed is empty"),
        (["{edges}", "--seed", "a", "--registers", "1"], "registers must be at least 2 where seeds are given"),
        (["{binary}"], "no edge list: the first line is"),
        (["{edges}", "--seed", "nobody"], "nobody is not among the 2 followed accounts"),
        (["{odd}"], "no known edge list"),
        (["{bad}"], "unknown keys"),
        (["{wrong}"], "direction is 'sideways'"),
    ],
)
def test_what_cannot_be_used_is_said_in_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    edges = full(tmp_path / "edges.csv")
    odd = write(tmp_path / "odd.csv", [("x", "y,z")], "title,text,more")
    bad, wrong = full(tmp_path / "bad.csv"), full(tmp_path / "wrong.csv")
    (tmp_path / "bad.csv.meta.json").write_text('{"directoin": "mutual"}')
    (tmp_path / "wrong.csv.meta.json").write_text('{"direction": "sideways"}')
    binary = tmp_path / "binary"
    binary.write_bytes(b"\x07\x1b[31m" * 5000)
    names = {"folder": tmp_path, "edges": edges, "odd": odd, "bad": bad, "wrong": wrong, "binary": binary}
    code, out, err = run(capsys, *(argument.format(**names) for argument in arguments))
    assert (code, out) == (2, "")
    assert err.startswith("sm-assets: ")
    assert message in err
    assert err.removesuffix("\n").isprintable()
    assert len(err) < 1000
    assert edges.read_text().startswith("follower,influencer")


def test_errors_in_python(tmp_path: Path) -> None:
    edges = full(tmp_path / "edges.csv")
    with pytest.raises(OptionError, match="no input file"):
        sm_assets.find_audiences([])
    with pytest.raises(OptionError, match="method must be one of"):
        sm_assets.find_audiences(edges, ["a"], methods=["pagerank"])
    with pytest.raises(OptionError, match="direction must be one of"):
        sm_assets.find_audiences(edges, direction="up")
    with pytest.raises(UnknownAccounts, match="None of the 2 seeds"):
        sm_assets.find_audiences(edges, ["x", 17])
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"n_runs": 2.5}, r"n_runs must be a whole number; found 2\.5"),
        ({"min_followers": "5"}, "min_followers must be a whole number; found '5'"),
        ({"registers": True}, "registers must be a whole number; found True"),
        ({"resolution": "1"}, "resolution must be a number; found '1'"),
        ({"seeds": [None]}, "seeds: ids or handles are texts or whole numbers; found None"),
        ({"seeds": ["a", 1.5]}, r"found 1\.5"),
        ({"methods": None}, "no method; name one or more"),
    ]
    for options, message in wrong:
        with pytest.raises(OptionError, match=message):
            sm_assets.find_audiences(edges, **options)
    (tmp_path / "_meta.json").write_text("[]")
    with pytest.raises(LandingError, match="expected an object"):
        sm_assets.find_audiences(edges)
    (tmp_path / "_meta.json").write_text('{"platform": "myspace"}')
    with pytest.raises(InputError, match="platform is 'myspace'"):
        sm_assets.find_audiences(edges)


def test_one_seed_is_no_row_of_letters(tmp_path: Path) -> None:
    edges = full(tmp_path / "e.csv", accounts=("1", "2", "12"))
    for seed in ("12", 12, "@12", np.int64(12), ["12"]):
        found = sm_assets.find_audiences(edges, seed, methods="agglomerative")  # type: ignore[arg-type]
        assert found.seeds["account_id"].to_pylist() == ["12"]
        assert found.search["account_id"].to_pylist() == ["1", "2"]


def test_an_id_as_given_wins_over_one_without_its_at(tmp_path: Path) -> None:
    edges = full(tmp_path / "e.csv", accounts=("@a", "a", "@b", "c"))
    for seed, account in (("@a", "@a"), ("a", "a"), ("@b", "@b"), ("@c", "c")):
        found = sm_assets.find_audiences(edges, [seed], methods=["agglomerative"])
        assert found.seeds["account_id"].to_pylist() == [account]


def test_lists_in_csv_are_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    accounts = ("one; two", 'a "b"', "c", "d", "e", "f")
    pairs = [(f"u{at // 3}-{k}", f'"{name.replace(chr(34), chr(34) * 2)}"')
             for at, name in enumerate(accounts) for k in range(150)]  # fmt: skip
    code, _, _ = run(capsys, write(tmp_path / "e.csv", pairs), "--output-folder", tmp_path / "out")
    assert code == 0
    with (tmp_path / "out" / "communities.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    members = [json.loads(row["top_member_ids"]) for row in rows]
    assert sorted(map(sorted, members)) == sorted([sorted(accounts[:3]), sorted(accounts[3:])])


# ------------------------------------------------------------------------ command


def test_results_in_files(edges: Path, seeds: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import networkx as nx

    folder, main_file = tmp_path / "out", tmp_path / "main.csv"
    asked = [word for seed in ["@" + seeds[0], *seeds[1:], "nobody"] for word in ("--seed", seed)]
    options = ["--output-folder", folder, "--format", "parquet", "--gexf", "--output-path", main_file]
    code, out, err = run(capsys, edges, *asked, *options, "--max-members", 20, "--method", "agglomerative")
    assert code == 0
    assert out.startswith("Around ")
    assert "Communities of the ranked accounts" in out
    assert "note: 1 of 6 seeds left out: nobody is not among the" in err
    assert err.splitlines()[-1] == f"written to {folder / 'graph.gexf'}"
    names = ["communities.parquet", "graph.gexf", "members.parquet", "overlap.parquet", "search.parquet"]
    assert sorted(path.name for path in folder.iterdir()) == names
    search = pq.read_table(folder / "search.parquet")
    assert search["method"].unique().to_pylist() == ["agglomerative"]
    assert 0 < len(search) <= 20
    assert main_file.read_text().count("\n") == len(search) + 1
    with main_file.open(encoding="utf-8", newline="") as file:
        assert json.loads(next(csv.DictReader(file))["seeds"]) == search["seeds"][0].as_py()
    graph = nx.read_gexf(folder / "graph.gexf")
    members = pq.read_table(folder / "members.parquet")
    assert len(graph) == len(members)
    assert graph.number_of_edges() == sum(members["n_neighbours"].to_pylist()) // 2
    account = members["account_id"][0].as_py()
    assert graph.nodes[f"other:{account}"]["n_followers"] == members["n_followers"][0].as_py()


def test_without_options_the_communities_are_shown(edges: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, edges)
    assert code == 0
    assert out.startswith("The largest of ")
    assert "stability" in out.splitlines()[2]
    assert "written" not in err


def test_ids_cannot_write_to_the_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    accounts = (*(f"\x1b[31m{name}\x07" for name in "abc"), "d", "e", "f")
    pairs = [(f"u{at // 3}-{k}", name) for at, name in enumerate(accounts) for k in range(150)]
    code, out, err = run(capsys, write(tmp_path / "e.csv", pairs), "--seed", accounts[0], "--seed", "x\x1b[31m")
    assert code == 0
    assert "\x1b" not in out + err
    assert "\x07" not in out + err
    assert "[31mb" in out


def test_texts_say_that_runs_are_added(capsys: pytest.CaptureFixture[str]) -> None:
    from sm_assets.defs.assets.audience_communities import CommunitiesConfig

    with pytest.raises(SystemExit):
        main(["audiences", "--help"])
    told = " ".join(capsys.readouterr().out.split())
    assert "doubled up to 80 while two halves of them disagree" in told
    description = CommunitiesConfig.model_fields["n_runs"].description or ""
    assert "disagree it is doubled, up to 80" in description


def test_text_tables_align() -> None:
    text = text_table(["name", "n", "share"], [["a", 1234, 0.5], ["longer", 7, None]])
    assert text.splitlines() == [
        "name        n   share", "------  -----  ------", "a       1,234  0.5000", "longer      7       -",
    ]  # fmt: skip
