"""`sm-assets`: the one-shot tools, questions to the lake, the demo. Nothing here that Dagster already does.

Here: arguments, progress, messages, exit codes. Not here: the work itself (`oneshot`, `demo_run`), commands about
audiences (`cli_audiences`).

Exit codes: 0 done, also with rejects or without a cluster; 2 an option or input cannot be used; 3 rows were read but
none accepted, or any was rejected under --strict; 130 interrupted.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sm_assets.cli_audiences import add_commands
from sm_assets.errors import OptionError, SmAssetsError
from sm_assets.lost_interrupts import hear_again
from sm_assets.quiet_end import end_quietly

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sm_assets.oneshot import Outcome

OK, UNUSABLE, NOTHING_ACCEPTED, INTERRUPTED = 0, 2, 3, 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    arguments = _parser().parse_args(argv)
    try:
        code: int = arguments.run(arguments)
        sys.stdout.flush()
    except SmAssetsError as problem:
        from sm_assets.oneshot.audience_report import printable

        # Names of files, columns and accounts come from anybody.
        for line in f"sm-assets: {problem}".split("\n"):
            print(printable(line), file=sys.stderr)
        return UNUSABLE
    except OSError as problem:
        if isinstance(problem, BrokenPipeError):
            # The reader of our output has gone: not an error of ours, and not one to print at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return OK
        print(f"sm-assets: {problem.strerror or problem}: {problem.filename or 'standard output'}", file=sys.stderr)
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return UNUSABLE
    except KeyboardInterrupt:
        print("sm-assets: interrupted; nothing was written", file=sys.stderr)
        return INTERRUPTED
    return code


def program() -> None:
    """The command `sm-assets`."""
    end_quietly()
    hear_again()
    sys.exit(main())


class _Formatter(argparse.HelpFormatter):
    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=34, width=110)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="sm-assets", description="Social media exports in, networks out.", formatter_class=_Formatter
    )
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _add_cluster_pages(commands)
    add_commands(commands, _Formatter)
    _add_demo(commands)
    return parser


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected a number, found {text!r}") from None


def _add_cluster_pages(commands: Any) -> None:
    command = commands.add_parser(
        "cluster-pages",
        formatter_class=_Formatter,
        help="networks of pages that push the same content, from CrowdTangle CSV exports",
        description="Find networks of pages that push the same content. "
        "Reads CrowdTangle exports of posts (CSV; also .gz and .zst), "
        "prints one row per member of each network.",
    )

    def option(name: str, **settings: Any) -> None:
        spellings = [name] if "-" not in name[2:] else [name, "--" + name[2:].replace("-", "_")]
        command.add_argument(*spellings, **settings)

    command.add_argument(
        "infiles", nargs="+", metavar="INPUT.csv", help="export files; in compat their order breaks ties"
    )
    option(
        "--output-path",
        metavar="P",
        type=Path,
        help="write the rows there (.parquet: Parquet, else CSV) instead of standard output",
    )
    option(
        "--method",
        choices=("linkage", "seeded"),
        default="linkage",
        help="linkage (default): accounts against whole clusters; seeded: the original program's method",
    )
    option(
        "--content-mode",
        choices=("canonical", "compat"),
        default="canonical",
        help="canonical (default): copies meet in spite of case or tracking; compat: the original's texts",
    )
    option(
        "--min-threshold",
        metavar="F",
        type=_number,
        help=f"score from which an account belongs to a cluster, 0 to 1 (default: {_default(0)})",
    )
    option("--second-cluster-factor", metavar="F", type=_number,
           help=f"how many times the best cluster's score must be the second's (default: {_default(1)})")  # fmt: skip
    option(
        "--content-cols",
        metavar="A,B",
        help="compat only: columns that make up a content (default: Message,Image Text,external_link,Link Text)",
    )
    option(
        "--min-text-chars",
        metavar="N",
        type=int,
        default=20,
        help="canonical only: letters and digits a text needs to count (default: 20)",
    )
    option(
        "--viral-accounts",
        metavar="N",
        type=int,
        default=200,
        help="carriers above which a content alone ties nobody together (default: 200)",
    )
    option(
        "--zone", metavar="Z", help="zone of times that name none, as -03:00, BRT or America/Sao_Paulo (default: UTC)"
    )
    option("--add-language", action="store_true", help="add page_lang and cluster_lang")
    option(
        "--ft-model-path", metavar="P", type=Path, help="fastText language model (default: the packaged lid.176.ftz)"
    )
    option(
        "--unplaced-path", metavar="P", type=Path, help="also write the accounts outside of clusters, with the reason"
    )
    option(
        "--rejects-path",
        metavar="P",
        type=Path,
        help="also write the rejected rows: file, line, reason, first characters",
    )
    option("--strict", action="store_true", help="exit with 3 if any row was rejected")
    option("--update-every", metavar="N", type=int, help=argparse.SUPPRESS)
    command.set_defaults(run=_cluster_pages)


def _default(which: int) -> str:
    from sm_assets.analysis.defaults import METHOD_DEFAULTS

    return ", ".join(f"{values[which]:g} {method}" for method, values in METHOD_DEFAULTS.items())


def _cluster_pages(arguments: argparse.Namespace) -> int:
    from sm_assets import oneshot
    from sm_assets.oneshot.options import check_options
    from sm_assets.oneshot.report import rejects_table
    from sm_assets.oneshot.result_files import check_targets, csv_text, write_table

    columns = arguments.content_cols
    options = oneshot.Options(
        method=arguments.method,
        content_mode=arguments.content_mode,
        content_cols=tuple(name.strip() for name in columns.split(",")) if columns is not None else None,
        min_threshold=arguments.min_threshold,
        second_cluster_factor=arguments.second_cluster_factor,
        min_text_chars=arguments.min_text_chars,
        viral_accounts=arguments.viral_accounts,
        add_language=arguments.add_language,
        ft_model_path=arguments.ft_model_path,
        zone=arguments.zone,
    )
    paths = [Path(name) for name in arguments.infiles]
    targets = [
        path for path in (arguments.output_path, arguments.unplaced_path, arguments.rejects_path) if path is not None
    ]
    if arguments.output_path is None and sys.stdout is None:
        raise OptionError("standard output is closed; give --output-path.")
    check_targets(targets, paths)
    check_options(paths, options)
    if arguments.update_every is not None:
        print("note: --update-every has no effect; a progress bar shows instead", file=sys.stderr)
    with _progress(paths) as advance:
        outcome = oneshot.run(paths, options, advance, lambda notice: print(f"note: {notice}", file=sys.stderr))
    if arguments.output_path is not None:
        write_table(outcome.table, arguments.output_path)
    else:
        _print_bytes(csv_text(outcome.table).encode())
    if arguments.unplaced_path is not None:
        write_table(outcome.unplaced, arguments.unplaced_path)
    if arguments.rejects_path is not None:
        write_table(rejects_table(outcome.report), arguments.rejects_path)
    _account_for(outcome, arguments.output_path)
    report = outcome.report
    if (report.rows and not report.accepted) or (arguments.strict and report.rejects):
        return NOTHING_ACCEPTED
    return OK


def _print_bytes(data: bytes) -> None:
    """Rows are UTF-8 whatever the terminal's encoding; texts in many scripts are our subject."""
    sys.stdout.flush()
    sys.stdout.buffer.write(data)
    sys.stdout.flush()


