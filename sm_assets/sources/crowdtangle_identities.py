"""Whose post it is and which: the keys of posts in CrowdTangle exports.

Here: account, key and platform of a row. Not here: whether a row is kept (`crowdtangle_rows`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from sm_assets.kernels import fields
from sm_assets.sources.crowdtangle_records import PostFile, Rows

PLATFORMS = ("facebook", "instagram")
INSTAGRAM = 1
_OWN_HOSTS = re.compile(r"^(?:www|m|web|mbasic)\.(?=(?:facebook|fb|instagram)\.com$)")
_TRACKING = re.compile(r"(?:utm|fbclid=|__tn__|__cft__|__xts__|mibextid=|ref=|igsh)")


@dataclass(frozen=True, slots=True)
class Identities:
    """Keys of rows; null where a row does not tell.

    Attributes:
        account, kind, post, platform: text.
        on_instagram: bool[n].
        bad_id: bool[n], a Facebook Id that is none.
    """

    account: pa.Array
    kind: pa.Array
    post: pa.Array
    platform: pa.Array
    on_instagram: npt.NDArray[np.bool_]
    bad_id: npt.NDArray[np.bool_]


def identify(file: PostFile, rows: Rows) -> Identities:
    """The keys of the rows of any vintage."""
    n = len(rows)
    if file.vintage == "mcl":
        on_instagram = np.full(n, file.platform == "instagram")
        account, post = _prefixed("mcl:", rows.column("mcl_owner_id")), _prefixed("mcl:", rows.column("mcl_post_id"))
        platform, bad_id = _platforms(on_instagram), np.zeros(n, dtype=bool)
        return Identities(account, _kinds(rows, "account", on_instagram), post, platform, on_instagram, bad_id)
    account, post, told, bad_id = identities(rows.column("facebook_id"), rows.column("user_name"), rows.column("url"))
    if file.platform is not None:
        on_instagram = np.full(n, file.platform == "instagram")
    else:
        on_instagram = _flags(pc.equal(told, "instagram"))
        if file.vintage == "api_flat":
            on_instagram |= _flags(pc.equal(pc.utf8_lower(rows.column("platform_name")), "instagram"))
    if file.vintage == "api_flat":
        account, post = _by_platform_id(rows, account, post)
    if on_instagram.any():
        address, there = fields.post_addresses(rows.column("url")), pa.array(on_instagram)
        named = pc.utf8_lower(rows.column("user_name"))
        account = pc.if_else(there, pc.coalesce(named, address.owner, account), account)
        post = pc.if_else(there, pc.coalesce(address.number, post), post)
    usual = "group" if file.groups else "page"
    return Identities(account, _kinds(rows, usual, on_instagram), post, _platforms(on_instagram), on_instagram, bad_id)


def _flags(column: pa.Array) -> npt.NDArray[np.bool_]:
    return np.array(pc.fill_null(column, False), dtype=bool)


def _platforms(on_instagram: npt.NDArray[np.bool_]) -> pa.Array:
    return pa.array(PLATFORMS).take(pa.array(on_instagram.astype(np.int8)))


def _prefixed(head: str, ids: pa.Array) -> pa.Array:
    return pc.binary_join_element_wise(head, ids, "")


def _kinds(rows: Rows, usual: str, on_instagram: npt.NDArray[np.bool_]) -> pa.Array:
    told = rows.column("account_type")
    if told.null_count < len(told):
        found = pc.struct_field(pc.extract_regex(pc.utf8_lower(told), pattern="(?P<kind>page|group|profile)"), "kind")
    else:
        found = pa.nulls(len(rows), pa.string())
    return pc.if_else(pa.array(on_instagram), "account", pc.fill_null(found, usual))


def _by_platform_id(rows: Rows, account: pa.Array, post: pa.Array) -> tuple[pa.Array, pa.Array]:
    """The API's `<owner>_<number>` tells what the address may not; CrowdTangle's own id of an account comes last."""
    parts = pc.extract_regex(rows.column("platform_post_id"), pattern="^(?P<owner>[0-9]+)_(?P<number>[0-9]+)$")
    owner, number = pc.struct_field(parts, "owner"), pc.struct_field(parts, "number")
    given = rows.column("facebook_id")
    usable = pc.if_else(pa.array(fields.all_digits(given)), given, pa.scalar(None, pa.string()))
    owner = pc.coalesce(usable, owner)
    named = pc.if_else(_named(account), pa.scalar(None, pa.string()), account)
    account = pc.coalesce(owner, named, _prefixed("ct:", rows.column("crowdtangle_account_id")), account)
    return account, pc.coalesce(pc.binary_join_element_wise(owner, number, "_"), post, rows.column("platform_post_id"))


def _named(account: pa.Array) -> pa.Array:
    return pc.fill_null(pc.starts_with(account, "name:"), False)


def identities(
    facebook_id: pa.Array,
    user_name: pa.Array,
    url: pa.Array,
    *,
    account_from: Sequence[str] = ("id", "address", "name"),
) -> tuple[pa.Array, pa.Array, pa.Array, npt.NDArray[np.bool_]]:
    """(account_id, post_id, platform, bool[n] unusable Facebook Id) of each row; null where a row does not tell.

    Account: the first that is known of Facebook Id (`id`), owner in the post's address (`address`), `name:` and the
    user name in lower case (`name`). Post: owner and number in the address, else the address itself.
    """
    address = fields.post_addresses(url)
    digits = fields.all_digits(facebook_id)
    if not digits.all():
        # As a spreadsheet or a data frame may have written them: blanks around, a decimal nought.
        facebook_id = pc.replace_substring_regex(pc.utf8_trim_whitespace(facebook_id), r"\.0+$", "")
        digits = fields.all_digits(facebook_id)
    given = np.asarray(pc.is_valid(facebook_id))
    usable = pc.if_else(pa.array(digits), facebook_id, pa.scalar(None, pa.string()))
    named = pc.binary_join_element_wise("name", pc.utf8_lower(user_name), ":")
    known = {"id": usable, "address": address.owner, "name": named}
    account = pc.coalesce(*(known[source] for source in account_from))
    owner = pc.coalesce(usable, address.owner)
    numbered = pc.binary_join_element_wise(owner, address.number, "_")
    key = numbered
    if key.null_count:
        loose = np.flatnonzero(np.asarray(pc.is_null(key)) & np.asarray(pc.is_valid(url)))
        if len(loose):
            texts: list[str | None] = [None] * len(key)
            for row, text in zip(loose.tolist(), url.take(pa.array(loose)).to_pylist(), strict=True):
                texts[row] = address_key(text)
            key = pc.coalesce(key, pa.array(texts, pa.string()))
    platform = pa.array(PLATFORMS).take(pa.array(address.platform))
    return account, key, platform, given & ~digits


def address_key(url: str) -> str | None:
    """`url:` and the address without scheme, fragment, order of its query, tracking parameters and final slash.

    None if nothing is left. The site's own mobile hosts count as the site.
    """
    bare, _, query = url.strip().partition("#")[0].partition("?")
    _, mark, rest = bare.partition("://")
    host, slash, path = (rest if mark else bare).partition("/")
    text = f"{_OWN_HOSTS.sub('', host.lower())}{slash}{path}".rstrip("/")
    pieces = sorted(piece for piece in query.split("&") if piece and not _TRACKING.match(piece))
    if pieces:
        text += "?" + "&".join(pieces)
    return f"url:{text}" if text else None
