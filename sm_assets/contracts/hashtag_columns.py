"""Columns of the tables of hashtags and suggested words by theme, and posts that a user's lists point out.

Here: the part of the registry that `columns` takes in; `<group>.<name>` where the name means something else elsewhere.
Not here: which table has which column.
"""

from __future__ import annotations

from sm_assets.contracts.makers import count, flag, text
from sm_assets.contracts.schema import Column

TAG_UNITS = ("hashtag", "suggestion")
SCOPE_KINDS = ("all", "delivery", "account")

COLUMNS: tuple[Column, ...] = (
    text("list_name", "Name of the user's lists: their folder below lists/."),
    flag("by_hashtag", "A hashtag of the post is in the list of hashtags."),
    flag("by_suggestion", "A search that the platform suggested with the post is in the list of hashtags."),
    flag("by_author", "The author's handle or id is in the list of creators."),
    text("scope_kind", "Whose posts clusters are made from: all posts, a delivery's, an account's.", *SCOPE_KINDS),
    text("scope", "`all`, the delivery, or `<platform>/<account>`."),
    text("unit", "Hashtags, or searches that the platform suggests with a post.", *TAG_UNITS),
    text("tag", "The hashtag or suggested search in Unicode form NFKC, case-folded, without #."),
    text("sample_platform", "Platform of the sample post."),
)

# Names that mean something else in another table.
HOMONYMS: dict[str, Column] = {
    "relevance.matches": Column(
        "matches",
        "list<text>",
        "What was found, in normal form: `#tag` a hashtag, `@name` the author, a bare word a suggested search.",
    ),
    "tag.n_accounts": count("n_accounts", "accounts", "Accounts that wrote posts with the tag.", 1),
}
