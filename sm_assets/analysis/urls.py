"""Addresses made comparable: the canonical form, and the original program's form.

Here: the rules for single addresses and for columns of them; the lists lie in data/urls.toml. Not here: which of a
post's addresses counts (`contents`).
"""

from __future__ import annotations

import ipaddress
import re
import tomllib
import unicodedata
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sm_assets.kernels import texts as kernel
from sm_assets.kernels.texts import DONE, HARD, HARD_LINK, INTERNAL, NONE

_SCHEME = re.compile(r"^[a-z][a-z0-9+.\-]*:", re.IGNORECASE)
_BARE_HOST = re.compile(r"^(?:[^\s/?#@:.]+\.)+[^\s/?#@:.\d][^\s/?#@:.]*\.?(?::\d{1,5})?(?=[/?#]|$)")
_ESCAPE = re.compile(r"%([0-9a-fA-F]{2})")
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_UNWRAP_LIMIT = 1


@dataclass(frozen=True)
class _Lists:
    platforms: dict[str, list[str]]
    unwrap: dict[str, str]
    hosts: dict[str, str]
    short: dict[str, str]
    dropped: list[tuple[str, list[str], list[str]]]

    def drops(self, host: str, name: str) -> bool:
        lower = name.lower()
        return any(
            lower in exact or lower.startswith(tuple(heads))
            for domain, exact, heads in self.dropped
            if not domain or _below(host, domain)
        )


@cache
def _lists() -> _Lists:
    data: dict[str, Any] = tomllib.loads(files("sm_assets.analysis").joinpath("data/urls.toml").read_text("utf-8"))
    parameters = data["parameters"]
    dropped = [("", parameters["exact"], parameters["prefix"])]
    dropped += [(domain, rules["exact"], rules["prefix"]) for domain, rules in parameters["domains"].items()]
    return _Lists(data["platforms"], data["unwrap"], data["hosts"], data["short"], dropped)


@cache
def _kernel_rules(platform: str) -> kernel.AddressRules:
    lists = _lists()
    hard = [*lists.short, *(place.partition("/")[0] for place in lists.unwrap)]
    return kernel.AddressRules(lists.platforms.get(platform, []), list(lists.hosts.items()), lists.dropped, hard)


def _below(host: str, domain: str) -> bool:
    return host == domain or host.endswith("." + domain)


def is_internal(url: str, platform: str) -> bool:
    """Whether a canonical address lies on a host of the platform itself."""
    host = url.partition("://")[2].partition("/")[0].partition("?")[0]
    return any(_below(host, domain) for domain in _lists().platforms.get(platform, []))


def canonical_url(text: str) -> tuple[str, bool]:
    """(canonical address, whether it could be parsed); what cannot is the trimmed text."""
    trimmed = text.strip()
    for _ in range(_UNWRAP_LIMIT + 1):
        parsed = _parse(trimmed)
        if parsed is None:
            return trimmed, False
        target = _wrapped(parsed)
        if target is None:
            return _rewrite(parsed), True
        inner = _parse(target)
        return (_rewrite(inner), True) if inner is not None else (_rewrite(parsed), True)
    raise AssertionError("unreachable")


def _parse(text: str) -> Any | None:
    import can_ada

    if not _SCHEME.match(text) or _BARE_HOST.match(text):
        if not _BARE_HOST.match(text):
            return None
        text = "https://" + text
    try:
        parsed = can_ada.parse(text)
    except ValueError:
        return None
    return parsed if parsed.protocol in ("http:", "https:") and parsed.hostname else None


def _host(parsed: Any) -> str:
    host: str = parsed.hostname.rstrip(".").removeprefix("www.")
    return _lists().hosts.get(host, host)


def _wrapped(parsed: Any) -> str | None:
    host = parsed.hostname.rstrip(".").removeprefix("www.")
    parameter = _lists().unwrap.get(host + parsed.pathname)
    if parameter is None:
        return None
    from urllib.parse import unquote_plus

    for piece in parsed.search.removeprefix("?").split("&"):
        name, _, value = piece.partition("=")
        if name == parameter and value:
            return unquote_plus(value).strip()
    return None


def _rewrite(parsed: Any) -> str:
    lists = _lists()
    host = _host(parsed)
    path, query = _normal_escapes(parsed.pathname), _normal_escapes(parsed.search.removeprefix("?"))
    if host in lists.short:
        first, _, _ = path.removeprefix("/").partition("/")
        if first:
            host, _, rest = lists.short[host].format(first).partition("/")
            path, _, fixed = ("/" + rest).partition("?")
            query = "&".join(piece for piece in (fixed, query) if piece)
    port = f":{parsed.port}" if parsed.port and parsed.port not in ("80", "443") else ""
    kept = []
    for piece in query.split("&"):
        name = piece.partition("=")[0]
        if piece and not lists.drops(host, name):
            kept.append((name, piece[len(name) :], piece))
    fragment = _normal_escapes(parsed.hash) if parsed.hash.startswith("#!") else ""
    tail = "?" + "&".join(piece for _, _, piece in sorted(kept)) if kept else ""
    return f"https://{host}{port}{path.removesuffix('/')}{tail}{fragment}"


