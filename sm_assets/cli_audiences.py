"""`sm-assets audiences`, `overlap`, `neighbours`: questions about audiences at the command line.

Here: their arguments, progress, what is printed. Not here: the work (`oneshot.audiences`, `audience_queries`), what
becomes of errors (`cli`). What was found goes to standard output for a person to read, the account of the rows to
standard error, whole tables into files.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sm_assets.contracts.columns import PLATFORMS, SEARCH_METHODS
from sm_assets.errors import OptionError

if TYPE_CHECKING:
    import pyarrow as pa

    from sm_assets.audience_queries import Audiences

# As of `cluster-pages`.
OK, NOTHING_ACCEPTED = 0, 3
_DIRECTIONS = ("first_follows_second", "second_follows_first", "mutual")


def add_commands(commands: Any, formatter: type[argparse.HelpFormatter]) -> None:
    """Add the commands to the subparsers of `sm-assets`."""
    _add_audiences(commands, formatter)
    _add_neighbours(commands, formatter)
    _add_overlap(commands, formatter)


def _add_audiences(commands: Any, formatter: type[argparse.HelpFormatter]) -> None:
    command = commands.add_parser(
        "audiences",
        formatter_class=formatter,
        help="communities of accounts that share followers, and the accounts around a few seeds, from edge files",
        description="Find which accounts share followers: communities, and around given accounts those that belong "
        "with them. Reads lists of who follows whom (CSV, TSV, SNAP, Parquet, npy; sidecars are honoured). Prints a "
        "summary; --output-folder keeps the tables.",
    )
    option = command.add_argument
    option("infiles", nargs="+", metavar="EDGES", help="edge files, and files of labels")
    option("--seed", action="append", default=[], metavar="ACCOUNT", dest="seeds",
           help="an account to look around, by its id in the files; may be given several times")  # fmt: skip
    option("--min-followers", type=int, default=100, metavar="N",
           help="known followers from which an account is compared (default: 100)")  # fmt: skip
    option("--method", action="append", choices=SEARCH_METHODS, dest="methods",
           help="way of ranking around the seeds; may be given several times (default: all three)")  # fmt: skip
    option("--max-members", type=int, default=200, metavar="N", help="length of a ranking (default: 200)")
    option("--resolution", type=_number, default=1.0, metavar="F",
           help="of communities: higher gives more and smaller ones (default: 1)")  # fmt: skip
    option("--runs", type=int, default=20, metavar="N",
           help="runs that the communities are a consensus of: below 20 just so many, else at least so many, doubled "
           "up to 80 while two halves of them disagree (default: 20)")  # fmt: skip
    option("--registers", type=int, default=128, metavar="N",
           help="registers of a sketch, from which the rankings are read; with seeds at least 2 "
           "(default: 128)")  # fmt: skip
    option("--direction", choices=_DIRECTIONS,
           help="who follows whom in files where no sidecar states it and no header names it, as follower,followed "
           "does (default: first_follows_second)")  # fmt: skip
    option("--platform", choices=PLATFORMS, default="other",
           help="whose accounts they are in files that do not state it (default: other)")  # fmt: skip
    option("--output-folder", type=Path, metavar="DIR",
           help="write communities, members, overlap and, with seeds, search there")  # fmt: skip
    option("--format", choices=("csv", "parquet"), default="csv", help="of the files in the folder (default: csv)")
    option("--gexf", action="store_true", help="also write graph.gexf into the folder, for Gephi")
    option("--output-path", type=Path, metavar="P",
           help="write the rankings there, without seeds the communities (.parquet: Parquet, else CSV)")  # fmt: skip
    option("--rejects-path", type=Path, metavar="P", help="also write the rejected rows: file, line, reason, excerpt")
    option("--strict", action="store_true", help="exit with 3 if any row was rejected")
    command.set_defaults(run=_audiences)


def _audiences(arguments: argparse.Namespace) -> int:
    from sm_assets.oneshot import audience_files, audiences
    from sm_assets.oneshot.options import check_inputs
    from sm_assets.oneshot.report import rejects_table
    from sm_assets.oneshot.result_files import check_targets, write_table

    options = audiences.AudienceOptions(
        seeds=tuple(arguments.seeds), min_followers=arguments.min_followers,
        methods=tuple(dict.fromkeys(arguments.methods or SEARCH_METHODS)), max_members=arguments.max_members,
        resolution=arguments.resolution, n_runs=arguments.runs, platform=arguments.platform,
        direction=arguments.direction, registers=arguments.registers,
    )  # fmt: skip
    paths, folder = [Path(name) for name in arguments.infiles], arguments.output_folder
    if arguments.gexf and folder is None:
        raise OptionError("--gexf writes graph.gexf into the folder of the results; give --output-folder.")
    check_inputs(paths)
    check_targets([path for path in (arguments.output_path, arguments.rejects_path) if path is not None], paths)
    targets = []
    if folder is not None:
        targets = audience_files.output_paths(folder, paths, options, arguments.format, gexf=arguments.gexf)
    with _status() as progress:
        found = audiences.run(paths, options, progress, lambda notice: _tell(f"note: {notice}"))
    if arguments.rejects_path is not None:
        write_table(rejects_table(found.report), arguments.rejects_path)
    if arguments.output_path is not None:
        audience_files.write_result(found.main, arguments.output_path)
    audience_files.write_tables(found, targets)
    _print(found.summary)
    for line in found.report.lines():
        _tell(line)
    for written in [arguments.output_path] * (arguments.output_path is not None) + targets:
        _tell(f"written to {written}")
    report = found.report
    nothing = bool(report.rows) and not report.accepted
    return NOTHING_ACCEPTED if nothing or (arguments.strict and report.rejects) else OK


@contextmanager
def _status() -> Iterator[Callable[[str], None] | None]:
    """One line on standard error that says what is being done, on a terminal only."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.text import Text

    with Console(stderr=True).status("reading") as status:
        yield lambda text: status.update(Text(text))


