from __future__ import annotations

import pytest

from app.domain.delivery_dispositions import DeliveryDisposition, classify

ACCEPTED, REFUSED, FAILING, NO_RESPONSE = DeliveryDisposition


@pytest.mark.parametrize(
    ("status", "later", "recently", "disposition"),
    [
        (200, False, False, ACCEPTED), (299, True, True, ACCEPTED),
        (400, False, False, REFUSED), (404, False, False, REFUSED), (302, False, False, REFUSED),
        (408, False, True, REFUSED), (408, False, False, FAILING), (425, False, False, FAILING),
        (429, True, True, FAILING),
        (500, False, False, FAILING), (500, False, True, REFUSED), (503, True, False, REFUSED),
    ],
)  # fmt: skip
def test_a_response_is_about_the_event_or_about_the_app(
    status: int, later: bool, recently: bool, disposition: DeliveryDisposition
) -> None:
    found = classify(
        status, is_complete=True, was_reached=True, accepted_later_event=later, accepted_recently=recently
    )
    assert found is disposition


def test_no_response_is_about_the_app_unless_it_accepted_another_event_meanwhile() -> None:
    def without_response(*, was_reached: bool, accepted_later_event: bool) -> DeliveryDisposition:
        return classify(
            None,
            is_complete=False,
            was_reached=was_reached,
            accepted_later_event=accepted_later_event,
            accepted_recently=True,
        )

    assert without_response(was_reached=True, accepted_later_event=False) is NO_RESPONSE
    assert without_response(was_reached=False, accepted_later_event=True) is NO_RESPONSE
    assert without_response(was_reached=True, accepted_later_event=True) is REFUSED
