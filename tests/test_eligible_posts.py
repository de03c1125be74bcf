"""Which posts count: the shared SELECT against the rules said again in Python."""

from __future__ import annotations

from datetime import date, datetime

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sm_assets.analysis.text_rules import TextRules
from sm_assets.contracts import TABLES
from sm_assets.defs.sql import SQL_ROOT
from sm_assets.defs.text_rules import register
from sm_assets.errors import OptionError

SQL, JUDGED = (
    (SQL_ROOT / "shared" / f"{name}.sql").read_text(encoding="utf-8") for name in ("eligible_posts", "posts_by_rules")
)
DAY = date(2024, 2, 12)
POSTS = st.lists(
    st.tuples(
        st.sampled_from(["bluesky", "twitter"]),
        st.sampled_from(["post", "reply", "quote"]),
        st.sampled_from(["en", "de", "und"]),
        st.sampled_from([None, [], ["en"], ["en-GB", "de"], ["EN_us"], ["english"], ["de"]]),
    ),
    max_size=12,
)
RULES = st.builds(
    TextRules,
    languages=st.sampled_from([(), ("en",), ("de", "fr")]),
    kinds=st.sampled_from([("post",), ("post", "reply", "quote")]),
    platforms=st.sampled_from([(), ("twitter",)]),
)


def counts(rules: TextRules, platform: str, kind: str, lang: str, declared: list[str] | None) -> bool:
    if kind not in rules.kinds or (rules.platforms and platform not in rules.platforms):
        return False
    if not rules.languages or lang in rules.languages:
        return True
    codes = {code.replace("_", "-").split("-")[0].lower() for code in declared or []}
    return lang == "und" and bool(codes & set(rules.languages))


@settings(max_examples=60, deadline=None)
@given(POSTS, RULES)
def test_posts_count_by_kind_platform_and_language(
    posts: list[tuple[str, str, str, list[str] | None]], rules: TextRules
) -> None:
    with duckdb.connect() as con:
        for name in ("core_posts", "feat_post_language"):
            con.execute(f"create table {name} as {TABLES[name].empty_sql()}")
        for number, (platform, kind, lang, declared) in enumerate(posts):
            con.execute(
                "insert into core_posts by name select ? as platform, ? as post_id, 'a' as account_id, ? as post_kind, "
                "?::varchar[] as language_codes, 'x' as text, ?::timestamp as posted_at, ?::date as day",
                [platform, str(number), kind, declared, datetime(2024, 2, 12), DAY],
            )
            con.execute(
                "insert into feat_post_language by name select ? as platform, ? as post_id, ? as lang, ?::date as day",
                [platform, str(number), lang, DAY],
            )
        register(con, rules)
        con.execute(f"create view posts_by_rules as {JUDGED}")
        found = {row[1] for row in con.execute(SQL).fetchall()}
    assert found == {str(number) for number, post in enumerate(posts) if counts(rules, *post)}


@pytest.mark.parametrize(
    ("rules", "named"),
    [
        ({"kinds": ("tweet",)}, "'tweet'"),
        ({"kinds": ()}, "kinds is empty"),
        ({"languages": ("English",)}, "'English'"),
        ({"platforms": ("myspace",)}, "'myspace'"),
    ],
)
def test_rules_that_no_post_can_meet_are_refused(rules: dict[str, tuple[str, ...]], named: str) -> None:
    with pytest.raises(OptionError, match=named):
        TextRules(**rules)


def test_rules_are_told_and_read_back_without_order() -> None:
    rules = TextRules(("en", "de"), ("reply", "post"), ())
    assert TextRules.of(rules.told()).told() == TextRules(("de", "en", "en"), ("post", "reply"), ()).told()
