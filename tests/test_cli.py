"""The command line: exit codes, messages, files, as a person at a terminal meets them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from small_exports import FILL, HEADER, PAIR, golden, write

from sm_assets.cli import main


@pytest.fixture
def export(tmp_path: Path) -> Path:
    return write(tmp_path / "export.csv", HEADER + PAIR + FILL)


def command(*arguments: object, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "sm_assets.cli", "cluster-pages", *map(str, arguments)],
        capture_output=True, text=True, timeout=120, check=False, **options,  # type: ignore[call-overload]  # passed on
    )  # fmt: skip


def test_rows_go_to_standard_output_and_the_account_to_standard_error(
    export: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["cluster-pages", str(export)]) == 0
    out, err = capsys.readouterr()
    assert out.splitlines()[0].startswith("cluster_id,cluster_seed,")
    assert len(out.splitlines()) == 3
    assert "42 rows read from 1 file: 42 accepted, 0 rejected" in err
    assert "3 accounts with contents: 2 member, 1 unshared" in err
    assert err.splitlines()[-1] == "1 cluster with 2 accounts"


def test_files_beside_the_result(export: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    export.write_text(export.read_text() + "x,y\n")
    out, unplaced, rejects = tmp_path / "out.csv", tmp_path / "unplaced.csv", tmp_path / "rejects.parquet"
    arguments = [
        str(export),
        "--output_path",
        str(out),
        "--unplaced-path",
        str(unplaced),
        "--rejects_path",
        str(rejects),
    ]
    assert main(["cluster-pages", *arguments]) == 0
    assert len(golden(out)) == 3
    header, row = golden(unplaced)
    assert (
        dict(zip(header, row, strict=True))["status_reason"] == "None of its 30 contents is carried by another account."
    )
    assert pq.read_table(rejects).to_pylist() == [
        {"file": str(export), "line": 44, "reason": "field_count", "excerpt": "x,y"}
    ]
    assert capsys.readouterr().out == ""
    assert main(["cluster-pages", *arguments, "--strict"]) == 3


def test_nothing_accepted_is_an_error_of_its_own(tmp_path: Path) -> None:
    path = write(tmp_path / "x.csv", HEADER + "only,three,fields\n")
    assert main(["cluster-pages", str(path)]) == 3


def test_old_options_still_work(export: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [
        "--min_threshold",
        "0.03",
        "--second_cluster_factor",
        "2.5",
        "--update_every",
        "100",
        "--content_mode",
        "compat",
    ]
    assert main(["cluster-pages", *arguments, "--method", "seeded", "--add_language", str(export)]) == 0
    out, err = capsys.readouterr()
    assert out.splitlines()[0].endswith(",cluster_lang,page_lang")
    assert "--update-every has no effect" in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["missing.csv"], "no such file"),
        (["--min-threshold", "2", "{export}"], "from 0 to 1"),
        (["--min-threshold", "many", "{export}"], "expected a number"),
        (["--ft-model-path", "nope.ftz", "{export}"], "no such language model"),
        (["--output-path", "/nowhere/at/all/x.csv", "{export}"], "does not exist"),
        (["--zone", "Mars/Base", "{export}"], "is unknown"),
        (["--method", "other", "{export}"], "invalid choice"),
        (["--viral-accounts", "0", "{export}"], "viral_accounts must lie"),
        (["--viral-accounts", "9" * 30, "{export}"], "viral_accounts must lie"),
        (["--min-text-chars", "-5", "{export}"], "at least 0"),
        (["--zone", "", "{export}"], "is unknown"),
        (["--output-path", "{export}", "{export}"], "would overwrite the input"),
        (["--output-path", "r.csv", "--rejects-path", "r.csv", "{export}"], "would overwrite another result"),
        (["--output-path", "/dev/null", "{export}"], "not a regular file"),
        (["x" * 304], "no such file"),
        ([], "required"),
    ],
)
def test_unusable_options_exit_with_2_before_anything_is_read(export: Path, arguments: list[str], message: str) -> None:
    done = command(*(argument.format(export=export) for argument in arguments))
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_help_names_the_defaults(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["cluster-pages", "--help"])
    assert end.value.code == 0
    text = capsys.readouterr().out
    assert "0.03 seeded" in text
    assert "update" not in text


def test_an_interrupt_leaves_the_old_file_and_no_other(
    export: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = write(tmp_path / "out.csv", "old\n")
    with monkeypatch.context() as patch:
        patch.setattr("sm_assets.oneshot.result_files.write_csv", interrupt)
        assert main(["cluster-pages", str(export), "--output-path", str(out)]) == 130
    assert "interrupted" in capsys.readouterr().err
    assert out.read_text() == "old\n"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["export.csv", "out.csv"]


def interrupt(*_: object) -> None:
    """What Ctrl-C does in the middle of writing."""
    raise KeyboardInterrupt


def test_a_pipe_is_refused_because_a_file_is_read_twice(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.csv")
    done = command(tmp_path / "pipe.csv")
    assert done.returncode == 2
    assert "not a regular file" in done.stderr


def test_a_reader_that_goes_away_is_no_error(export: Path) -> None:
    line = f"{sys.executable} -m sm_assets.cli cluster-pages {export} | head -n 0; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout.strip() == "0"
    assert "Traceback" not in done.stderr


def test_rows_are_utf_8_whatever_the_terminal(export: Path) -> None:
    export.write_text(export.read_text().replace("a,a,11", "Ünï 😀,a,11"), encoding="utf-8")
    arguments = [sys.executable, "-m", "sm_assets.cli", "cluster-pages", str(export)]
    done = subprocess.run(
        arguments, capture_output=True, timeout=120, check=False, env=os.environ | {"PYTHONIOENCODING": "ascii"}
    )
    assert done.returncode == 0
    assert "Ünï 😀" in done.stdout.decode()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs the device of a full disk")
def test_a_full_disk_is_said_in_one_line(export: Path) -> None:
    line = f"{sys.executable} -m sm_assets.cli cluster-pages {export} > /dev/full"
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 2
    assert "No space left on device" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_link_is_written_through(export: Path, tmp_path: Path) -> None:
    target = write(tmp_path / "real.csv", "old")
    (tmp_path / "link.csv").symlink_to(target)
    assert main(["cluster-pages", str(export), "--output-path", str(tmp_path / "link.csv")]) == 0
    assert (tmp_path / "link.csv").is_symlink()
    assert len(golden(target)) == 3
