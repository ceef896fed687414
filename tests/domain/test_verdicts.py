from __future__ import annotations

import pytest

from app.domain.verdicts import Verdict, judge


@pytest.mark.parametrize(
    ("status", "others", "lately", "verdict"),
    [
        (200, False, False, Verdict.TAKEN), (299, True, True, Verdict.TAKEN),
        (400, False, False, Verdict.REFUSED), (404, False, False, Verdict.REFUSED),
        (302, False, False, Verdict.REFUSED),
        (408, False, True, Verdict.REFUSED), (408, False, False, Verdict.FAILING), (425, False, False, Verdict.FAILING),
        (429, True, True, Verdict.FAILING),
        (500, False, False, Verdict.FAILING), (500, False, True, Verdict.REFUSED), (503, True, False, Verdict.REFUSED),
    ],
)  # fmt: skip
def test_an_answer_is_about_the_event_or_about_the_app(
    status: int, others: bool, lately: bool, verdict: Verdict
) -> None:
    assert judge(status, is_whole=True, was_reached=True, took_others=others, took_lately=lately) is verdict


def test_silence_is_about_the_app_unless_it_took_another_event_meanwhile() -> None:
    def silent(*, was_reached: bool, took_others: bool) -> Verdict:
        return judge(None, is_whole=False, was_reached=was_reached, took_others=took_others, took_lately=True)

    assert silent(was_reached=True, took_others=False) is Verdict.SILENT
    assert silent(was_reached=False, took_others=True) is Verdict.SILENT
    assert silent(was_reached=True, took_others=True) is Verdict.REFUSED