def _normal_escapes(text: str) -> str:
    def one(match: re.Match[str]) -> str:
        char = chr(int(match.group(1), 16))
        return char if char in _UNRESERVED else match.group(0).upper()

    return _ESCAPE.sub(one, text) if "%" in text else text


def canonical_urls(
    urls: pa.Array, platform: str
) -> tuple[pa.StringArray, npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Canonical addresses of a column.

    Returns:
        addresses (null: none given or internal), bool[n] external, bool[n] could not be parsed (kept as text).
    """
    made, status = _kernel_rules(platform).rewrite(urls)
    bad = np.zeros(len(status), dtype=bool)
    hard = np.flatnonzero(status == HARD)
    if len(hard):
        texts = made.to_pylist()
        known: dict[str, tuple[str, bool]] = {}
        for row, text in zip(hard.tolist(), urls.take(pa.array(hard)).to_pylist(), strict=True):
            url, parsed = known.setdefault(text, canonical_url(text)) if text not in known else known[text]
            status[row] = NONE if not url else INTERNAL if parsed and is_internal(url, platform) else DONE
            bad[row] = not parsed and bool(url)
            texts[row] = url if status[row] == DONE else None
        made = pa.array(texts, pa.string())
    return made, status == DONE, bad


# ---------------------------------------------------------------------- the original program's form


def compat_url(url: str) -> str | None:
    """norm(u) of the original program: `urlparse` of Python 3.11, host in lower case, `utm` and `fb` pieces cut.

    None where that function raises (brackets that hold no IPv6 address, a host that hides a delimiter under NFKC).
    """
    url = url.lstrip("".join(chr(c) for c in range(0x21)))
    url = url.translate({9: None, 10: None, 13: None})
    scheme = host = query = ""
    head, colon, rest = url.partition(":")
    if colon and re.fullmatch(r"[A-Za-z][A-Za-z0-9+.\-]*", head):
        scheme, url = head.lower(), rest
    if url.startswith("//"):
        stop = min((at for at in (url.find(mark, 2) for mark in "/?#") if at >= 0), default=len(url))
        host, url = url[2:stop], url[stop:]
        if not _host_is_legal(host):
            return None
    url = url.partition("#")[0]
    url, _, query = url.partition("?")
    if scheme in _PARAMETER_SCHEMES:
        last = url.rfind("/")
        at = url.find(";", max(last, 0))
        url = url[:at] if at >= 0 else url
    kept = [piece for piece in query.split("&") if not piece.startswith(("utm", "fb"))]
    return f"{scheme}://{host.lower()}{url}?{'&'.join(kept)}"


_PARAMETER_SCHEMES = frozenset(
    (
        "",
        "ftp",
        "hdl",
        "prospero",
        "http",
        "https",
        "shttp",
        "rtsp",
        "rtsps",
        "rtspu",
        "sip",
        "sips",
        "mms",
        "sftp",
        "tel",
    )
)


def _host_is_legal(host: str) -> bool:
    if ("[" in host) != ("]" in host):
        return False
    if "[" in host:
        inner = host.partition("[")[2].partition("]")[0]
        if inner.startswith("v"):
            if not re.fullmatch(r"v[a-fA-F0-9]+\..+", inner, re.DOTALL):
                return False
        else:
            try:
                if ipaddress.ip_address(inner).version == 4:
                    return False
            except ValueError:
                return False
    bare = re.sub("[@:#?]", "", host)
    folded = unicodedata.normalize("NFKC", bare)
    return bare == folded or not any(mark in folded for mark in "/?#@:")


def compat_links(final_link: pa.Array, link: pa.Array) -> tuple[pa.StringArray, npt.NDArray[np.bool_]]:
    """(the original program's external_link of each row or null, bool[n] kept as text because it cannot be parsed)."""
    made, status = kernel.compat_links(final_link, link)
    bad = np.zeros(len(status), dtype=bool)
    hard = np.flatnonzero((status == HARD) | (status == HARD_LINK))
    if len(hard):
        texts = made.to_pylist()
        for row in hard.tolist():
            text = (final_link if status[row] == HARD else link)[row].as_py()
            url = compat_url(text)
            bad[row] = url is None
            texts[row] = text if url is None else url
        made = pa.array(texts, pa.string())
    return made, bad
