"""Settings: read once, checked, and unknown variables are refused."""

from __future__ import annotations

from datetime import date

import pytest

from sm_assets.errors import SettingsError
from sm_assets.settings import Settings


def test_defaults() -> None:
    found = Settings.from_env({})
    assert (found.window_days, found.content_mode, found.min_text_chars, found.profile) == (28, "canonical", 20, "full")
    assert found.data_root.startswith("/")


def test_environment_and_overrides() -> None:
    environ = {
        "SM_ASSETS_WINDOW_DAYS": "7",
        "SM_ASSETS_START_DAY": "2023-01-02",
        "SM_ASSETS_DATA_ROOT": "s3://bucket/x",
        "OTHER": "1",
    }
    found = Settings.from_env(environ, threads=3)
    assert (found.window_days, found.start_day, found.data_root, found.threads) == (
        7,
        date(2023, 1, 2),
        "s3://bucket/x",
        3,
    )
    assert Settings.from_env(environ, window_days=9).window_days == 9


def test_tiny_profile_is_a_default_only() -> None:
    assert Settings.from_env({"SM_ASSETS_PROFILE": "tiny"}).threads == 1
    assert Settings.from_env({"SM_ASSETS_PROFILE": "tiny", "SM_ASSETS_THREADS": "4"}).threads == 4


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("WINDOW_DAY", "7", "Unknown settings SM_ASSETS_WINDOW_DAY"),
        ("WINDOW_DAYS", "0", "expected 1 to 400"),
        ("WINDOW_DAYS", "a week", "expected a whole number"),
        ("START_DAY", "5.7.2021", "expected a day like"),
        ("CONTENT_MODE", "exact", "expected one of 'canonical', 'compat'"),
        ("MEMORY_LIMIT", "much", "expected a size like"),
        ("MAX_REJECT_SHARE", "1.5", "expected 0 to 1"),
        ("NUMBER_FORMAT", "x", "expected one of"),
        ("PROFILE", "huge", "expected one of"),
    ],
)
def test_a_bad_setting_says_what_is_expected(name: str, value: str, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        Settings.from_env({f"SM_ASSETS_{name}": value})
