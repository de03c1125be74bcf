"""What a sketch is: the scheme, the size and the rules by which its registers were made.

Here: `SketchSpec`, its form in Parquet metadata, and holding unlike sketches apart. Hash values carry no trace of their
scheme: whoever lets two sketches meet compares their specs first. Not here: making sketches (`sm_assets.kernels`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Final

from sm_assets.errors import SketchMismatchError
from sm_assets.settings import Settings

KEY: Final = "sm.key"
# Digest of the file that a file was made from, and of all days that a snapshot was made from.
MADE_FROM: Final = "sm.source"
INPUTS: Final = "sm.inputs"
SCHEMES: Final = ("fss", "affine32")
ELEMENTS: Final = ("key", "identity", "high32")
KEY_RULES: Final = ("xxh64", "native", "secret")
VERSIONS: Final[Mapping[str, int]] = {"fss": 1, "affine32": 1}
DEFAULT_SEEDS: Final[Mapping[str, int]] = {"fss": 0, "affine32": 1}
_PREFIX: Final = "sm.sketch."
_REMEDY: Final = (
    "Materialise these days again, or set SM_ASSETS_SKETCH_SCHEME, SM_ASSETS_SKETCH_K, SM_ASSETS_SKETCH_SEED, "
    "SM_ASSETS_SKETCH_ELEMENT and SM_ASSETS_KEY_RULE back."
)


@dataclass(frozen=True, slots=True)
class SketchSpec:
    """How registers were made; only equal specs may meet.

    Attributes:
        scheme: `fss` or `affine32`.
        version: version of the scheme's arithmetic.
        k: registers of a signature.
        seed: seed of the scheme.
        element: what is hashed: `key` (fss); `identity` or `high32` of the key (affine32).
        key: rule and seed by which account ids became keys, like `xxh64/0`.
    """

    scheme: str = "fss"
    version: int = 1
    k: int = 128
    seed: int = 0
    element: str = "key"
    key: str = "xxh64/0"

    @property
    def sketch_id(self) -> str:
        """One text for all of it, as `fss/1/128/0/xxh64:0`: the element is named where there is a choice."""
        element = () if self.element == "key" else (self.element,)
        parts = (self.scheme, self.version, self.k, self.seed, *element, self.key.replace("/", ":"))
        return "/".join(map(str, parts))

    @property
    def metadata(self) -> dict[str, str]:
        """The same as Parquet metadata."""
        values = {f.name: str(getattr(self, f.name)) for f in fields(self) if f.name != "key"}
        return {_PREFIX + name: value for name, value in values.items()} | {KEY: self.key}

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, str], where: str) -> SketchSpec:
        """Read a spec back.

        Args:
            metadata: of a file.
            where: what is read, as `day=2024-03-01`, for the message.

        Raises:
            SketchMismatchError: the metadata is missing; it is never guessed.
        """
        names = [f.name for f in fields(cls) if f.name != "key"]
        if KEY not in metadata or any(_PREFIX + name not in metadata for name in names):
            raise SketchMismatchError(f"No sm.sketch metadata in {where}; materialise it again.")
        values = {name: metadata[_PREFIX + name] for name in names}
        if not all(values[name].isdecimal() for name in ("version", "k", "seed")):
            raise SketchMismatchError(f"The sm.sketch metadata in {where} cannot be read; materialise it again.")
        return cls(
            scheme=values["scheme"],
            version=int(values["version"]),
            k=int(values["k"]),
            seed=int(values["seed"]),
            element=values["element"],
            key=metadata[KEY],
        )


def key_id(settings: Settings) -> str:
    """The key rule of the settings as it stands in metadata: `xxh64/0`, `native/0`, `secret/<print of the secret>`."""
    match settings.key_rule:
        case "secret":
            known = hashlib.blake2b(b"sm_assets key rule", digest_size=4, key=settings.secret_bytes)
            return f"secret/{known.hexdigest()}"
        case "xxh64":
            return f"xxh64/{settings.key_seed}"
        case rule:
            return f"{rule}/0"


def spec_of(settings: Settings) -> SketchSpec:
    """The spec that the settings ask for."""
    scheme = settings.sketch_scheme
    return SketchSpec(
        scheme=scheme,
        version=VERSIONS[scheme],
        k=settings.sketch_k,
        seed=DEFAULT_SEEDS[scheme] if settings.sketch_seed is None else settings.sketch_seed,
        element="key" if scheme == "fss" else settings.sketch_element,
        key=key_id(settings),
    )


def require_same(expected: SketchSpec, found: Mapping[str, SketchSpec]) -> None:
    """Hold sketches to one spec.

    Args:
        expected: what is asked for.
        found: specs by what they belong to, as `feat_audience_sketches day=2024-03-01`.

    Raises:
        SketchMismatchError: says what each side is, and what to do.
    """
    unlike = {where: spec for where, spec in found.items() if spec != expected}
    if not unlike:
        return
    shown = [f"{where} is {spec.sketch_id}" for where, spec in list(unlike.items())[:20]]
    if len(unlike) > len(shown):
        shown.append(f"{len(unlike) - len(shown)} more")
    raise SketchMismatchError(f"Asked for is {expected.sketch_id}, but {'; '.join(shown)}. {_REMEDY}")


def require_key(expected: str, found: Mapping[str, str | None]) -> None:
    """Hold keys to one rule.

    Raises:
        SketchMismatchError: names what is made by another rule, or has lost its metadata.
    """
    lost = [where for where, key in found.items() if key is None]
    if lost:
        raise SketchMismatchError(f"No {KEY} metadata in {', '.join(lost[:20])}; materialise it again.")
    unlike = [f"{where} has {key}" for where, key in found.items() if key != expected]
    if unlike:
        raise SketchMismatchError(
            f"Keys by {expected} are asked for, but {'; '.join(unlike[:20])}. Materialise these days again, or set "
            "SM_ASSETS_KEY_RULE and SM_ASSETS_KEY_SEED back."
        )
