"""What is usual for a day: planted breaks that must be seen, and near misses of ordinary life that must not."""

from __future__ import annotations

import random
from collections import Counter
from datetime import date, timedelta

import pytest

from sm_assets.analysis.usual import days_before, judged_mix, judged_rejects, judged_rows, judged_snapshot

DAY = date(2024, 3, 20)
SUNDAY = date(2024, 3, 24)


def history(rows: int, days: int = 28, last: date = DAY) -> dict[date, int]:
    return {last - timedelta(days=n): rows for n in range(1, days + 1)}


@pytest.mark.parametrize(
    ("found", "usual", "is_odd"),
    [
        (1000, 1000, False),
        (260, 1000, False),
        (202, 1000, True),
        (0, 1000, True),
        (3990, 1000, False),
        (4200, 1000, True),
        # By chance a rate of 250 shows 210 now and then, and one of 4,000 shows 4,150.
        (210, 1000, False),
        (4150, 1000, False),
        # Small numbers: 2 of 50 may be a rate of 12.5 on a bad day, none may not.
        (2, 50, False),
        (0, 50, True),
        (0, 49, False),
        (49, 0, False),
        # Where few or none are usual the limit is that of 50, with its allowance.
        (240, 0, False),
        (250, 0, True),
        (240, 10, False),
        (250, 10, True),
    ],
)
def test_a_factor_of_four_with_an_allowance(found: int, usual: int, is_odd: bool) -> None:
    judged = judged_rows(DAY, history(usual) | {DAY: found})
    assert (judged.usual, judged.is_odd) == (usual, is_odd)
    assert judged.ratio == (found / usual if usual else None)
    before = judged_snapshot(DAY, {DAY - timedelta(days=7): usual, DAY: found})
    assert (before.usual, before.is_odd) == (usual, is_odd)


def test_first_days_pass_and_say_so() -> None:
    for days in range(3):
        judged = judged_rows(DAY, history(1000, days) | {DAY: 1})
        assert (judged.is_odd, judged.usual) == (False, None)
        assert judged.against == f"too few days before ({days} of 3)"
    assert judged_rows(DAY, history(1000, 3) | {DAY: 1}).is_odd
    assert judged_snapshot(DAY, {DAY: 1, DAY + timedelta(days=1): 1000}).against == "no snapshot before"


def weekly(rows: int, on_sundays: int) -> dict[date, int]:
    days = (SUNDAY - timedelta(days=n) for n in range(1, 29))
    return {day: on_sundays if day.isoweekday() == 7 else rows for day in days}


def test_a_weekend_dip_is_usual_and_a_sunday_without_its_delivery_is_not() -> None:
    dip = judged_rows(SUNDAY, weekly(1000, 100) | {SUNDAY: 90})
    assert (dip.is_odd, dip.usual, dip.against) == (False, 100, "4 Sundays before")
    missing = judged_rows(SUNDAY, weekly(100, 10_000) | {SUNDAY: 110})
    assert missing.is_odd
    assert judged_rows(SUNDAY, weekly(100, 10_000) | {SUNDAY: 9_000}).is_odd is False


def test_one_odd_day_before_changes_nothing() -> None:
    rows = history(1000) | {DAY - timedelta(days=7): 50_000, DAY - timedelta(days=1): 0}
    assert judged_rows(DAY, rows | {DAY: 1000}).usual == 1000


def test_what_was_usual_long_ago_says_nothing() -> None:
    assert days_before(DAY, history(1, 90)) == sorted(history(1, 28))
    assert days_before(DAY, history(1, 28, DAY - timedelta(days=60))) == []
    sparse = [DAY - timedelta(days=7 * n) for n in range(20)]
    assert len(days_before(DAY, sparse)) == 8


@pytest.mark.parametrize(
    ("rejected", "usual", "is_odd"),
    [
        (0, 0.0, False),
        (20, 0.0, False),
        (60, 0.0, True),
        # Four times 1 % of 10,000 are 400, and 60 more by chance.
        (450, 0.01, False),
        (470, 0.01, True),
    ],
)
def test_a_jump_of_the_rejected_share(rejected: int, usual: float, is_odd: bool) -> None:
    before = {day: (int(usual * 10_000), 10_000) for day in history(0)}
    judged = judged_rejects(DAY, before | {DAY: (rejected, 10_000)}, 0.01)
    assert (judged.usual, judged.is_odd) == (usual, is_odd)


def test_rejects_of_first_days_small_days_and_days_without_rows() -> None:
    assert judged_rejects(DAY, {DAY: (90, 10_000)}, 0.01).is_odd is False
    assert judged_rejects(DAY, {DAY: (200, 10_000)}, 0.01).is_odd
    assert judged_rejects(DAY, {DAY: (49, 49)}, 0.01).is_odd is False
    assert judged_rejects(DAY, {DAY: (0, 0)}, 0.01).found == 0


def mixes(n: int, days: int = 28, seed: int = 1, **shares: float) -> dict[date, Counter[str]]:
    """Days of n posts each, drawn from the shares."""
    draw = random.Random(seed)
    return {day: Counter(draw.choices(list(shares), list(shares.values()), k=n)) for day in history(0, days)}


def test_another_mix_of_languages_is_told() -> None:
    before = mixes(400, en=0.7, de=0.25, und=0.05)
    found = judged_mix(DAY, before | {DAY: Counter(en=160, de=220, und=20)}, ["und"])
    assert found.distance == pytest.approx(0.3, abs=0.02)
    assert len(found.odd) == 1
    assert list(found.shares) == ["de", "en", "und"]
    near = judged_mix(DAY, before | {DAY: Counter(en=220, de=160, und=20)}, ["und"])
    assert (near.odd, near.distance > 0.1) == ((), True)


def test_a_rise_of_what_cannot_be_read_is_told_by_itself() -> None:
    before = mixes(1000, en=0.95, und=0.05)
    found = judged_mix(DAY, before | {DAY: Counter(en=760, und=240)}, ["und", "no_text"])
    assert len(found.odd) == 1
    assert found.odd[0].startswith("und rose from 5%")
    assert judged_mix(DAY, before | {DAY: Counter(en=860, und=140)}, ["und"]).odd == ()
    # It falls: good.
    assert judged_mix(DAY, mixes(1000, en=0.85, und=0.15) | {DAY: Counter(en=1000)}, ["und"]).odd == ()


def test_small_days_and_first_days_have_no_usual_mix() -> None:
    before = mixes(400, en=1.0)
    assert judged_mix(DAY, before | {DAY: Counter(de=49)}).odd == ()
    assert judged_mix(DAY, before | {DAY: Counter(de=50)}).odd
    assert judged_mix(DAY, mixes(400, 2, en=1.0) | {DAY: Counter(de=400)}).odd == ()
    assert judged_mix(DAY, {DAY: Counter[str]()}).odd == ()


def test_chance_alone_is_not_told() -> None:
    # Sixty posts in ten languages, in clumps of four as the accounts write them.
    shares = {f"l{n}": 0.1 for n in range(10)}
    told = 0
    for seed in range(200):
        draw = random.Random(seed)
        clumped: Counter[str] = Counter()
        for kind in draw.choices(list(shares), k=15):
            clumped[kind] += 4
        told += bool(judged_mix(DAY, mixes(60, 28, seed, **shares) | {DAY: clumped}).odd)
    assert told <= 4
