"""Ways in which files get damaged on their way, each a function of bytes and a seed.

Here: the damage. Not here: the files (`fixtures_by_source`), what readers must make of them (`test_mutations`).
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import random
import re
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from fixtures_by_source import UNPACKED, WRAPPINGS, Delivered

Damage = Callable[[bytes, random.Random], bytes]
JUNK: tuple[Any, ...] = (
    None, True, "", " ", "x" * 3000, "-1", "1e400", "NaN", "Infinity", "99999999999999999999999999", "0x10", "1,5",
    "9999-12-31T23:59:59Z", "0000-00-00", "10000-01-01 00:00:00 UTC", "2024-02-30 25:61:61 EST", "1700-01-01T00:00:00Z",
    "2024-03-01 10:00:00 XYZ", "\ud83d", "\u0000", "a\u0000b", "did:plc:", "at://", "https://[::1", "[", "{}", "['a",
    "\u202e\u2066", "ı\u0307", 0, -1, 2**63, 2**64, -(2**70), 1.5, 1e308, [], {}, [[[]]], [None], {"": None},
    {"id": {"id": []}}, ["a", 1, {}], [{"uri": 7, "url": [], "features": [{}], "index": None}], "," * 5, '"', "\r\n",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Damaged:
    """A damaged file.

    Attributes:
        base: the file before.
        kind: name of the damage.
        seed: of its random numbers.
        data: the bytes as they lie in the landing folder.
        plain: the same without compression; None: not known how much of it can be read.
    """

    base: Delivered
    kind: str
    seed: int
    data: bytes
    plain: bytes | None

    @property
    def folder(self) -> str:
        """Folder of its own below landing/<source>/: names of files tell readers something and stay."""
        return f"m{self.seed:04d} {self.kind}"

    def __str__(self) -> str:
        return f"seed {self.seed}, {self.kind} of {self.base.source} {self.base.vintage} {self.base.name}"


# ------------------------------------------------------------------ any bytes


def _places(data: bytes, rng: random.Random, most: int) -> list[int]:
    return sorted(rng.randrange(len(data)) for _ in range(rng.randint(1, most))) if data else []


def flip(data: bytes, rng: random.Random) -> bytes:
    """Other bits in a few bytes."""
    made = bytearray(data)
    for place in _places(data, rng, 12):
        made[place] ^= 1 << rng.randrange(8)
    return bytes(made)


def overwrite(data: bytes, rng: random.Random) -> bytes:
    """A stretch of random bytes."""
    place, length = rng.randrange(len(data) or 1), rng.randint(1, 200)
    return data[:place] + rng.randbytes(length) + data[place + length :]


def delete(data: bytes, rng: random.Random) -> bytes:
    """A few bytes are missing."""
    made = bytearray(data)
    for place in reversed(_places(data, rng, 8)):
        del made[place : place + rng.randint(1, 3)]
    return bytes(made)


def nul(data: bytes, rng: random.Random) -> bytes:
    """NUL bytes among the others."""
    made = bytearray(data)
    for place in reversed(_places(data, rng, 20)):
        made[place:place] = b"\0" * rng.randint(1, 3)
    return bytes(made)


def truncate(data: bytes, rng: random.Random) -> bytes:
    """The end is missing."""
    return data[: rng.randrange(len(data) or 1)]


def beheaded(data: bytes, rng: random.Random) -> bytes:
    """The beginning is missing."""
    return data[rng.randrange(len(data) or 1) :]


# ---------------------------------------------------------------------- lines


def cut_lines(data: bytes, rng: random.Random) -> bytes:
    """Lines end early."""
    lines = data.splitlines(keepends=True)
    for _ in range(rng.randint(1, 5)):
        k = rng.randrange(len(lines))
        lines[k] = lines[k][: rng.randrange(len(lines[k]) or 1)] + b"\n" * rng.randint(0, 1)
    return b"".join(lines)


def double_lines(data: bytes, rng: random.Random) -> bytes:
    """Lines are there twice, and some elsewhere."""
    lines = data.splitlines(keepends=True)
    for _ in range(rng.randint(1, 6)):
        lines.insert(rng.randrange(len(lines)), rng.choice(lines))
    return b"".join(lines)


def line_ends(data: bytes, rng: random.Random) -> bytes:
    """LF, CRLF and lone CR in one file."""
    return re.sub(rb"\r?\n", lambda _: rng.choice((b"\n", b"\r\n", b"\r")), data)


def crlf(data: bytes, rng: random.Random) -> bytes:
    """LF and CRLF in one file."""
    return re.sub(rb"\r?\n", lambda _: rng.choice((b"\n", b"\r\n")), data)


def blank_lines(data: bytes, rng: random.Random) -> bytes:
    """Blank lines, also at the beginning and at the end."""
    lines = [b"\n", *data.splitlines(keepends=True)]
    for _ in range(rng.randint(1, 8)):
        lines.insert(rng.randrange(len(lines)), rng.choice((b"\n", b"\r\n", b"  \n")))
    return b"".join([*lines, b"\n\n"])


# --------------------------------------------------------------------- quotes


def drop_quotes(data: bytes, rng: random.Random) -> bytes:
    """Some quotes are missing."""
    share = rng.choice((0.02, 0.2))
    return re.sub(rb'"', lambda found: b"" if rng.random() < share else found.group(), data)


def add_quotes(data: bytes, rng: random.Random) -> bytes:
    """Quotes where none belong."""
    made = bytearray(data)
    for place in reversed(_places(data, rng, 6)):
        made[place:place] = b'"'
    return bytes(made)


def open_quote(data: bytes, rng: random.Random) -> bytes:
    """A field that opens a quote and never closes it."""
    lines = data.splitlines(keepends=True)
    k = rng.randrange(len(lines))
    lines[k] = b'"never closed, ' + lines[k].replace(b'"', b"")
    return b"".join(lines[: k + 1]) + b"".join(lines[k + 1 :]).replace(b'"', b"'")


# ------------------------------------------------------------------ encodings


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def cp1252(data: bytes, _: random.Random) -> bytes:
    """Windows-1252 throughout."""
    return _text(data).encode("cp1252", "replace")


def half_cp1252(data: bytes, rng: random.Random) -> bytes:
    """Two encodings in one file."""
    lines = data.splitlines(keepends=True)
    k = rng.randrange(len(lines))
    return b"".join(lines[:k]) + cp1252(b"".join(lines[k:]), rng)


def utf16(data: bytes, rng: random.Random) -> bytes:
    """UTF-16 with its mark."""
    order = rng.choice(("le", "be"))
    return (b"\xff\xfe" if order == "le" else b"\xfe\xff") + _text(data).encode(f"utf-16-{order}")


def utf16_unmarked(data: bytes, rng: random.Random) -> bytes:
    """UTF-16 without its mark."""
    return _text(data).encode(rng.choice(("utf-16-le", "utf-16-be")))


def marked(data: bytes, rng: random.Random) -> bytes:
    """UTF-8 with its mark, sometimes twice."""
    return b"\xef\xbb\xbf" * rng.choice((1, 1, 2)) + data


# ------------------------------------------------------------- names and cells

_KEY = re.compile(rb'"([^"\\]{1,40})"\s*:')


def _is_json(data: bytes) -> bool:
    return data.lstrip()[:1] in (b"{", b"[")


def _table(data: bytes) -> tuple[list[list[str]], str]:
    text = _text(data)
    delimiter = "\t" if "\t" in text.split("\n", 1)[0] else ","
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)), delimiter


def _written(rows: list[list[str]], delimiter: str) -> bytes:
    sink = io.StringIO(newline="")
    csv.writer(sink, delimiter=delimiter).writerows(rows)
    return sink.getvalue().encode("utf-8", "replace")


def rename(data: bytes, rng: random.Random) -> bytes:
    """A column or key goes by another name."""
    if _is_json(data):
        keys = sorted(set(_KEY.findall(data)))
        if not keys:
            return data
        return data.replace(b'"' + rng.choice(keys) + b'"', rng.choice((b'"other"', b'"id"', b'"text"', b'""')))
    rows, delimiter = _table(data)
    rows[0][rng.randrange(len(rows[0]))] = rng.choice(("other", "id", "URL", ""))
    return _written(rows, delimiter)


def drop(data: bytes, rng: random.Random) -> bytes:
    """A column or key is not there."""
    if _is_json(data):
        keys = sorted(set(_KEY.findall(data)))
        gone = rng.choice(keys).decode("utf-8", "replace") if keys else ""
        return _each_value(data, lambda value: _dropped(value, gone))
    rows, delimiter = _table(data)
    k = rng.randrange(len(rows[0]))
    return _written([row[:k] + row[k + 1 :] for row in rows], delimiter)


def junk(data: bytes, rng: random.Random) -> bytes:
    """Cells hold what no cell of their kind should."""
    if _is_json(data):
        return _each_value(data, lambda value: _with_junk(value, rng))
    rows, delimiter = _table(data)
    for _ in range(rng.randint(1, 30)):
        row = rows[rng.randrange(1, len(rows))] if len(rows) > 1 else rows[0]
        if row:
            value = rng.choice(JUNK)
            row[rng.randrange(len(row))] = value if isinstance(value, str) else json.dumps(value)
    return _written(rows, delimiter)


def _each_value(data: bytes, change: Callable[[Any], Any]) -> bytes:
    try:
        values = [json.loads(data)]
    except ValueError:
        values = [json.loads(line) for line in data.splitlines() if line.strip()]
    return b"".join(json.dumps(change(value), ensure_ascii=True).encode() + b"\n" for value in values)


def _dropped(value: Any, gone: str) -> Any:
    if isinstance(value, dict):
        return {key: _dropped(inner, gone) for key, inner in value.items() if key != gone}
    return [_dropped(inner, gone) for inner in value] if isinstance(value, list) else value


def _with_junk(value: Any, rng: random.Random) -> Any:
    """A copy in which single values, deep or shallow, are something else."""
    if rng.random() < 0.02:
        return rng.choice(JUNK)
    if isinstance(value, dict):
        return {key: _with_junk(inner, rng) for key, inner in value.items()}
    return [_with_junk(inner, rng) for inner in value] if isinstance(value, list) else value


ANY: dict[str, Damage] = {f.__name__: f for f in (flip, overwrite, delete, truncate, beheaded)}
OF_TEXT: dict[str, Damage] = ANY | {
    f.__name__: f
    for f in (
        nul, cut_lines, double_lines, line_ends, crlf, blank_lines, drop_quotes, add_quotes, open_quote, cp1252,
        half_cp1252, utf16, utf16_unmarked, marked, rename, drop, junk,
    )
}  # fmt: skip
# These keep every byte of UTF-8 text in its place or say where it went; of others offsets mean the text as decoded.
RECODED = ("cp1252", "half_cp1252", "utf16", "utf16_unmarked")


# ------------------------------------------------------------------ all of it


def strangers() -> dict[str, tuple[bytes, str]]:
    """Files that are no data of anybody: name -> (bytes, what must become of them)."""
    rng = random.Random(5)
    archive, tarball = io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("a.csv", "x,y\n1,2\n")
    with tarfile.open(fileobj=tarball, mode="w") as bundle:
        entry = tarfile.TarInfo("a.csv")
        entry.size = 8
        bundle.addfile(entry, io.BytesIO(b"x,y\n1,2\n"))
    return {
        "archive.zip": (archive.getvalue(), "unusable"),
        "archive.tar": (tarball.getvalue(), "unusable"),
        "noise.bin": (b"\xc3" + rng.randbytes(5000), ""),
        "image.png": (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + rng.randbytes(5000), ""),
        "photo.jpg": (b"\xff\xd8\xff\xe0\0\x10JFIF\0" + rng.randbytes(5000), ""),
        "page.html": (b"<!DOCTYPE html>\n<html><body>Log in to go on</body></html>\n", ""),
        "sentences.txt": (("Nobody's data.\nJust words, äöü.\n" * 20).encode(), ""),
        "object.json": (b'{"nothing": ["of", "interest"]}\n', "unknown"),
        "array.json": (b"[1, 2, 3]\n", ""),
        "other.csv": (b"alpha,beta,gamma\na,b,c\n", ""),
        "empty": (b"", "converted"),
        "blank": (b"\n\n  \n", ""),
        "only a mark": (b"\xef\xbb\xbf", ""),
        "cut.gz": (gzip.compress(b"x" * 5000)[:12], ""),
        "head.gz": (b"\x1f\x8b", ""),
        "head.zst": (b"\x28\xb5\x2f\xfd", ""),
        "noise.gz": (b"\x1f\x8b\x08\0" + rng.randbytes(500), ""),
        "gz in gz": (gzip.compress(gzip.compress(b"x,y\n1,2\n")), ""),
    }


def mutants(files: list[Delivered], first_seed: int, step: int = 1) -> Iterator[Damaged]:
    """Every damage of every file, of the unpacked and of the compressed one; seeds count upwards.

    Args:
        files: what is damaged.
        first_seed: seed of the first.
        step: only every step-th file meets a certain damage.
    """
    seed = first_seed
    for number, file in enumerate(files):
        binary = file.vintage in (*UNPACKED, "car")
        for kind, damage in (ANY if binary else OF_TEXT).items():
            seed += 1
            if (number + seed) % step == 0:
                plain = damage(file.plain, random.Random(seed))
                yield Damaged(file, kind, seed, plain, plain)
        if file.vintage in UNPACKED:
            continue
        for wrapping in ("gz", "zst", "two members", "two frames"):
            for kind in ("truncate", "flip"):
                seed += 1
                if (number + seed) % step == 0:
                    data = ANY[kind](WRAPPINGS[wrapping](file.plain), random.Random(seed))
                    yield Damaged(file, f"{kind} {wrapping}", seed, data, None)


# ------------------------------------------------------------------ too much

MIB = 1 << 20


def _packed(*parts: tuple[bytes, int]) -> bytes:
    """A gzip file of (piece, how often), never held unpacked."""
    sink = io.BytesIO()
    with gzip.GzipFile(fileobj=sink, mode="wb", compresslevel=1, mtime=0) as packed:
        for piece, times in parts:
            block = piece * min(times, 1 << 16)
            for _ in range(-(-times // (1 << 16))):
                packed.write(block)
    return sink.getvalue()


def bombs(file: Delivered) -> dict[str, Callable[[], bytes]]:
    """Small or plain files that unpack to much, or hold one record without end, by name.

    Args:
        file: what they begin with, a whole file of text; in a long line its words are repeated.
    """
    found: dict[str, Callable[[], bytes]] = {
        "zeros": lambda: _packed((b"\0", 200 * MIB)),
        "zeros behind": lambda: _packed((file.plain, 1), (b"\0", 100 * MIB)),
        "newlines": lambda: _packed((file.plain, 1), (b"\n", 200 * MIB)),
        "long line": lambda: file.plain.replace(b"plain words", b"plain" + b" words" * (50 * MIB // 6), 1),
    }
    if not _is_json(file.plain):
        found["open quote"] = lambda: file.plain + b'"never closed,' + b"a,b,c\r\n" * (50 * MIB // 7)
    return found
