import pytest

from app.graph.codes import CODES, RANGES, ErrorClass, classify, meaning


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (0, "auth"),
        (190, "auth"),
        (10, "permission"),
        (131005, "permission"),
        (200, "permission"),
        (299, "permission"),
        (300, "req"),
        (368, "stop_num"),
        (130429, "rate_num"),
        (131047, "window"),
        (131050, "user"),
        (131053, "retry"),
        (131056, "rate_pair"),
        (131203, "req"),
        (131208, "rate_app"),
        (131211, "setup"),
        (132001, "tpl"),
        (138005, "rate_num"),
        (138018, "req"),
        (139103, "retry"),
        (2388040, "req"),
        (2593108, "setup"),
        (131030, "setup"),
    ],
)
def test_a_known_code_has_its_class_whatever_the_status(code: int, expected: str) -> None:
    assert classify(code, 400) == ErrorClass(expected)
    assert meaning(code) is not None or expected == "req"


@pytest.mark.parametrize(
    ("code", "http_status", "is_transient", "expected"),
    [
        (987654, 500, False, ErrorClass.RETRY),
        (987654, 400, True, ErrorClass.RETRY),
        (987654, 429, False, ErrorClass.RATE_APP),
        (987654, 401, False, ErrorClass.AUTH),
        (987654, 403, False, ErrorClass.PERMISSION),
        (987654, 400, False, ErrorClass.REQ),
        (987654, None, False, ErrorClass.REQ),
        (None, 503, False, ErrorClass.RETRY),
        (131047, 500, True, ErrorClass.WINDOW),
    ],
)
def test_an_unknown_code_is_classed_by_the_rest_of_the_answer(
    code: int | None, http_status: int | None, is_transient: bool, expected: ErrorClass
) -> None:
    assert classify(code, http_status, is_transient) is expected


def test_every_class_is_one_that_some_code_has() -> None:
    used = {known.error_class for known in [*CODES.values(), *(known for _, known in RANGES)]}

    assert used == set(ErrorClass)


def test_only_codes_to_try_again_bound_their_tries() -> None:
    assert all(known.error_class is ErrorClass.RETRY for known in CODES.values() if known.retries)
