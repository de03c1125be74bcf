"""Edge lists: forms, direction, ids, refusals, binary files, and the real files' counts."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sm_assets.contracts import TABLES
from sm_assets.errors import InputError, UnknownVintage
from sm_assets.settings import Settings
from sm_assets.sources.edges import open_file
from sm_assets.sources.edges_rows import SCHEMAS
from sm_assets.sources.intake import take_in
from sm_assets.sources.reading import REJECT_SCHEMA, ReadOptions
from sm_assets.storage import Lake

SQL = Path(__file__).parents[2] / "sql"
Row = dict[str, Any]


class Read:
    """Everything that one file gives."""

    def __init__(self, path: Path, **options: Any) -> None:
        self.batches: dict[str, list[pa.RecordBatch]] = {"edges": [], "nodes": []}
        self.rejects: list[Row] = []
        with open_file(path, ReadOptions(**options)) as reader:
            for chunk in reader:
                assert chunk.rejects.schema.equals(REJECT_SCHEMA)
                self.rejects += chunk.rejects.to_pylist()
                for record, batch in chunk.records.items():
                    assert batch.schema.equals(SCHEMAS[record])
                    assert len(batch) <= 1 << 16
                    self.batches[record].append(batch)
            self.manifest = reader.manifest
        json.dumps(self.manifest)
        counts = self.manifest
        assert counts["rows_out"] == len(self.edges) + len(self.nodes)
        refused = sum(counts["rejected"].values())
        assert refused == len(self.rejects)
        assert counts["rows_in"] == counts["rows_out"] + refused + sum(counts["ignored"].values())
        places = [(row["source_row"], row["source_item"]) for row in (*self.edges, *self.nodes)]
        assert places == sorted(set(places))
        assert len({(row["line"], row["byte_offset"]) for row in self.rejects}) == len(self.rejects)

    @property
    def edges(self) -> list[Row]:
        return [row for batch in self.batches["edges"] for row in batch.to_pylist()]

    @property
    def nodes(self) -> list[Row]:
        return [row for batch in self.batches["nodes"] for row in batch.to_pylist()]

    @property
    def follows(self) -> list[tuple[str, str]]:
        return [(row["parsed"]["follower_account_id"], row["parsed"]["followed_account_id"]) for row in self.edges]

    @property
    def weights(self) -> list[float | None]:
        return [row["parsed"]["weight"] for row in self.edges]

    @property
    def reasons(self) -> list[str]:
        return [row["reason"] for row in self.rejects]

    def staged(self, entity: str) -> list[Row]:
        """Rows of sql/staging over the raw rows, published on a day of their own."""
        record = {"follows": "edges", "accounts": "nodes"}[entity]
        with duckdb.connect() as con:
            con.register("read", pa.Table.from_batches(self.batches[record], SCHEMAS[record]))
            con.execute(
                f"create view raw_edges__{record} as select 'landing/edges/x' as source_file, 'abc' as source_sha256, "
                "'x' as vintage, 'x' as delivery, * replace (coalesce(observed_at, timestamp '2024-02-03 04:05:06') as "
                "observed_at, coalesce(day, date '2024-02-03') as day) from read"
            )
            found = con.sql((SQL / "staging" / "edges" / f"stg_edges__{entity}.sql").read_text(encoding="utf-8"))
            table = TABLES[f"stg_edges__{entity}"]
            assert table.missing_from(found.columns) == ([], [])
            con.register("staged", found.to_arrow_table())
            (broken,) = con.sql(table.rule_counts_sql(f"({table.cast_sql('staged')})")).fetchall()
            assert not any(broken)
            assert con.sql(table.duplicates_sql("staged")).fetchall() == [(0,)]
            counts = con.sql((SQL / "counts" / f"stg_edges__{entity}.sql").read_text(encoding="utf-8")).fetchall()
            rows: list[Row] = con.table("staged").to_arrow_table().to_pylist()
            assert counts == [("rows_in", len(rows))]
            return rows


def text(path: Path, content: str | bytes, name: str = "x") -> Path:
    file = path / name
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return file


@pytest.mark.parametrize(
    "header",
    [
        "follower,influencer",
        "follower,followed",
        "source,target",
        "src,dst",
        "from,to",
        "u,v",
        "id_1,id_2",
        "SOURCE,Target",
    ],
)
def test_known_pairs_name_the_ends(tmp_path: Path, header: str) -> None:
    first, second = header.split(",")
    read = Read(text(tmp_path, f"note,{second},{first}\nhello,2,1\n"))
    assert read.follows == [("1", "2")]
    assert (read.manifest["vintage"], read.edges[0]["extra"]) == ("csv", '{"note": "hello"}')
    assert (read.edges[0]["source_row"], read.edges[0]["source_line"]) == (1, 2)


def test_a_pair_that_lies_apart_is_found_and_a_weight_beside_it(tmp_path: Path) -> None:
    read = Read(text(tmp_path, "weight;target;x;source\n0.5;b;;a\n1e-3;c;;a\nheavy;d;;a\n;e;;a\ninf;f;;a\n"))
    assert read.follows == [("a", "b"), ("a", "c"), ("a", "d"), ("a", "e"), ("a", "f")]
    assert read.weights == [0.5, 0.001, None, None, None]
    assert read.edges[2]["edge_weight"] == "heavy"
    assert read.manifest["repairs"] == {"edge_weight/bad_number": 2}


def test_without_a_header_the_first_two_columns_are_the_ends(tmp_path: Path) -> None:
    read = Read(text(tmp_path, "1,2,x\n3,4,y\n"))
    assert read.follows == [("1", "2"), ("3", "4")]
    assert read.manifest["notices"] == []
    assert (read.edges[0]["source_row"], read.edges[0]["source_line"]) == (1, 1)
    assert Read(text(tmp_path, "1,2,0.5\n3,4,7\n")).weights == [0.5, 7.0]
    handles = Read(text(tmp_path, "alice\tbob\nbob\tcarol\n"))
    assert (handles.manifest["vintage"], handles.follows) == ("tsv", [("alice", "bob"), ("bob", "carol")])
    assert "the first line (alice, bob) was read as an edge" in handles.manifest["notices"][0]


def test_a_header_of_unknown_names_is_no_edge(tmp_path: Path) -> None:
    with pytest.raises(UnknownVintage, match=r"user, page.*lacks a pair of ends.*first_node"):
        Read(text(tmp_path, "user,page\n1,2\n"))
    stated = Read(text(tmp_path, "user,page\n1,2\n"), columns={"user": "second_node", "Page": "first_node"})
    assert stated.follows == [("2", "1")]
    with pytest.raises(UnknownVintage, match="first line is 'hello world'"):
        Read(text(tmp_path, "hello world\nhow are you\n"))
    for other in ("alpha,beta,gamma\na,b,c\n", '{"a": 1, "b": 2}\n', "[1, 2]\n", "Well, this is no edge.\n"):
        with pytest.raises(UnknownVintage, match="lacks a pair of ends"):
            Read(text(tmp_path, other))


def test_tsv_with_header_and_marks(tmp_path: Path) -> None:
    read = Read(text(tmp_path, "\ufefffollower\tinfluencer\r\n1\t2\r\n3\t4\r\n"))
    assert (read.manifest["vintage"], read.manifest["encoding"]) == ("tsv", "utf-8")
    assert read.follows == [("1", "2"), ("3", "4")]
    wide = Read(text(tmp_path, "source,target\n1,é\n".encode("utf-16")))
    assert wide.follows == [("1", "é")]


def test_snap_comments_blanks_weights_and_tabs(tmp_path: Path) -> None:
    read = Read(text(tmp_path, "# Directed graph\n# FromNodeId\tToNodeId\n\n1\t2 \n 3   4\t0.25 \r\n# end\n5 6 x\n"))
    assert read.manifest["vintage"] == "snap"
    assert read.follows == [("1", "2"), ("3", "4"), ("5", "6")]
    assert read.weights == [None, 0.25, None]
    assert [(row["source_row"], row["source_line"]) for row in read.edges] == [(1, 4), (2, 5), (3, 7)]
    assert read.manifest["repairs"] == {"edge_weight/bad_number": 1}
    assert Read(text(tmp_path, "# pairs\n1, 2\n3,4\n")).follows == [("1", "2"), ("3", "4")]
    assert Read(text(tmp_path, "source target weight\n1 2 3\n")).weights == [3.0]
    assert Read(text(tmp_path, "# nothing but words\n")).manifest["rows_in"] == 0


def test_a_first_line_of_sizes_is_no_edge(tmp_path: Path) -> None:
    read = Read(text(tmp_path, "5 3\n0 1\n1 2\n5 4\n"))
    assert read.follows == [("0", "1"), ("1", "2"), ("5", "4")]
    assert (read.edges[0]["source_row"], read.edges[0]["source_line"], read.manifest["rows_in"]) == (1, 2, 3)
    assert "states sizes (5 nodes, 3 edges)" in read.manifest["notices"][0]
    # One edge more or less, or a node beyond the stated number, and it is an edge like the others.
    assert Read(text(tmp_path, "5 3\n0 1\n1 2\n")).follows[0] == ("5", "3")
    assert Read(text(tmp_path, "5 3\n0 1\n1 2\n6 4\n")).follows[0] == ("5", "3")


def test_direction_is_assumed_or_stated(tmp_path: Path) -> None:
    file = text(tmp_path, "source,target\n1,2\n4,4\n,5\n")
    assumed = Read(file)
    assert (assumed.manifest["direction"], assumed.manifest["direction_origin"]) == ("first_follows_second", "assumed")
    assert assumed.follows == [("1", "2")]
    turned = Read(file, direction="second_follows_first")
    assert (turned.manifest["direction_origin"], turned.follows) == ("stated", [("2", "1")])
    assert (turned.edges[0]["first_node"], turned.edges[0]["second_node"]) == ("1", "2")
    both = Read(file, direction="mutual")
    assert both.follows == [("1", "2"), ("2", "1")]
    assert [(row["source_row"], row["source_item"]) for row in both.edges] == [(1, 0), (1, 1)]
    assert both.manifest["rows_in"] == 4
    assert both.manifest["ignored"] == {"self_loop": 1}
    assert both.reasons == ["bad_edge"]
    with pytest.raises(InputError, match="direction is 'upwards'"):
        Read(file, direction="upwards")


def turned_round(folder: Path, form: str, first: str = "followed", second: str = "follower") -> Path:
    """User 2 follows page 1, the followed one in the first column."""
    path = folder / f"x.{form}"
    if form == "parquet":
        pq.write_table(pa.table({first: [1], second: [2]}), path)
    elif form == "npy":
        np.save(path, np.array([(1, 2)], dtype=[(first, int), (second, int)]))
    else:
        mark = {"csv": ",", "tsv": "\t", "txt": " "}[form]
        path.write_text(f"{first}{mark}{second}\n1{mark}2\n")
    return path


@pytest.mark.parametrize("form", ["csv", "tsv", "txt", "parquet", "npy"])
def test_a_true_statement_turns_nothing_that_the_header_names(tmp_path: Path, form: str) -> None:
    file = turned_round(tmp_path, form)
    named = Read(file)
    told = named.manifest["direction"], named.manifest["direction_origin"]
    assert (named.follows, *told) == ([("2", "1")], "second_follows_first", "named")
    agreed = Read(file, direction="second_follows_first")
    assert (agreed.follows, agreed.manifest["direction_origin"]) == ([("2", "1")], "stated")
    with pytest.raises(InputError, match=r"names the ends followed, follower.*stated is first_follows_second"):
        Read(file, direction="first_follows_second")
    assert sorted(Read(file, direction="mutual").follows) == [("1", "2"), ("2", "1")]
    usual = turned_round(tmp_path, form, "Follower", "influencer")
    assert Read(usual).manifest["direction_origin"] == "named"
    assert Read(usual, direction="first_follows_second").follows == [("1", "2")]
    with pytest.raises(InputError, match=r"names the ends follower, influencer.*stated is second_follows_first"):
        Read(usual, direction="second_follows_first")


@pytest.mark.parametrize("form", ["csv", "tsv", "txt", "parquet", "npy"])
def test_a_statement_speaks_of_the_columns_as_they_stand(tmp_path: Path, form: str) -> None:
    file = turned_round(tmp_path, form, "target", "source")
    assumed = Read(file)
    assert (assumed.follows, assumed.manifest["direction_origin"]) == ([("2", "1")], "assumed")
    assert assumed.manifest["direction"] == "second_follows_first"
    stated = Read(file, direction="first_follows_second")
    assert (stated.follows, stated.manifest["direction_origin"]) == ([("1", "2")], "stated")
    assert (stated.edges[0]["first_node"], stated.edges[0]["second_node"]) == ("1", "2")
    assert "target first, source second" in stated.manifest["notices"][0]
    assert Read(file, direction="second_follows_first").follows == [("2", "1")]


def test_columns_of_a_sidecar_say_which_is_first(tmp_path: Path) -> None:
    file = turned_round(tmp_path, "csv", "target", "source")
    columns = {"source": "first_node", "target": "second_node"}
    assert Read(file, columns=columns).follows == [("2", "1")]
    assert Read(file, columns=columns, direction="second_follows_first").follows == [("1", "2")]
    assert Read(file, columns={"target": "first_node"}, direction="first_follows_second").follows == [("1", "2")]
    named = turned_round(tmp_path, "csv", "page", "follower")
    columns = {"page": "first_node", "follower": "second_node"}
    assert Read(named, columns=columns).follows == [("2", "1")]
    with pytest.raises(InputError, match="names the ends page, follower"):
        Read(named, columns=columns, direction="first_follows_second")


def test_a_file_that_contradicts_its_sidecar_is_set_aside(tmp_path: Path) -> None:
    lake = Lake(Settings(data_root=str(tmp_path), profile="tiny", threads=1, memory_limit="512MB"))
    folder = tmp_path / "landing" / "edges"
    folder.mkdir(parents=True)
    turned_round(folder, "csv")
    (folder / "x.csv.meta.json").write_text('{"direction": "first_follows_second"}')
    intake = take_in(lake, "edges")
    assert not intake.files
    assert "names the ends followed, follower, which is second_follows_first" in intake.unusable["landing/edges/x.csv"]
    (folder / "x.csv.meta.json").write_text('{"direction": "second_follows_first"}')
    (kept,) = take_in(lake, "edges").files
    assert kept.manifest["direction_origin"] == "stated"


def test_what_a_file_says_is_cut_and_escaped_in_sentences(tmp_path: Path) -> None:
    long = Read(text(tmp_path, f"{'a' * 3000},{'b' * 3000}\nc,d\n")).manifest["notices"][0]
    assert len(long) < 160
    assert "aaa...) was read as an edge" in long
    for content in (bytes(range(256)) * 40, b"\x00\x01\x1b[31m" * 2000, b"\x07" + b"x," * 30_000):
        with pytest.raises(UnknownVintage) as refused:
            Read(text(tmp_path, content))
        assert str(refused.value).isprintable()
        assert len(str(refused.value)) < 1200


def test_platform_is_stated_or_told_by_the_folder(tmp_path: Path) -> None:
    file = text(tmp_path, "1,2\n")

    def platform(**options: Any) -> str:
        read = Read(file, **options)
        assert read.edges[0]["parsed"]["platform"] == read.manifest["platform"]
        found: str = read.manifest["platform"]
        return found

    assert platform() == "other"
    assert platform(place="edges/twitter/2020/x") == "twitter"
    assert platform(place="edges/friends/x") == "other"
    assert platform(place="edges/twitter") == "other"
    assert platform(place="edges/twitter/x", platform="bluesky") == "bluesky"


def test_ids_are_text_without_leading_zeros(tmp_path: Path) -> None:
    largest = str(2**64 - 1)
    read = Read(text(tmp_path, f"source,target\n007,000\n {largest} ,1\n@a,did:plc:x\n00x,{2**64}\n-a,é é\n"))
    assert read.follows == [("7", "0"), (largest, "1"), ("@a", "did:plc:x"), ("00x", str(2**64)), ("-a", "é é")]
    assert (read.edges[0]["first_node"], read.edges[1]["first_node"]) == ("007", f" {largest} ")
    plain = Read(text(tmp_path, f"007 000\n{largest} 1\n"))
    assert plain.follows == [("7", "0"), (largest, "1")]


def test_what_is_no_edge_is_refused_and_counted(tmp_path: Path) -> None:
    read = Read(text(tmp_path, "source,target\n1,2\n,3\n4,\n-5,6\n7\n8,9,10\n01,1\n"))
    assert read.follows == [("1", "2")]
    assert read.reasons == ["bad_edge", "bad_edge", "bad_edge", "missing_columns", "extra_columns"]
    assert read.manifest["ignored"] == {"self_loop": 1}
    assert read.rejects[0] == {
        "line": 3, "byte_offset": 18, "byte_length": 2, "record": 2, "reason": "bad_edge",
        "detail": "the first node is empty", "raw_excerpt": ",3", "day": None,
    }  # fmt: skip
    assert read.rejects[2]["detail"] == "the first node is a negative number"
    plain = Read(text(tmp_path, f"1 2\n3\n4 x\n-5 6\n{2**64} 7\n8 9 1 1\n1 1\n"))
    assert plain.follows == [("1", "2")]
    assert plain.reasons == ["bad_edge"] * 4 + ["extra_columns"]
    assert [row["line"] for row in plain.rejects] == [2, 3, 4, 5, 6]
    assert plain.rejects[1]["raw_excerpt"] == "4 x"
    assert plain.manifest["ignored"] == {"self_loop": 1}


@pytest.mark.parametrize("content", ["source,target\n1,2\n3,45", "1 2\n3 45", "1\t2\n3\t45", "# c\n1,2\n3,45"])
def test_a_last_line_without_end_is_refused(tmp_path: Path, content: str) -> None:
    read = Read(text(tmp_path, content))
    assert read.follows == [("1", "2")]
    assert read.reasons == ["unterminated_last_line"]
    assert read.rejects[0]["raw_excerpt"] in {"3,45", "3 45", "3\t45"}
    assert read.rejects[0]["byte_offset"] == len(content) - 4


def test_empty_and_header_only_files_have_no_rows(tmp_path: Path) -> None:
    assert Read(text(tmp_path, "source,target\n")).manifest["rows_in"] == 0
    blank = Read(text(tmp_path, "\n \n"))
    assert (blank.manifest["vintage"], blank.manifest["rows_in"]) == ("empty", 0)


@pytest.mark.parametrize(("header", "mark"), [("source,target\n", ","), ("", " ")])
def test_compressed_files_and_cut_ones(tmp_path: Path, header: str, mark: str) -> None:
    pairs = np.random.default_rng(1).integers(1, 10**9, (40_000, 2)).tolist()
    content = (header + "".join(f"{a}{mark}{b}\n" for a, b in pairs)).encode()
    want = [(str(a), str(b)) for a, b in pairs]
    assert Read(text(tmp_path, content)).follows == want
    packed = gzip.compress(content[:100_000]) + gzip.compress(content[100_000:])
    assert Read(text(tmp_path, packed)).follows == want
    cut = Read(text(tmp_path, packed[: len(packed) // 2]))
    assert cut.reasons == ["truncated_stream"]
    assert 0 < len(cut.follows) < 40_000
    assert cut.follows == want[: len(cut.follows)]


def test_times_come_from_the_export(tmp_path: Path) -> None:
    file = text(tmp_path, "source,target\n1,2\n")
    unknown = Read(file)
    assert (unknown.edges[0]["day"], unknown.edges[0]["observed_at"]) == (None, None)
    assert unknown.manifest["exported_at"] is None
    stated = Read(file, exported_at=datetime(2021, 7, 5, 23, tzinfo=UTC))
    assert stated.edges[0]["day"] == date(2021, 7, 5)
    assert stated.edges[0]["observed_at"] == stated.edges[0]["exported_at"] == datetime(2021, 7, 5, 23)
    assert stated.manifest["exported_at_origin"] == "stated"
    named = Read(text(tmp_path, "source,target\n1,2\n", "2021-07-05-22-49-20-BRT-friends.csv"))
    assert (named.edges[0]["day"], named.manifest["exported_at_origin"]) == (date(2021, 7, 6), "file_name")


def test_staged_follows_and_accounts(tmp_path: Path) -> None:
    read = Read(text(tmp_path, "source,target,weight\n1,02,0.5\n"), place="edges/twitter/x", is_snapshot=False)
    (row,) = read.staged("follows")
    assert row["follow_id"] == "1>2"
    assert (row["platform"], row["is_snapshot"], row["weight"], row["followed_at"]) == ("twitter", False, 0.5, None)
    assert (row["time_source"], row["revision"]) == ("observed", "2024-02-03T04:05:06.000000Z")
    assert Read(text(tmp_path, "1,2\n")).staged("follows")[0]["is_snapshot"] is True
    nodes = Read(text(tmp_path, "id,name,Label\n007,x,red\n,y,blue\n8,z,\n"))
    assert nodes.manifest["vintage"] == "nodes"
    assert "direction" not in nodes.manifest
    assert nodes.reasons == ["missing_key"]
    assert nodes.nodes[0]["extra"] == '{"name": "x"}'
    found = [(row["account_id"], row["account_kind"], row["category"]) for row in nodes.staged("accounts")]
    assert found == [("7", "account", "red"), ("8", "account", None)]


@pytest.mark.parametrize("kind", ["<i8", ">i8", "<u8", ">u4", "<i2", "<f8"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_arrays_of_any_byte_order_and_layout(tmp_path: Path, kind: str, order: Any) -> None:
    np.save(tmp_path / "x.npy", np.array([[1, 2], [3, 3], [4, 5]], dtype=kind, order=order))
    read = Read(tmp_path / "x.npy")
    assert read.follows == [("1", "2"), ("4", "5")]
    assert [row["source_row"] for row in read.edges] == [1, 3]
    assert read.manifest["ignored"] == {"self_loop": 1}
    assert (read.manifest["vintage"], read.manifest["order"], read.edges[0]["source_line"]) == ("npy", order, None)


def test_large_and_negative_numbers_of_arrays(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.array([[2**64 - 1, 1]], dtype=np.uint64))
    assert Read(tmp_path / "x.npy").follows == [(str(2**64 - 1), "1")]
    np.save(tmp_path / "x.npy", np.array([[1, 2], [-3, 4], [5, -6]]))
    read = Read(tmp_path / "x.npy")
    assert (read.follows, read.reasons) == ([("1", "2")], ["bad_edge", "bad_edge"])
    assert (read.rejects[0]["record"], read.rejects[0]["raw_excerpt"]) == (2, "-3 4")
    assert read.rejects[0]["byte_offset"] == (tmp_path / "x.npy").stat().st_size - 32
    np.save(tmp_path / "x.npy", np.array([[1, 2.5], [np.nan, 4], [5, 6]]))
    floats = Read(tmp_path / "x.npy")
    assert (floats.follows, floats.reasons) == ([("5", "6")], ["bad_edge", "bad_edge"])


def test_more_rows_than_one_chunk(tmp_path: Path) -> None:
    pairs = np.stack([np.arange(150_000), np.arange(150_000) + 1], axis=1)
    np.save(tmp_path / "x.npy", pairs)
    pq.write_table(pa.table({"source": pairs[:, 0], "target": pairs[:, 1]}), tmp_path / "x.parquet")
    want = [(str(a), str(b)) for a, b in pairs.tolist()]
    assert Read(tmp_path / "x.npy").follows == want
    assert Read(tmp_path / "x.parquet").follows == want


def test_structured_arrays_and_weights(tmp_path: Path) -> None:
    fields: list[tuple[str, str]] = [("weight", ">f4"), ("dst", "<i8"), ("src", ">i8")]
    np.save(tmp_path / "x.npy", np.array([(0.5, 1, 2), (np.inf, 3, 4)], dtype=fields))
    read = Read(tmp_path / "x.npy")
    assert (read.follows, read.weights) == ([("2", "1"), ("4", "3")], [0.5, None])
    assert read.manifest["repairs"] == {"edge_weight/bad_number": 1}
    np.save(tmp_path / "x.npy", np.array([[1, 2, 7]]))
    assert Read(tmp_path / "x.npy").weights == [7.0]


@pytest.mark.parametrize(
    "array",
    [
        np.arange(4),
        np.zeros((2, 5), int),
        np.array([[True, False]]),
        np.array([(1, 2)], dtype=[("a", int), ("b", int)]),
    ],
    ids=["flat", "wide", "bool", "unknown names"],
)
def test_arrays_of_other_shapes_are_unknown(tmp_path: Path, array: npt.NDArray[Any]) -> None:
    np.save(tmp_path / "x.npy", array)
    with pytest.raises(UnknownVintage, match=r"[Nn]earest"):
        Read(tmp_path / "x.npy")


def test_objects_are_never_unpickled(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.array([[1, "a"], [2, None]], dtype=object), allow_pickle=True)
    read = Read(tmp_path / "x.npy")
    assert (read.follows, read.reasons) == ([], ["pickle_refused"])


@pytest.mark.parametrize(
    ("order", "cut", "whole"), [("C", 8, 2), ("C", 17, 1), ("F", 8, 2), ("F", 24, 0), ("F", 30, 0)]
)
def test_a_short_array_keeps_its_whole_rows(tmp_path: Path, order: Any, cut: int, whole: int) -> None:
    np.save(tmp_path / "x.npy", np.array([[1, 2], [3, 4], [5, 6]], order=order))
    data = (tmp_path / "x.npy").read_bytes()
    read = Read(text(tmp_path, data[:-cut]))
    assert read.follows == [("1", "2"), ("3", "4"), ("5", "6")][:whole]
    assert read.reasons == ["truncated_array"]
    with pytest.raises(InputError, match="header of the NumPy file"):
        Read(text(tmp_path, data[:40]))


def test_parquet_by_names_of_any_type(tmp_path: Path) -> None:
    columns = {
        "Target": pa.array(["2", None, "x"]).dictionary_encode(),
        "other": [None, None, None],
        "Source": pa.array([1, 2, 3], pa.uint16()),
        "weight": pa.array(["0.5", "?", None]),
    }
    pq.write_table(pa.table(columns), tmp_path / "x")
    read = Read(tmp_path / "x")
    assert (read.follows, read.weights, read.reasons) == ([("1", "2"), ("3", "x")], [0.5, None], ["bad_edge"])
    assert (read.manifest["vintage"], read.rejects[0]["record"]) == ("parquet", 2)
    pq.write_table(pa.table({"a": [1], "b": [2]}), tmp_path / "x")
    with pytest.raises(UnknownVintage, match=r"these columns: a, b"):
        Read(tmp_path / "x")
    assert Read(tmp_path / "x", columns={"a": "first_node", "b": "second_node"}).follows == [("1", "2")]
    pq.write_table(pa.table({"source": [[1]], "target": [2]}), tmp_path / "x")
    with pytest.raises(UnknownVintage, match="column source holds neither"):
        Read(tmp_path / "x")
    pq.write_table(pa.table({"id": [1], "label": [5]}), tmp_path / "x")
    nodes = Read(tmp_path / "x")
    assert [(row["node"], row["node_label"]) for row in nodes.nodes] == [("1", "5")]
    text(tmp_path, (tmp_path / "x").read_bytes()[:-3])
    with pytest.raises(InputError, match="not a whole Parquet file"):
        Read(tmp_path / "x")
    with pytest.raises(InputError, match="unpack it first"):
        Read(text(tmp_path, gzip.compress(b"PAR1" + bytes(100))))


def test_congress_twitter(shared_data: Path) -> None:
    read = Read(shared_data / "edges" / "congress_twitter" / "congress.edgelist")
    assert read.manifest["vintage"] == "snap"
    assert len(read.follows) == len(set(read.follows)) == read.manifest["rows_in"] == 13_289
    assert len({account for pair in read.follows for account in pair}) == 475
    assert read.manifest["ignored"] == {}
    weights = [weight for weight in read.weights if weight is not None]
    assert len(weights) == 13_289
    assert (round(min(weights), 6), round(max(weights), 6)) == (0.000526, 0.130564)
    content = (shared_data / "edges" / "congress_twitter" / "congress.edgelist").read_text()
    assert content.count(" \n") == 13_289
    assert len(read.staged("follows")) == 13_289


def test_lastfm(shared_data: Path) -> None:
    read = Read(shared_data / "edges" / "lastfm" / "lastfm_edges.csv", direction="mutual")
    assert read.manifest["rows_in"] == 55_612 == len({row["follow_id"] for row in read.staged("follows")})
    assert len({row["source_row"] for row in read.edges}) == 27_806
    accounts = {account for pair in read.follows for account in pair}
    assert len(accounts) == 7_624
    nodes = Read(shared_data / "edges" / "lastfm" / "lastfm_target.csv").staged("accounts")
    assert {row["account_id"] for row in nodes} == accounts
    assert len({row["category"] for row in nodes}) == 18
