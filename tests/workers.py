"""Processes beside the test that write the same lake: told what to do, stopped in the middle of it, killed there.

Here: one such process as an object, a small table to publish, and who wrote it. Not here: what is done (the tests say
that, in Python).
"""

from __future__ import annotations

import json
import queue
import subprocess
import sys
import threading
from contextlib import suppress
from datetime import date
from pathlib import Path
from types import TracebackType
from typing import Self

import duckdb
import pyarrow.parquet as pq

from sm_assets.storage import day_range

FIRST, LAST = date(2021, 7, 1), date(2021, 7, 4)
DAYS = day_range(FIRST, LAST)
# Seconds for the next word of a process. Generous: nothing waits that long where all is well.
PATIENCE = 600.0
# Publishes four days of one table; each row says who wrote it.
PUBLISH = """
def publish(name, who, rows=50, con=duckdb, condition='true'):
    data = con.sql(f'''
        select 'facebook' as platform, 'p' || i as post_id, 'a' || (i % 7) as account_id,
            timestamp '2021-07-01 12:00:00' + to_days(cast(i % 4 as integer)) as posted_at, '{who}' as lang,
            0.5::double as lang_prob, '{who}' as best_lang, 'ok' as reason, i as n_letters, 'a model' as model,
            cast(timestamp '2021-07-01' + to_days(cast(i % 4 as integer)) as date) as day
        from range({rows}) as t(i) where {condition}''')
    if con is duckdb:
        data = data.to_arrow_table()
    lake.publish(TABLES[name], data, day_range(date(2021, 7, 1), date(2021, 7, 4)))

def publish_empty(name):
    lake.publish(TABLES[name], duckdb.sql(TABLES[name].empty_sql()).to_arrow_table(), [date(2021, 7, 1)])
"""
TABLE = "feat_post_language"
# Runs in the other process: a line in is a program to run, a line out tells how it went.
_PROGRAM = """
import fcntl, json, os, signal, sys
from datetime import date
import duckdb
from sm_assets.contracts import TABLES
from sm_assets.settings import Settings
from sm_assets.storage import Lake, catalog, day_range, disk_errors, folders, lake as lake_module, locks

lake = Lake(Settings(data_root=sys.argv[1], profile='tiny', threads=1, start_day=date(2021, 1, 1)))

def say(word):
    print(word, flush=True)

def at(owner, name, number, do, when='after'):
    'At the n-th call of a function do something, once.'
    original, calls = getattr(owner, name), 0
    def call(*arguments, **named):
        nonlocal calls
        calls += 1
        mine = calls == number
        if mine:
            setattr(owner, name, original)
        if mine and when == 'before':
            do()
        result = original(*arguments, **named)
        if mine and when == 'after':
            do()
        return result
    setattr(owner, name, call)

def stop():
    say('stopped')
    sys.stdin.readline()

def die():
    os.kill(os.getpid(), signal.SIGKILL)

def interrupt():
    os.kill(os.getpid(), signal.SIGINT)

# Started from a script with `&`, the tests would hand on that SIGINT is ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)

original_flock = fcntl.flock
def flock(descriptor, operation):
    if operation == fcntl.LOCK_EX:
        say('waiting')
    return original_flock(descriptor, operation)
fcntl.flock = flock

say('ready')
for line in iter(sys.stdin.readline, ''):
    try:
        exec(json.loads(line), globals())
        say('done')
    except BaseException as error:
        say(f'{type(error).__name__}: {error}'.replace(chr(10), ' '))
"""


def writers(root: Path) -> dict[date, set[str]]:
    """Who wrote the rows of each day."""
    return {
        day: set(pq.read_table(root / "lake" / TABLE / f"day={day}" / "part-0.parquet")["lang"].to_pylist())
        for day in DAYS
    }


def views(root: Path) -> set[str]:
    with duckdb.connect(str(root / "catalog.duckdb"), read_only=True) as con:
        return {name for (name,) in con.sql("select view_name from duckdb_views() where not internal").fetchall()}


class Worker:
    """A process with a `lake` over a data root; as a context it ends with its block."""

    def __init__(self, root: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", _PROGRAM, root], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._words: queue.Queue[str] = queue.Queue()
        self._listening = threading.Thread(target=self._listen, daemon=True)
        self._listening.start()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._words.put(line.strip())
        self._words.put("")

    def start(self, program: str) -> None:
        """Have a program run; what comes of it is heard later."""
        self._write(json.dumps(program))

    def hear(self) -> str:
        """The next word: stopped, waiting for a lock, done, an error; empty if the process died."""
        try:
            word = self._words.get(timeout=PATIENCE)
        except queue.Empty:
            raise AssertionError(f"a process beside the test said nothing for {PATIENCE:.0f} s") from None
        if not word:
            # Its last word, for whoever asks again.
            self._words.put(word)
        return word

    def is_silent(self) -> bool:
        """Whether it lives and has said nothing that was not heard: it is at work."""
        return self._words.empty() and self.process.poll() is None

    def run(self, program: str) -> str:
        """Have a program run; the next word."""
        self.start(program)
        return self.hear()

    def go_on(self) -> str:
        """Leave the place where it stopped; the next word."""
        self._write("")
        return self.hear()

    def _write(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def __enter__(self) -> Self:
        assert self.hear() == "ready"
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.process.kill()
        self.process.wait()
        self._listening.join(PATIENCE)
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                with suppress(BrokenPipeError):
                    pipe.close()
