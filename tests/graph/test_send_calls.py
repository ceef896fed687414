"""Calls are made at their time, some at once, and none for a number that gives no clear answers."""

from __future__ import annotations

import queue
import re
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from app.errors import GraphNotTried, GraphRefused, GraphUnavailable, GraphUnknown
from app.graph.answers import SendResult
from app.graph.send_calls import CallResult, SendCall, ThreadCaller

PNID = "700100200300400"
DONE = SendResult("wamid.1", wa_id="34600000001")


class Graph:
    """Answers what it is told to, and notes what was asked."""

    def __init__(self, answer: Callable[[str], Any]) -> None:
        self.asked: list[tuple[str, float]] = []
        self._answer = answer

    def send_json(self, phone_number_id: str, payload: str, token: str) -> SendResult:
        self.asked.append((payload, time.time()))
        found = self._answer(payload)
        if isinstance(found, Exception):
            raise found
        assert isinstance(found, SendResult)
        return found


Start = Callable[..., tuple[ThreadCaller, Graph, "queue.SimpleQueue[CallResult]"]]


@pytest.fixture
def start() -> Any:
    begun: list[ThreadCaller] = []

    def start_(answer: Callable[[str], Any], at_once: int = 1) -> Any:
        graph, told = Graph(answer), queue.SimpleQueue[CallResult]()
        begun.append(ThreadCaller(graph, at_once, told.put))  # type: ignore[arg-type]
        return begun[-1], graph, told

    yield start_
    for calls in begun:
        calls.close()


def call(key: str, seconds: float = 0.0, phone_number_id: str = PNID) -> SendCall:
    return SendCall(key, phone_number_id, key, "EAA", time.time() + seconds)


def test_each_leaves_when_its_turn_has_come(start: Start) -> None:
    calls, graph, told = start(lambda payload: DONE, 4)
    given = [call("late", 0.2), call("soon", 0.1), call("now")]

    calls.begin(given)

    assert [told.get(timeout=2).key for _ in given] == ["now", "soon", "late"]
    for (_, left_at), expected in zip(graph.asked, reversed(given), strict=True):
        assert 0 <= left_at - expected.at < 0.05


def test_no_more_leave_at_once_than_may(start: Start) -> None:
    going, most, may_go = [0], [0], threading.Event()

    def answer(payload: str) -> SendResult:
        going[0] += 1
        most[0] = max(most[0], going[0])
        may_go.wait(2)
        going[0] -= 1
        return DONE

    calls, _, told = start(answer, 3)
    calls.begin([call(str(number)) for number in range(9)])
    time.sleep(0.1)
    may_go.set()

    assert {told.get(timeout=2).key for _ in range(9)} == {str(number) for number in range(9)}
    assert most == [3]


@pytest.mark.parametrize("doubt", [GraphUnknown(), GraphUnavailable(meta={"reason": "refused"})])
def test_after_two_doubts_the_rest_comes_back_untried(start: Start, doubt: Exception) -> None:
    calls, graph, told = start(lambda payload: doubt)
    calls.begin([call(str(number)) for number in range(8)])

    answers = [told.get(timeout=2) for _ in range(8)]

    assert [type(each.result) for each in answers] == [type(doubt)] * 2 + [GraphNotTried] * 6
    calls.begin([call("probe")])
    assert told.get(timeout=2).result is doubt and len(graph.asked) == 3


def test_whoever_is_much_too_late_waits_for_another_turn(start: Start) -> None:
    calls, graph, told = start(lambda payload: DONE)
    calls.begin([call("late", -9), call("too late", -11)])

    answers = {answer.key: answer.result for answer in (told.get(timeout=2), told.get(timeout=2))}

    assert answers["late"] == DONE and isinstance(answers["too late"], GraphNotTried)


def test_another_number_is_not_doubted(start: Start) -> None:
    calls, graph, told = start(lambda payload: GraphUnknown() if payload != "other" else DONE)
    calls.begin([*[call(str(number)) for number in range(6)], call("other", phone_number_id="other")])

    assert [type(told.get(timeout=2).result) for _ in range(7)][-2:] == [GraphNotTried, SendResult]


def test_what_meta_says_itself_is_no_doubt(start: Start) -> None:
    said = iter([GraphUnknown(), GraphRefused(meta={"code": 131026}), GraphUnknown(), GraphRefused()])
    calls, _, told = start(lambda payload: next(said))
    calls.begin([call(str(number)) for number in range(4)])

    assert GraphNotTried not in [type(told.get(timeout=2).result) for _ in range(4)]


def test_a_stop_gives_back_what_has_not_left(start: Start) -> None:
    may_go, is_going = threading.Event(), threading.Event()

    def answer(payload: str) -> SendResult:
        is_going.set()
        may_go.wait(2)
        return DONE

    calls, _, told = start(answer)
    calls.begin([call("going"), call("next"), call("later", 60)])
    assert is_going.wait(2)
    calls.stop()
    back = [told.get(timeout=1), told.get(timeout=1)]
    may_go.set()

    assert {answer.key: type(answer.result) for answer in back} == {"later": GraphNotTried, "next": GraphNotTried}
    assert (last := told.get(timeout=2)).key == "going" and last.result == DONE


def test_a_bug_of_ours_leaves_the_send_unknown_and_says_where_it_is(start: Start) -> None:
    calls, _, told = start(lambda payload: ValueError("+34600000001"))
    calls.begin([call("broken")])

    answer = told.get(timeout=2)

    assert isinstance(answer.result, GraphUnknown) and answer.result.meta == {"reason": "ValueError"}
    assert re.fullmatch(r"ValueError at test_send_calls\.py:\d+ in send_json", answer.bug)


@pytest.mark.parametrize(
    "result",
    [
        DONE,
        GraphUnknown(meta={"reason": "ReadTimeout"}),
        GraphRefused("No.", meta={"code": 131047, "class": "REFUSED"}, retry_after=3),
        GraphNotTried(),
    ],
    ids=lambda result: type(result).__name__,
)
def test_an_answer_is_the_same_after_its_way_between_processes(result: Any) -> None:
    there = CallResult("g1:x:1", result, 0.25, "trace")
    back = CallResult.from_json(there.as_json())

    assert (back.key, back.seconds, back.bug) == ("g1:x:1", 0.25, "trace")
    if isinstance(result, SendResult):
        assert back.result == result
    else:
        assert vars(back.result) == vars(result) and type(back.result) is type(result)