def _add_neighbours(commands: Any, formatter: type[argparse.HelpFormatter]) -> None:
    command = commands.add_parser(
        "neighbours",
        formatter_class=formatter,
        help="accounts whose audiences are most like an account's, from the lake",
        description="The accounts whose audiences are most like an account's own, from a snapshot in the lake.",
    )
    command.add_argument("account", metavar="ACCOUNT", help="its id, or its handle")
    command.add_argument("--top", type=int, default=10, metavar="N", help="at most so many (default: 10)")
    command.add_argument("--estimated", action="store_true", help="read sketches only: faster, less exact")
    _add_lake(command)
    command.set_defaults(run=_neighbours)


def _add_overlap(commands: Any, formatter: type[argparse.HelpFormatter]) -> None:
    command = commands.add_parser(
        "overlap",
        formatter_class=formatter,
        help="how many followers given accounts share, counted exactly, from the lake",
        description="How many followers each two of the accounts share, counted exactly, however few they have.",
    )
    command.add_argument("accounts", nargs="+", metavar="ACCOUNT", help="ids or handles, two or more")
    _add_lake(command)
    command.set_defaults(run=_overlap)


def _add_lake(command: argparse.ArgumentParser) -> None:
    option = command.add_argument
    option("--platform", choices=PLATFORMS, help="whose account it is (default: where it is found)")
    option("--data-root", type=Path, metavar="DIR", help="the lake (default: SM_ASSETS_DATA_ROOT, else data)")
    option("--day", type=_day, metavar="YYYY-MM-DD", help="as-of day of the snapshot (default: the newest)")
    option("--output-path", type=Path, metavar="P", help="write the rows there (.parquet: Parquet, else CSV)")


def _neighbours(arguments: argparse.Namespace) -> int:
    _check_output(arguments)
    found = _lake(arguments).neighbours(
        arguments.account, arguments.platform, top=arguments.top, exact=not arguments.estimated
    )
    return _told(found, arguments.output_path)


def _overlap(arguments: argparse.Namespace) -> int:
    _check_output(arguments)
    return _told(_lake(arguments).exact_overlap(arguments.accounts, arguments.platform), arguments.output_path)


def _check_output(arguments: argparse.Namespace) -> None:
    from sm_assets.oneshot.result_files import check_targets

    check_targets([] if arguments.output_path is None else [arguments.output_path], [])


def _lake(arguments: argparse.Namespace) -> Audiences:
    from sm_assets.audience_queries import open_audiences

    return open_audiences(arguments.data_root, arguments.day)


def _told(table: pa.Table, output_path: Path | None) -> int:
    from sm_assets.oneshot.audience_files import write_result
    from sm_assets.oneshot.audience_report import shown

    if output_path is not None:
        write_result(table, output_path)
    # Names that nobody has would only push the numbers out of sight.
    known = [name for name in table.column_names if table[name].null_count < len(table) or not len(table)]
    _print(shown(table, known) if len(table) else "Nobody shares enough followers with it to be seen.")
    return OK


def _print(text: str) -> None:
    """UTF-8 whatever the terminal's encoding; names in many scripts are our subject."""
    if text and sys.stdout is not None:
        sys.stdout.flush()
        sys.stdout.buffer.write(f"{text}\n".encode("utf-8", "replace"))
        sys.stdout.flush()


def _tell(line: str) -> None:
    from sm_assets.oneshot.audience_report import printable

    if sys.stderr is not None:
        sys.stderr.write(f"{printable(line)}\n")


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected a number, found {text!r}") from None


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected a day like 2024-03-17, found {text!r}") from None
