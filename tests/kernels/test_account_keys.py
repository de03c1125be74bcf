"""Keys against xxhash, hashlib and int."""

from __future__ import annotations

import hashlib

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sm_assets.errors import SketchInputError
from sm_assets.kernels.account_keys import hash_ids

xxhash = pytest.importorskip("xxhash", reason="the oracle xxhash is not installed")

PLATFORMS = st.text(st.characters(exclude_characters="\x1f", exclude_categories=["Cs"]), min_size=1, max_size=70)
IDS = st.lists(st.text(max_size=90), max_size=20)


def oracle(platform: str, ids: list[str], seed: int = 0) -> list[int]:
    return [xxhash.xxh64_intdigest(f"{platform}\x1f{one}".encode(), seed=seed) for one in ids]


@pytest.mark.parametrize(
    ("platform", "account_id", "key"),
    [
        ("bluesky", "did:plc:abc", 0x0F1E16494D30964A),
        ("twitter", "18446744073709551615", 0x42ED648A57CEA01A),
        ("other", "\u00e9", 0x48D9D4554D0313EF),
    ],
)
def test_known_keys(platform: str, account_id: str, key: int) -> None:
    assert hash_ids(platform, pa.array([account_id])).tolist() == [key]


@given(PLATFORMS, IDS, st.integers(0, 2**64 - 1))
def test_keys_are_those_of_xxhash(platform: str, ids: list[str], seed: int) -> None:
    expected = oracle(platform, ids, seed)
    for type_ in (pa.string(), pa.large_string()):
        found = hash_ids(platform, pa.array(ids, type_), seed=seed)
        assert found.dtype == np.uint64
        assert found.tolist() == expected


def test_every_length_of_prefix_and_id() -> None:
    text = "".join(chr(97 + i % 26) for i in range(80))
    ids = [text[:n] for n in range(80)]
    for n in range(1, 70):
        # The last id ends with the buffer: nothing may be read behind it.
        for last in (0, 3, 7, 8, 79):
            assert hash_ids(text[:n], pa.array([*ids, text[:last]])).tolist() == oracle(text[:n], [*ids, text[:last]])


@given(PLATFORMS, IDS, st.binary(min_size=1, max_size=64))
def test_secret_keys_are_those_of_hashlib(platform: str, ids: list[str], secret: bytes) -> None:
    data = [f"{platform}\x1f{one}".encode() for one in ids]
    expected = [int.from_bytes(hashlib.blake2b(d, digest_size=8, key=secret).digest(), "little") for d in data]
    assert hash_ids(platform, pa.array(ids, pa.string()), rule="secret", secret=secret).tolist() == expected
    assert hash_ids(platform, pa.array(ids, pa.large_string()), rule="secret", secret=secret).tolist() == expected


def test_long_secret_messages() -> None:
    ids = ["x" * n for n in (0, 119, 120, 121, 127, 128, 129, 247, 248, 249, 1000)]
    data = [b"twitter\x1f" + one.encode() for one in ids]
    expected = [int.from_bytes(hashlib.blake2b(d, digest_size=8, key=b"k" * 64).digest(), "little") for d in data]
    assert hash_ids("twitter", pa.array(ids), rule="secret", secret=b"k" * 64).tolist() == expected


@given(st.lists(st.integers(0, 2**64 - 1)))
def test_native_keys_are_the_numbers(numbers: list[int]) -> None:
    ids = [str(number) for number in numbers]
    assert hash_ids("twitter", pa.array(ids, pa.string()), rule="native").tolist() == numbers
    assert hash_ids("twitter", pa.array(ids, pa.large_string()), rule="native").tolist() == numbers


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "-1",
        "+1",
        "01",
        "00",
        "1.0",
        " 1",
        "1 ",
        "a",
        "18446744073709551616",
        "99999999999999999999",
        "1" * 21,
        "\u0663",
    ],
)
def test_native_refuses_what_is_no_canonical_number(bad: str) -> None:
    with pytest.raises(SketchInputError, match=r"found 1 that are not"):
        hash_ids("twitter", pa.array(["0", "18446744073709551615", bad]), rule="native")


