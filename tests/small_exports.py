"""Small synthetic exports for tests of the one-shot tool: two pages with six common messages, and a filler.

Here: texts and two helpers. Not here: the lake's exports (`conftest`).
"""

from __future__ import annotations

import csv
from pathlib import Path

from sm_assets.oneshot import Outcome

HEADER = "Page Name,User Name,Facebook Id,Followers at Posting,Post Created,Total Interactions,URL,Link,Message\n"
PAIR = "".join(
    f"{page},{page},{ident},100,2021-09-01 0{k}:00:00 EDT,10,https://www.facebook.com/{ident}/posts/{k},,"
    f"This is the common message number {k} of both\n"
    for page, ident in (("a", 11), ("b", 12))
    for k in range(6)
)
FILL = "".join(
    f"f,f,13,1,2021-09-01 00:00:00 EDT,1,https://www.facebook.com/13/posts/{k},,Only the filler writes line {k}\n"
    for k in range(30)
)


def write(path: Path, text: str | bytes, encoding: str = "utf-8") -> Path:
    path.write_bytes(text if isinstance(text, bytes) else text.encode(encoding))
    return path


def golden(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def pair_of(outcome: Outcome) -> set[str]:
    """Names of all members that were found."""
    return set(outcome.table.column("nameid").to_pylist())
