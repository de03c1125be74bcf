"""Result files of the one-shot tool: checked before the work, written beside their target and renamed.

Here: CSV and Parquet for a person's own folder. Not here: the lake's tables (`storage`).
"""

from __future__ import annotations

import csv
import io
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO

import pyarrow as pa

from sm_assets.errors import OptionError


def check_target(path: Path) -> None:
    """Refuse a target that could not be written.

    Raises:
        OptionError: the folder is missing or may not be written, or the target is a folder.
    """
    folder = path.absolute().parent
    if path.is_dir():
        raise OptionError(f"{path}: is a folder; give the name of a file in it.")
    if path.exists() and not path.is_file():
        raise OptionError(f"{path}: is not a regular file; give the name of a file, or leave the option out to print.")
    if not folder.is_dir():
        raise OptionError(f"{path}: the folder {folder} does not exist; make it first or give another path.")
    if not os.access(folder, os.W_OK):
        raise OptionError(f"{path}: the folder {folder} may not be written to; give another path.")


def check_targets(targets: Sequence[Path], inputs: Sequence[Path]) -> None:
    """Refuse targets that could not be written, that are an input, or that are one another.

    Raises:
        OptionError: see `check_target`; or a file would be written over an input or over another result.
    """
    taken = {path.resolve(): f"the input {path}" for path in inputs}
    for target in targets:
        check_target(target)
        place = target.resolve()
        if place in taken:
            raise OptionError(f"{target}: would overwrite {taken[place]}; give another path.")
        taken[place] = f"another result, {target}"


def write_csv(table: pa.Table, stream: IO[str]) -> None:
    """Header and rows; missing values are empty fields, numbers keep every digit."""
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(table.column_names)
    for batch in table.to_batches(max_chunksize=65_536):
        columns = [["" if value is None else value for value in column.to_pylist()] for column in batch.columns]
        writer.writerows(zip(*columns, strict=True))


def write_table(table: pa.Table, path: Path) -> None:
    """Write Parquet for a path that ends in .parquet, else CSV; the target is replaced only when all is written.

    Raises:
        OptionError: the file could not be written; an earlier one is left as it was.
    """
    # Through a link the file behind it is replaced, not the link.
    path = path.resolve()
    temporary: Path | None = None
    try:
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.absolute().parent)
        os.close(descriptor)
        temporary = Path(name)
        if path.suffix == ".parquet":
            import pyarrow.parquet as pq

            pq.write_table(table, temporary, compression="zstd")
        else:
            with temporary.open("w", encoding="utf-8", newline="") as file:
                write_csv(table, file)
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)
        temporary.replace(path)
    except OSError as problem:
        raise OptionError(
            f"{path}: could not be written ({problem.strerror or problem}); an earlier file there is unchanged."
        ) from problem
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def csv_text(table: pa.Table) -> str:
    """The CSV as one text, for standard output."""
    text = io.StringIO()
    write_csv(table, text)
    return text.getvalue()