def test_native_names_the_first_three_offenders() -> None:
    chunks = pa.chunked_array([["1", "x"], [], ["y", "2", "z", "never shown"]])
    with pytest.raises(SketchInputError) as caught:
        hash_ids("twitter", chunks, rule="native")
    assert "found 4 that are not: 'x', 'y', 'z', ..." in str(caught.value)


def test_native_forgives_dictionary_entries_that_no_row_uses() -> None:
    column = pa.DictionaryArray.from_arrays(pa.array([1, 1, 2]), pa.array(["no number", "17", "18"]))
    assert hash_ids("twitter", column, rule="native").tolist() == [17, 17, 18]
    with pytest.raises(SketchInputError, match="no number"):
        hash_ids("twitter", pa.DictionaryArray.from_arrays(pa.array([1, 0, 2]), column.dictionary), rule="native")


def test_slices_chunks_and_dictionaries() -> None:
    ids = [f"account {i % 7} {'x' * (i % 40)}" for i in range(500)]
    expected = np.array(oracle("mastodon", ids), dtype=np.uint64)
    for type_ in (pa.string(), pa.large_string(), pa.dictionary(pa.int32(), pa.string())):
        whole = (
            pa.array(ids).cast(pa.string()).dictionary_encode()
            if pa.types.is_dictionary(type_)
            else pa.array(ids, type_)
        )
        assert (hash_ids("mastodon", whole) == expected).all()
        assert (hash_ids("mastodon", whole.slice(13, 100)) == expected[13:113]).all()
        assert (hash_ids("mastodon", whole.slice(13, 2)) == expected[13:15]).all()
        chunked = pa.chunked_array([whole.slice(0, 200), whole.slice(200, 0), whole.slice(200)])
        assert (hash_ids("mastodon", chunked) == expected).all()
    large = pa.DictionaryArray.from_arrays(pa.array([2, 0], pa.uint8()), pa.array(ids[:3], pa.large_string()))
    assert (hash_ids("mastodon", large) == expected[[2, 0]]).all()


def test_no_ids() -> None:
    for ids in (pa.array([], pa.string()), pa.chunked_array([], pa.string()), pa.array([], pa.null())):
        assert hash_ids("twitter", ids).shape == (0,)


def test_same_id_on_two_platforms() -> None:
    ids = pa.array(["17"])
    assert hash_ids("twitter", ids) != hash_ids("bluesky", ids)


@pytest.mark.parametrize(
    "ids",
    [
        pa.array(["a", None]),
        pa.array([None, None]),
        pa.array([1, 2]),
        pa.array([b"a"]),
        pa.array(["a", None]).dictionary_encode(),
        pa.DictionaryArray.from_arrays(pa.array([0, 1]), pa.array(["a", None])),
        pa.array([1, 2]).dictionary_encode(),
    ],
)
def test_ids_that_are_no_texts_or_null_are_refused(ids: pa.Array) -> None:
    with pytest.raises(SketchInputError, match="ids must"):
        hash_ids("twitter", ids)


@pytest.mark.parametrize(
    ("platform", "options", "message"),
    [
        ("", {}, "platform"),
        ("a\x1fb", {}, "platform"),
        ("twitter", {"rule": "md5"}, "rule must be"),
        ("twitter", {"seed": -1}, "seed"),
        ("twitter", {"seed": 2**64}, "seed"),
        ("twitter", {"rule": "native", "seed": 1}, "no seed"),
        ("twitter", {"rule": "secret"}, "found none"),
        ("twitter", {"rule": "secret", "secret": b""}, "0 bytes"),
        ("twitter", {"rule": "secret", "secret": b"x" * 65}, "65 bytes"),
        ("twitter", {"secret": b"x"}, "no secret"),
    ],
)
def test_options_that_do_not_fit(platform: str, options: dict[str, object], message: str) -> None:
    with pytest.raises(SketchInputError, match=message):
        hash_ids(platform, pa.array(["1"]), **options)
