"""`open_audiences` and its commands: what they answer is what brute force over the follows answers."""

from __future__ import annotations

import subprocess
import sys
from datetime import date
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from follow_lake import FEATURES, day_number, publish_follows, run

import sm_assets
from sm_assets.analysis.account_names import account_ids, names_of
from sm_assets.audience_queries import Audiences
from sm_assets.cli import main
from sm_assets.contracts import TABLES
from sm_assets.errors import OptionError, SketchInputError, SketchMismatchError, UnknownAccounts
from sm_assets.kernels.account_keys import hash_ids
from sm_assets.kernels.sketch import sketch_csr
from sm_assets.settings import Settings
from sm_assets.storage import Lake

Edge = tuple[str, str, str]
DAYS = [day_number(n) for n in range(3)]
HAND = {"A": "1234", "B": "345", "C": "9"}


def planted() -> list[Edge]:
    """30 influencers of two circles, the hand case of three small accounts, and a namesake on another platform."""
    rng = np.random.default_rng(4)
    edges: set[Edge] = set()
    for number in range(30):
        circle = 1000 * (number % 2)
        for follower in circle + rng.choice(1500, size=int(rng.integers(150, 600)), replace=False):
            edges.add(("twitter", f"u{follower}", f"i{number:02d}"))
    edges |= {("twitter", follower, account) for account, ids in HAND.items() for follower in ids}
    edges |= {("bluesky", f"b{k}", account) for k in range(150) for account in ("i00", "only")}
    return sorted(edges)


