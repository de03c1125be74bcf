"""Times that a client states, weighed against the time in a record's key and the time of its receipt.

Here: this rule over whole columns, and the last time that a server can have stated (formats 4.4). Not here: reading the
times, the floors of the platforms.
"""

from __future__ import annotations

import time
from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt

from sm_assets.kernels.json_cells import NEVER, tid_micros
from sm_assets.sources.reading import Bounds

__all__ = ["CLIENT", "KEY", "NEVER", "RECEIVED", "TIME_SOURCES", "decide", "latest_possible", "tid_micros"]

Micros = npt.NDArray[np.int64]
TIME_SOURCES = ("client", "key", "received")
CLIENT, KEY, RECEIVED = range(3)
_AFTER_EXPORT, _AFTER_NOW = timedelta(hours=1), timedelta(days=1)


def decide(
    claim_us: Micros, key_us: Micros, received_us: Micros, floor_us: int, bounds: Bounds
) -> tuple[Micros, npt.NDArray[np.int8]]:
    """The time to believe and whose it is.

    The claim is believed if it is neither before the floor nor ahead of the receipt by more than `client_ahead`, and
    either recent (`client_behind`) or borne out by the key (`key_agreement`); else the key within the same limits;
    else the receipt.

    Args:
        claim_us: int64[n], microseconds of UTC; NEVER: no claim.
        key_us: int64[n], NEVER: the key holds no time.
        received_us: int64[n], known throughout.
        floor_us: when the platform began.
        bounds: how far client clocks are believed.

    Returns:
        int64[n] microseconds, int8[n] index into TIME_SOURCES.
    """
    latest = received_us + _micros(bounds.client_ahead)
    possible = (claim_us >= floor_us) & (claim_us <= latest)
    # Claims that are not possible may lie so far off that differences with them overflow.
    claim = np.where(possible, claim_us, received_us)
    has_key = (key_us >= floor_us) & (key_us <= latest)
    key = np.where(has_key, key_us, received_us)
    recent = received_us - claim <= _micros(bounds.client_behind)
    # The key need not lie in its own limits to bear the claim out: both then tell of the same moment.
    keyed = key_us != NEVER
    agreeing = keyed & (np.abs(np.where(keyed, key_us, claim) - claim) <= _micros(bounds.key_agreement))
    by_client = possible & (recent | agreeing)
    source = np.where(by_client, CLIENT, np.where(has_key, KEY, RECEIVED)).astype(np.int8)
    return np.where(by_client, claim, key), source


def latest_possible(exported_at: datetime | None) -> int:
    """Microseconds of UTC behind which no server's clock can have been: an hour after the export, else tomorrow.

    One damaged digit of a time would else be the newest observation for ever, and cover all days up to it.
    """
    if exported_at is None:
        return time.time_ns() // 1000 + _micros(_AFTER_NOW)
    return int(exported_at.timestamp() * 1_000_000) + _micros(_AFTER_EXPORT)


def _micros(span: timedelta) -> int:
    return span // timedelta(microseconds=1)
