"""List literals by their grammar, against Python's own reading of what Python prints."""

from __future__ import annotations

import ast
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sm_assets.sources.list_literals import read_list

TEXTS = st.lists(st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\0")))


@given(TEXTS)
def test_reads_what_python_and_json_print(elements: list[str]) -> None:
    assert read_list(repr(elements)) == elements
    assert read_list(json.dumps(elements)) == elements
    assert read_list(json.dumps(elements, ensure_ascii=False, indent=1)) == elements


@given(st.text(alphabet="[]'\",\\ ab\nxu041"))
def test_accepts_only_what_python_or_json_would(text: str) -> None:
    found = read_list(text)
    if found is not None and "\\" not in text and "\n" not in text:
        assert ast.literal_eval(text.strip()) == found


@pytest.mark.parametrize(
    ("text", "elements"),
    [
        ("""["israel's", ' two ', "q\\"q"]""", ["israel's", " two ", 'q"q']),
        (" [ ] ", []),
        ("['a',]", ["a"]),
        (r"['\x41B\U0001F600\n\\']", ["AB😀\n\\"]),
        (r'["\ud83d\ude00", "\ud83d", "\/"]', ["😀", "\ufffd", "/"]),
        ("['a, b', 'c]']", ["a, b", "c]"]),
    ],
)
def test_lists(text: str, elements: list[str]) -> None:
    assert read_list(text) == elements


@pytest.mark.parametrize(
    "text",
    ["", "a, b", "[a]", "['a' 'b']", "['a'", "['a']]", "['a'] x", "[None]", "[1]", "['a', b]", "['\\q']", "[,]",
     "('a',)", "['\\U7fffffff']", "[['a']]", "__import__('os')"],
)  # fmt: skip
def test_what_is_no_list(text: str) -> None:
    assert read_list(text) is None
