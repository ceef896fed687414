from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from app.db.group_commit import GroupCommit
from app.errors import Unavailable


class Rows:
    """Somewhere to write rows, which can be made to wait and to fail."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.bad: set[int] = set()
        self.error: type[BaseException] | None = None
        self.go = threading.Event()
        self.go.set()
        self.entered = threading.Event()

    def __call__(self, take: Callable[[], list[int]]) -> None:
        rows = take()
        self.entered.set()
        assert self.go.wait(10)
        if self.error is not None:
            raise self.error
        if self.bad & set(rows):
            raise ValueError
        self.batches.append(list(rows))

    @property
    def written(self) -> list[int]:
        return [row for batch in self.batches for row in batch]


def test_rows_of_many_threads_are_all_written_once() -> None:
    rows = Rows()
    commits = GroupCommit(rows)

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(commits.add, range(500)))

    assert sorted(rows.written) == list(range(500))


def test_what_arrives_during_a_commit_is_committed_together() -> None:
    rows = Rows()
    commits = GroupCommit(rows)

    outcomes = add_while_one_commits(commits, rows, range(1, 30))

    assert outcomes == ["done"] * 30
    assert rows.batches[0] == [0]
    assert len(rows.batches) == 2
    assert sorted(rows.batches[1]) == list(range(1, 30))


def test_a_batch_has_at_most_the_limit() -> None:
    rows = Rows()
    commits = GroupCommit(rows, limit=10)

    add_while_one_commits(commits, rows, range(1, 30))

    assert sorted(rows.written) == list(range(30))
    assert max(len(batch) for batch in rows.batches) == 10


def test_one_bad_row_does_not_fail_its_neighbours() -> None:
    rows = Rows()
    rows.bad = {7}
    commits = GroupCommit(rows)

    outcomes = add_while_one_commits(commits, rows, range(1, 10))

    assert sorted(outcomes) == ["ValueError"] + ["done"] * 9
    assert sorted(rows.written) == [0, 1, 2, 3, 4, 5, 6, 8, 9]


def test_a_database_that_is_away_is_told_to_everybody() -> None:
    rows = Rows()
    commits = GroupCommit(rows)

    def lose_the_database() -> None:
        rows.error = Unavailable

    outcomes = add_while_one_commits(commits, rows, range(1, 10), before=lose_the_database)

    assert outcomes == ["Unavailable"] * 10
    assert rows.written == []


def test_everybody_gets_an_error_of_his_own_which_holds_nobody_elses_request() -> None:
    rows = Rows()
    commits = GroupCommit(rows)
    raised: list[BaseException] = []

    class Noting(GroupCommit[int]):
        def add(self, row: int) -> None:
            try:
                commits.add(row)
            except Unavailable as error:
                raised.append(error)
                raise

    def lose_the_database() -> None:
        rows.error = Unavailable

    add_while_one_commits(Noting(rows), rows, range(1, 5), before=lose_the_database)

    assert len(raised) == len({id(each) for each in raised}) == 5
    assert {each.reason for each in raised if isinstance(each, Unavailable)} == {Unavailable().reason}


def test_it_goes_on_after_a_failure() -> None:
    rows = Rows()
    commits = GroupCommit(rows)
    rows.error = Unavailable
    with pytest.raises(Unavailable):
        commits.add(1)
    rows.error = None

    commits.add(2)

    assert rows.written == [2]


def test_who_waited_long_for_a_write_that_failed_is_told_so_and_waits_for_no_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("app.db.group_commit.PATIENCE_SECONDS", 0.01)
    rows, tries = Rows(), list[int]()

    def write(take: Callable[[], list[int]]) -> None:
        tries.append(len(tries))
        rows(take)

    def lose_the_database() -> None:
        rows.error = Unavailable

    commits = GroupCommit(write)
    outcomes = add_while_one_commits(commits, rows, range(1, 10), before=lose_the_database, release_after=0.1)

    assert outcomes == ["Unavailable"] * 10
    assert len(tries) == 1
    rows.error = None
    commits.add(11)  # whoever comes later tries anew
    assert rows.written == [11]


def test_who_waits_too_long_is_told_to_come_again() -> None:
    rows = Rows()
    commits = GroupCommit(rows, wait_seconds=0.05)

    outcomes = add_while_one_commits(commits, rows, range(1, 4), release_after=0.5)

    assert sorted(outcomes) == ["Unavailable"] * 3 + ["done"]


@pytest.mark.parametrize("place", ["before the commit", "in the commit"])
def test_nobody_takes_a_broken_off_batch_for_committed(monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    rows = Rows()
    commits = GroupCommit(rows, wait_seconds=1.0)

    def break_off(seconds: float) -> None:
        raise SystemExit

    with monkeypatch.context() as patch:
        if place == "before the commit":
            patch.setattr("app.db.group_commit.time.sleep", break_off)
        else:
            rows.error = SystemExit
        with pytest.raises(SystemExit):
            commits.add(1)
    rows.error = None

    commits.add(2)

    assert rows.written == [2]


def test_who_joined_a_batch_that_broke_off_is_told_to_come_again() -> None:
    rows = Rows()
    commits = GroupCommit(rows)

    def break_off() -> None:
        rows.error = SystemExit

    outcomes = add_while_one_commits(commits, rows, range(1, 5), before=break_off)

    assert "done" not in outcomes
    assert rows.written == []
    assert outcomes.count("Unavailable") == 3  # two led a batch of their own, three had joined one


def add_while_one_commits(
    commits: GroupCommit[int],
    rows: Rows,
    more: range,
    *,
    before: Callable[[], None] = lambda: None,
    release_after: float = 0.0,
) -> list[str]:
    """Add row 0 and hold its commit until `more` have come; return what each caller was told, row 0 first."""
    outcomes = ["nothing"] * (len(more) + 1)

    def add(row: int) -> None:
        try:
            commits.add(row)
            outcomes[row] = "done"
        except (Exception, SystemExit) as error:
            outcomes[row] = type(error).__name__

    rows.go.clear()
    threads = [threading.Thread(target=add, args=(row,)) for row in (0, *more)]
    threads[0].start()
    assert rows.entered.wait(10)
    for thread in threads[1:]:
        thread.start()
    deadline = time.monotonic() + 10
    while len(commits._open.rows) + _waiting(commits) < len(more) and time.monotonic() < deadline:
        time.sleep(0.001)
    time.sleep(release_after)
    before()
    rows.go.set()
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()
    return outcomes


def _waiting(commits: GroupCommit[int]) -> int:
    """Rows in batches that are full already: these are closed to others and not counted by `_open`."""
    return 20 if commits._limit == 10 else 0
