"""Addresses: the canonical form by hand and against the kernel; the original's form against urllib of Python 3.11."""

from __future__ import annotations

import sys
from urllib.parse import urlparse

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sm_assets.analysis.urls import canonical_url, canonical_urls, compat_links, compat_url, is_internal

CANONICAL = {
    "http://www.Ex.com/a/": "https://ex.com/a",
    "ex.com": "https://ex.com",
    "ex.com:8080/x": "https://ex.com:8080/x",
    "https://ex.com:443/A?": "https://ex.com/A",
    "https://user:pw@EX.com.:443/a#!x": "https://ex.com/a#!x",
    "https://ex.com/a#part": "https://ex.com/a",
    "https://ex.com/a/../b/./c": "https://ex.com/b/c",
    "https://ex.com/%7ea%2fb?b=2&a=1&utm_source=x": "https://ex.com/~a%2Fb?a=1&b=2",
    "https://ex.com/?b=2&a=2&a=1": "https://ex.com?a=1&a=2&b=2",
    "https://ex.com/p?FBCLID=1&UTM_X=2&_hsenc=3&hsa_cam=1&mtm_x=1&pk_y=1&x=1": "https://ex.com/p?x=1",
    "https://ex.com/p?si=1&feature=2": "https://ex.com/p?feature=2&si=1",
    "https://m.youtube.com/watch?v=abc&feature=share&si=9": "https://youtube.com/watch?v=abc",
    "youtu.be/abc?t=3": "https://youtube.com/watch?t=3&v=abc",
    "https://x.com/u/status/1?ref_src=tw": "https://twitter.com/u/status/1",
    "https://mobile.twitter.com/u": "https://twitter.com/u",
    "https://l.facebook.com/l.php?u=https%3A%2F%2Fwww.ex.com%2Fa%3Fb%3D1%26fbclid%3D2&h=x": "https://ex.com/a?b=1",
    "https://www.google.com/url?q=https://ex.com/z&sa=D": "https://ex.com/z",
    "https://www.facebook.com/p/1?__tn__=-R&__xts__[0]=1&mibextid=2&id=3": "https://facebook.com/p/1?id=3",
    "https://bücher.example/ä": "https://xn--bcher-kva.example/%C3%A4",
    "  https://ex.com/a  ": "https://ex.com/a",
}


@pytest.mark.parametrize(("url", "expected"), CANONICAL.items())
def test_canonical_addresses(url: str, expected: str) -> None:
    assert canonical_url(url) == (expected, True)


@pytest.mark.parametrize(
    "text", ["http://[bad/x", "//foo", "mailto:a@b.example", "no address", "https://", "javascript:alert(1)"]
)
def test_what_is_no_address_stays_as_text(text: str) -> None:
    assert canonical_url(f" {text} ") == (text, False)


PIECES = [
    "http://",
    "https://",
    "HTTP://",
    "www.",
    "Ex.com",
    "m.youtube.com",
    "youtu.be",
    "x.com",
    "facebook.com",
    "/",
    "/a",
    "/.",
    "..",
    "?",
    "&",
    "=",
    "a=1",
    "b=2",
    "utm_source=1",
    "fbclid=",
    "si=3",
    "#",
    "#!",
    "%41",
    "%zz",
    "é",
    " ",
    ":80",
    ":443",
    "@",
    "1.2.3.4",
    "xn--p1ai",
    "-",
    "_",
    "'",
    "|",
    "^",
    "[",
    "]",
    "\\",
    ";",
    "+",
    "~",
]


@settings(max_examples=600)
@given(st.lists(st.sampled_from(PIECES), max_size=9).map("".join))
def test_the_kernel_agrees_with_the_full_rules(url: str) -> None:
    made, external, bad = canonical_urls(pa.array([url]), "facebook")
    expected, parsed = canonical_url(url)
    internal = parsed and is_internal(expected, "facebook")
    assert bad[0] == (not parsed and bool(expected))
    assert external[0] == (bool(expected) and not internal)
    assert made[0].as_py() == (expected if external[0] else None)


@pytest.mark.parametrize(
    ("url", "platform", "internal"),
    [
        ("https://facebook.com/x", "facebook", True), ("https://business.facebook.com/x", "facebook", True),
        ("https://fb.watch/x", "facebook", True), ("https://notfacebook.com", "facebook", False),
        ("https://facebook.com/x", "instagram", False), ("https://instagram.com", "instagram", True),
    ],
)  # fmt: skip
def test_internal_addresses(url: str, platform: str, internal: bool) -> None:
    assert is_internal(url, platform) is internal


COMPAT = {
    "HTTPS://Ex.COM/a;p?fbar=1&UTM_x=2&a=b#frag": "https://ex.com/a?UTM_x=2&a=b",
    "https://x.com": "https://x.com?",
    "https://x.com/a?b=1&&c=2;utm=3": "https://x.com/a?b=1&&c=2;utm=3",
    "www.x.com/a": "://www.x.com/a?",
    "https://x.com/a;b/c;d?x": "https://x.com/a;b/c?x",
    "mailto:a@b.c": "mailto://a@b.c?",
    "  https://x.com/a ": "https://x.com/a ?",
    "HTTP:/x/y": "http:///x/y?",
}


def of_compat_kernel(url: str) -> str | None:
    made, bad = compat_links(pa.array([url]), pa.array([None], pa.string()))
    return None if bad[0] else made[0].as_py()


@pytest.mark.parametrize(("url", "expected"), COMPAT.items())
def test_compat_addresses(url: str, expected: str) -> None:
    assert compat_url(url) == of_compat_kernel(url) == expected


def of_urllib(url: str) -> str | None:
    try:
        parts = urlparse(url)
    except ValueError:
        return None
    kept = [piece for piece in parts.query.split("&") if not piece.startswith(("utm", "fb"))]
    return f"{parts.scheme.lower()}://{parts.netloc.lower()}{parts.path}?{'&'.join(kept)}"


@pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="the rules are those of Python 3.11's urllib")
@settings(max_examples=1500)
@given(
    st.text(alphabet="ahtps:/?#;&=[]@.w utmfb\t\n%Kéⅰ℀v1-+", min_size=1, max_size=16),
    st.sampled_from(["", "http://", "//", "x:"]),
)
def test_compat_addresses_are_those_of_urllib(tail: str, head: str) -> None:
    url = head + tail
    assert compat_url(url) == of_compat_kernel(url) == of_urllib(url)


@pytest.mark.parametrize(
    ("link", "kept"),
    [
        ("https://www.facebook.com/x", False),
        ("HTTPS://WWW.FACEBOOK.COM/x", False),
        ("https://faceboo\u212a.com/x", False),
        ("https://m.facebook.com/x", True),
        ("https://ex.com/?u=https://facebook.com/x", False),
        ("https://facebook.com", True),
    ],
)
def test_which_plain_links_the_original_takes(link: str, kept: bool) -> None:
    made, _ = compat_links(pa.array([None], pa.string()), pa.array([link]))
    assert (made[0].as_py() is not None) is kept


def test_a_final_link_is_taken_whatever_its_host() -> None:
    made, _ = compat_links(pa.array(["https://www.facebook.com/x"]), pa.array(["https://ex.com"]))
    assert made.to_pylist() == ["https://www.facebook.com/x?"]