def _account_for(outcome: Outcome, output_path: Path | None) -> None:
    sys.stdout.flush()
    for line in outcome.report.lines():
        print(line, file=sys.stderr)
    if output_path is not None:
        print(f"written to {output_path}", file=sys.stderr)


@contextmanager
def _progress(paths: Sequence[Path]) -> Iterator[Callable[[int], None] | None]:
    """A bar on standard error over the bytes of input, on a terminal only."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield None
        return
    from sm_assets.sources.bytestream import compression_of

    # How large a compressed file will be is not known before it is read.
    packed = any(compression_of(path) for path in paths)
    total = None if packed else sum(path.stat().st_size for path in paths)
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    bar = Progress(
        TextColumn("reading"),
        BarColumn(),
        DownloadColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    with bar:
        task = bar.add_task("reading", total=total)
        yield lambda n: bar.advance(task, n)


def _add_demo(commands: Any) -> None:
    command = commands.add_parser(
        "demo",
        formatter_class=_Formatter,
        help="make a synthetic world, run the whole chain over it, show what it found",
    )
    command.add_argument(
        "--data-root", type=Path, help="where the demo's files go (default: SM_ASSETS_DATA_ROOT, else data)"
    )
    command.add_argument("--seed", type=int, default=7, help="seed of the world (default: 7)")
    command.add_argument(
        "--scale",
        type=_number,
        default=1.0,
        help="size of the world; 1 is about 600 pages, 2,000 other people and 100,000 rows in all (default: 1)",
    )
    command.add_argument(
        "--events",
        metavar="N",
        type=int,
        help="rows of all exports together, 10 to 10000000, instead of a scale",
    )
    command.set_defaults(run=_demo)


def _demo(arguments: argparse.Namespace) -> int:
    from sm_assets.demo_run import run_demo
    from sm_assets.settings import Settings

    root = arguments.data_root or Path(Settings.from_env().data_root)
    return run_demo(root, arguments.seed, arguments.scale, arguments.events)


if __name__ == "__main__":
    program()