@pytest.fixture(scope="module")
def sets() -> dict[tuple[str, str], set[str]]:
    found: dict[tuple[str, str], set[str]] = {}
    for platform, follower, followed in planted():
        found.setdefault((platform, followed), set()).add(follower)
    return found


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake whose follows came over three days, with profiles and communities."""
    root = tmp_path_factory.mktemp("lake")
    lake = Lake(Settings(data_root=str(root), profile="tiny", threads=1, memory_limit="512MB", start_day=DAYS[0]))
    edges = planted()
    place = np.random.default_rng(5).choice([0, 1, 2], size=len(edges), p=[0.8, 0.1, 0.1])
    publish_follows(lake, {day: [e for e, n in zip(edges, place, strict=True) if n == k] for k, day in enumerate(DAYS)})
    assert run(lake, DAYS[0], DAYS[-1], FEATURES)
    names = {"i01": "Ada", "i03": "Same", "i05": "same", "A": "Small", "i07": "moved"}
    profiles = [
        {"platform": "twitter", "account_id": account, "handle": handle, "display_name": f"The {handle}",
         "roles": ["profile"], "profile_from_later": False, "first_seen_day": DAYS[0], "day": DAYS[0]}
        for account, handle in names.items()
    ]  # fmt: skip
    publish(lake, "core_accounts", profiles, DAYS[:1])
    publish(lake, "core_accounts", [profiles[-1] | {"handle": "Moved_On", "day": DAYS[1]}], DAYS[1:2])
    members = [
        {"platform": "twitter", "account_id": f"i{n:02d}", "community_id": f"twitter:i{n % 2:02d}", "status": "member",
         "stability": 1.0, "strength": 1.0, "n_neighbours": 14, "n_followers": 100, "day": DAYS[-1]}
        for n in range(30)
    ]  # fmt: skip
    publish(lake, "out_audience_members", members, DAYS[-1:])
    return root


def publish(lake: Lake, table: str, rows: list[dict[str, Any]], days: list[date]) -> None:
    contract = TABLES[table]
    full = [{name: row.get(name) for name in contract.column_names} for row in rows]
    lake.publish(contract, pa.Table.from_pylist(full, contract.plain_schema), days)


@pytest.fixture(scope="module")
def audiences(root: Path) -> Audiences:
    return sm_assets.open_audiences(root)


def jaccard(one: set[str], other: set[str]) -> float:
    return len(one & other) / len(one | other)


# --------------------------------------------------------------------- neighbours


def test_neighbours_are_those_of_brute_force(audiences: Audiences, sets: dict[tuple[str, str], set[str]]) -> None:
    own = sets["twitter", "i04"]
    others = {a: jaccard(own, s) for (p, a), s in sets.items() if p == "twitter" and a != "i04" and len(s) >= 100}
    wanted = sorted((a for a in others if others[a]), key=lambda a: (-others[a], a))[:8]
    rows = audiences.neighbours("i04", top=8).to_pylist()
    assert [row["account_id"] for row in rows] == wanted
    assert [row["rank"] for row in rows] == list(range(1, 9))
    for row in rows:
        other = sets["twitter", row["account_id"]]
        assert row["n_followers"] == len(other)
        assert row["n_shared"] == len(own & other)
        assert row["jaccard_exact"] == pytest.approx(others[row["account_id"]])
        assert row["containment"] == pytest.approx(len(own & other) / len(own))
        assert row["neighbour_containment"] == pytest.approx(len(own & other) / len(other))
        assert abs(row["jaccard_estimated"] - row["jaccard_exact"]) < 5 * row["jaccard_se"]
        assert row["community_id"] == f"twitter:i{int(row['account_id'][1:]) % 2:02d}"


def test_estimates_read_no_followers(root: Path, sets: dict[tuple[str, str], set[str]]) -> None:
    audiences = sm_assets.open_audiences(root)
    table = audiences.neighbours("i04", exact=False)
    assert "n_shared" not in table.column_names
    estimated = table["jaccard_estimated"].to_pylist()
    assert estimated == sorted(estimated, reverse=True)
    exact = [jaccard(sets["twitter", "i04"], sets["twitter", a]) for a in table["account_id"].to_pylist()]
    assert np.abs(np.array(estimated) - exact).max() < 0.2
    assert "_key_days" not in audiences.__dict__


def test_handles_name_accounts(audiences: Audiences) -> None:
    by_id = audiences.neighbours("i01")
    assert by_id.equals(audiences.neighbours("@ada"))
    assert by_id.equals(audiences.neighbours("ADA", "twitter"))
    assert audiences.neighbours("same").equals(audiences.neighbours("i03"))
    assert audiences.neighbours("moved_on").equals(audiences.neighbours("i07"))
    for name in ("moved", "@moved"):
        with pytest.raises(UnknownAccounts):
            audiences.neighbours(name)
        with pytest.raises(UnknownAccounts):
            audiences.exact_overlap([name, "i01"])
    assert len(audiences.exact_overlap(["@MOVED_ON", "i01"])) == 1
    assert "The Ada" in audiences.neighbours("i02", top=29)["display_name"].to_pylist()


def test_one_rule_for_names_with_an_at(audiences: Audiences) -> None:
    by_id = audiences.neighbours("i02", "twitter")
    assert by_id.equals(audiences.neighbours("@i02", "twitter"))
    assert audiences.around("@i02").equals(audiences.around(["i02"]))
    assert audiences.exact_overlap(["@i02", "@B"]).equals(audiences.exact_overlap(["i02", "B"]))
    with pytest.raises(UnknownAccounts, match="@B has 3 followers up to"):
        audiences.neighbours("@B")


def test_names_to_ids() -> None:
    rows = [("1", "@Ann"), ("@1", None), ("ann", None), ("2", "3"), ("3", None), ("4", "dup"), ("5", "DUP"), ("6", "")]
    table = pa.table({"account_id": [row[0] for row in rows], "handle": pa.array([row[1] for row in rows])})
    wanted = {"1": "1", "@1": "@1", "ann": "ann", "@ann": "1", "ANN": "1", "3": "3", "@3": "2", "@dup": "4", "@6": "6",
              "@x": "@x", "@": "@", "": ""}  # fmt: skip
    assert dict(zip(wanted, account_ids(table, wanted), strict=True)) == wanted
    assert names_of("12") == ["12"]
    assert names_of(12) == ["12"]
    assert names_of(name for name in ("a", 1)) == ["a", "1"]


def test_the_platform_is_found_or_asked_for(audiences: Audiences) -> None:
    assert audiences.platforms == ["bluesky", "twitter"]
    assert audiences.neighbours("only")["account_id"].to_pylist() == ["i00"]
    with pytest.raises(OptionError, match="found on bluesky and twitter; give the platform"):
        audiences.neighbours("i00")
    assert audiences.neighbours("i00", "bluesky")["account_id"].to_pylist() == ["only"]
    assert audiences.neighbours("only", "bluesky")["community_id"].to_pylist() == [None]
    with pytest.raises(OptionError, match="give the platform"):
        audiences.exact_overlap(["i00", "i00"])


# ------------------------------------------------------------------------ overlaps


def test_exact_overlaps_of_accounts_of_any_size(audiences: Audiences, sets: dict[tuple[str, str], set[str]]) -> None:
    accounts = ["i09", "A", "i02", "C", "B"]
    rows = audiences.exact_overlap(accounts).to_pylist()
    assert [(row["account_id_a"], row["account_id_b"]) for row in rows] == list(combinations(accounts, 2))
    for row in rows:
        one, other = sets["twitter", row["account_id_a"]], sets["twitter", row["account_id_b"]]
        assert (row["n_followers_a"], row["n_followers_b"], row["n_shared"]) == (len(one), len(other), len(one & other))
        assert row["jaccard"] == pytest.approx(jaccard(one, other))
        assert row["containment_a"] == pytest.approx(len(one & other) / len(one))
        assert row["containment_b"] == pytest.approx(len(one & other) / len(other))


def test_the_hand_case(audiences: Audiences) -> None:
    row, *others = audiences.exact_overlap(["@small", "B", "C"]).to_pylist()
    assert (row["account_id_a"], row["n_shared"]) == ("A", 2)
    assert row["jaccard"] == pytest.approx(0.4)
    assert (row["containment_a"], row["containment_b"]) == (pytest.approx(0.5), pytest.approx(2 / 3))
    assert [other["n_shared"] for other in others] == [0, 0]


# -------------------------------------------------------------------------- around


@pytest.mark.parametrize("method", ["minhash_similarity", "agglomerative", "personalised_pagerank"])
def test_around_seeds_are_those_of_their_circle(audiences: Audiences, method: str) -> None:
    table = audiences.around(["@ada", "i03", "i05"], method)
    assert table["method"].unique().to_pylist() == [method]
    assert table["rank"].to_pylist() == list(range(1, len(table) + 1))
    accounts = table["account_id"].to_pylist()
    assert len(accounts) >= 12
    assert not {"i01", "i03", "i05"} & set(accounts)
    assert all(int(account[1:]) % 2 for account in accounts[:8])
    assert set(table["community_id"].to_pylist()[:8]) == {"twitter:i01"}


def test_edge_files_and_the_lake_answer_alike(audiences: Audiences, tmp_path: Path) -> None:
    lines = [f"{follower},{followed}\n" for platform, follower, followed in planted() if platform == "twitter"]
    (tmp_path / "e.csv").write_text("follower,influencer\n" + "".join(lines))
    found = sm_assets.find_audiences(tmp_path / "e.csv", ["i01", "i03", "i05"], platform="twitter")
    names = ["method", "rank", "account_id", "score", "n_followers"]
    assert found.search.select(names).to_pylist() == audiences.around(["i01", "i03", "i05"]).select(names).to_pylist()


def test_signatures_for_other_programs(audiences: Audiences, sets: dict[tuple[str, str], set[str]]) -> None:
    ids, signatures = audiences.signatures("twitter")
    assert ids == sorted(a for (p, a), s in sets.items() if p == "twitter" and len(s) >= 100)
    keys = hash_ids("twitter", pa.array(sorted(sets["twitter", ids[3]])))
    assert np.array_equal(signatures[3:4], sketch_csr(keys, np.array([0, len(keys)]), audiences.spec.k))
    assert audiences.signatures("tiktok")[1].shape == (0, audiences.spec.k)


def test_all_methods_and_short_rankings(audiences: Audiences) -> None:
    table = audiences.around(["i03"], max_members=4)
    assert table["rank"].to_pylist() == [1, 2, 3, 4] * 3


# ------------------------------------------------------------------ days and errors


def test_days_are_snapshots(root: Path, audiences: Audiences) -> None:
    assert audiences.day == DAYS[-1]
    first = sm_assets.open_audiences(str(root), DAYS[0])
    early = first.exact_overlap(["i01", "i03"]).to_pylist()[0]
    late = audiences.exact_overlap(["i01", "i03"]).to_pylist()[0]
    assert early["n_followers_a"] < late["n_followers_a"]
    assert first.neighbours("i01")["community_id"].null_count == 10
    with pytest.raises(OptionError, match=r"no snapshot of 2020-01-01; the newest are of 2024-03-01, 2024-03-02"):
        sm_assets.open_audiences(root, date(2020, 1, 1))


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (
            lambda a: a.neighbours("nobody"),
            r"nobody is not among the 35 followed accounts of bluesky, twitter up to 2024-",
        ),
        (lambda a: a.neighbours("nobody", "bluesky"), "nobody is not among the 2 followed accounts of bluesky up to"),
        (lambda a: a.neighbours("i00", "tiktok"), "i00 is not among the 0 followed accounts of tiktok"),
        (lambda a: a.neighbours("@small"), "@small has 4 followers up to .* exact_overlap counts such accounts too"),
        (lambda a: a.around(["i01", "x"]), "x is not among the 33 followed accounts of twitter"),
        (lambda a: a.exact_overlap(["i01", "x", "y"]), "x is not among .* twitter .*; y is not"),
    ],
)
def test_unknown_accounts_are_told_in_a_sentence(audiences: Audiences, ask: Any, message: str) -> None:
    with pytest.raises(UnknownAccounts, match=message):
        ask(audiences)


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda a: a.around([]), "No account is named"),
        (lambda a: a.exact_overlap(["i01"]), "two accounts or more; found i01"),
        (lambda a: a.exact_overlap(["i01", "@ada"]), "two accounts or more; found i01"),
        (lambda a: a.exact_overlap([]), "two accounts or more; found none"),
        (lambda a: a.neighbours("i01", top=0), "^top must be at least 1; found 0.$"),
        (lambda a: a.neighbours("i01", top=2.5), r"^top must be a whole number; found 2\.5"),
        (lambda a: a.neighbours(None), "account: ids or handles are texts or whole numbers; found None"),
        (lambda a: a.around(["i01", None]), "seeds: ids or handles .* found None"),
        (lambda a: a.around("i01", max_members="4"), "max_members must be a whole number; found '4'"),
        (lambda a: a.exact_overlap("i01"), "two accounts or more; found i01"),
        (lambda a: a.exact_overlap([b"i01", "i02"]), "accounts: ids or handles .* found b'i01'"),
        (lambda a: a.around(["i01"], "pagerank"), "method must be one of"),
    ],
)
def test_what_cannot_be_asked(audiences: Audiences, ask: Any, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        ask(audiences)


def test_without_a_snapshot_it_is_said_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=r"no snapshot of audiences.*landing/edges.*sm-assets audiences"):
        sm_assets.open_audiences(tmp_path / "nothing")
    assert not (tmp_path / "nothing").exists()


def test_files_that_lost_their_metadata_or_have_other_keys_are_refused(root: Path, tmp_path: Path) -> None:
    import shutil

    shutil.copytree(root / "lake", tmp_path / "lake", ignore=shutil.ignore_patterns("_staging"))
    keys = tmp_path / "lake" / "feat_follow_keys" / f"day={DAYS[1]}" / "part-0.parquet"
    table, digest = pq.read_table(keys), pq.read_metadata(keys).metadata[b"sm.digest"]
    pq.write_table(table.replace_schema_metadata({"sm.key": "native/0", "sm.digest": digest}), keys)
    audiences = sm_assets.open_audiences(tmp_path)
    assert len(audiences.neighbours("i01", exact=False)) == 10
    with pytest.raises(SketchMismatchError, match="native/0"):
        audiences.neighbours("i01")
    pq.write_table(table.replace_schema_metadata({"sm.key": "native/0", "sm.digest": b"0" * 32}), keys)
    with pytest.raises(SketchMismatchError, match=f"made from other keys than those of {DAYS[1]} now"):
        sm_assets.open_audiences(tmp_path)
    snapshot = tmp_path / "lake" / "feat_audiences" / f"day={DAYS[2]}" / "part-0.parquet"
    pq.write_table(pq.read_table(snapshot).replace_schema_metadata({}), snapshot)
    with pytest.raises(SketchMismatchError, match="materialise it again"):
        sm_assets.open_audiences(tmp_path)


def test_keys_of_another_type_are_refused(root: Path, tmp_path: Path) -> None:
    import shutil

    shutil.copytree(root / "lake", tmp_path / "lake", ignore=shutil.ignore_patterns("_staging"))
    for day in DAYS:
        path = tmp_path / "lake" / "feat_follow_keys" / f"day={day}" / "part-0.parquet"
        table, metadata = pq.read_table(path), pq.read_metadata(path).metadata
        place = table.schema.get_field_index("follower_key")
        table = table.set_column(place, "follower_key", pa.array(np.arange(len(table))))
        pq.write_table(table.replace_schema_metadata({k: v for k, v in metadata.items() if k.startswith(b"sm.")}), path)
    with pytest.raises(SketchInputError, match="follower_key must be uint64"):
        sm_assets.open_audiences(tmp_path).exact_overlap(["i01", "i02"])


def test_questions_load_no_dagster(root: Path) -> None:
    code = (
        f"import sys, sm_assets; a = sm_assets.open_audiences({str(root)!r}); a.around(['i01']); a.neighbours('i01'); "
        "print([name for name in ('dagster', 'scipy', 'sknetwork', 'matplotlib') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# ------------------------------------------------------------------------ commands


def test_commands(root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "rows.csv"
    assert main(["neighbours", "@ada", "--data-root", str(root), "--top", "3", "--output-path", str(out)]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed[0].split()[:2] == ["rank", "account_id"]
    assert len(printed) == 5
    assert len(out.read_text().splitlines()) == 4
    assert main(["neighbours", "i01", "--estimated", "--day", str(DAYS[0]), "--data-root", str(root)]) == 0
    assert "n_shared" not in capsys.readouterr().out
    assert main(["overlap", "A", "B", "C", "--data-root", str(root)]) == 0
    first = capsys.readouterr().out.splitlines()[2].split()
    assert first == ["A", "B", "4", "3", "2", "0.4000", "0.5000", "0.6667"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["neighbours", "nobody"], "nobody is not among the 35 followed accounts"),
        (["neighbours", "i00"], "give the platform"),
        (["neighbours", "i01", "--top", "0"], "sm-assets: top must be at least 1; found 0.\n"),
        (["overlap", "A"], "two accounts or more"),
        (["overlap", "A", "B", "--day", "1999-01-01"], "no snapshot of 1999-01-01"),
        (["neighbours", "i01", "--output-path", "/nowhere/at/all.csv"], "does not exist"),
    ],
)
def test_commands_say_what_is_wrong(
    root: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert main([*arguments, "--data-root", str(root)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert message in err
    assert "Traceback" not in err
