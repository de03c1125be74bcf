"""How purges are found among the rows of a source, and how they reach them.

Here: the rule that a reader's module states for each kind of its records. Not here: its execution (`purges`).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Redaction:
    """How purges are found among the converted rows of one kind of record, and how they reach them.

    Attributes:
        withdrawn: SELECT over the view `records` that gives entity, record_id, account_id, revision of each purge;
            None: such rows withdraw nothing.
        post: SQL expression for the post whose words a row holds; None: no post's.
        account: SQL expression for the account whose words a row holds; None: no account's.
        revision: SQL expression that is compared with the purge's revision, where both are the platform's: what is
            newer than its purge stands. None: a purge always wins.
        columns: columns that hold what people wrote; they become null.
        versions: SQL expression for the ids of all versions of a post, the first one first, or null; a purge of one of
            them is a purge of all. None: a post has one id.
    """

    withdrawn: str | None
    post: str | None
    account: str | None
    revision: str | None
    columns: tuple[str, ...]
    versions: str | None = None
