import pytest

from app.domain.phone_numbers import NotANumber, from_wa_id, to_e164, to_wa_id, variants


@pytest.mark.parametrize(
    ("text", "e164"),
    [
        ("+5491112345678", "+5491112345678"),
        ("+54 9 11 1234-5678", "+5491112345678"),
        (" (+54) 9 (11) 1234.5678 ", "+5491112345678"),
        ("0054 9 11 1234 5678", "+5491112345678"),
        ("00442079460018", "+442079460018"),
        ("+44 (0)20 7946 0018", "+442079460018"),
        ("+54 11 15 1234 5678", "+5491112345678"),
        ("+54 11 1234 5678", "+541112345678"),
        ("+52 55 1234 5678", "+525512345678"),
        ("+52 1 55 1234 5678", "+5215512345678"),
        ("+55 11 8765-4321", "+551187654321"),
        ("+55 11 98765-4321", "+5511987654321"),
        ("+39 06 698 12345", "+390669812345"),
        ("+1 555 010 0100", "+15550100100"),
        ("+1\u00a0555\u00a0010\u20110100", "+15550100100"),
        ("\u202a+34 600 111 222\u202c", "+34600111222"),
        ("+٣٤٦٠٠١١١٢٢٢", "+34600111222"),
        ("＋34600111222", "+34600111222"),
    ],
)
def test_a_number_with_its_country_code_becomes_e164_and_is_not_rewritten(text: str, e164: str) -> None:
    assert to_e164(text) == e164


@pytest.mark.parametrize(
    ("text", "region", "e164"),
    [
        ("011 15-1234-5678", "AR", "+5491112345678"),
        ("11 1234 5678", "AR", "+541112345678"),
        ("600 111 222", "ES", "+34600111222"),
        ("34600111222", "ES", "+34600111222"),
        ("(202) 555-0123", "US", "+12025550123"),
        ("011 44 20 7946 0018", "US", "+442079460018"),
        ("+34600111222", "AR", "+34600111222"),
    ],
)
def test_national_notation_is_read_in_the_default_region(text: str, region: str, e164: str) -> None:
    assert to_e164(text, region) == e164


@pytest.mark.parametrize("text", ["600111222", "5491112345678", "0111512345678"])
def test_without_a_region_national_notation_is_refused_with_the_remedy(text: str) -> None:
    with pytest.raises(NotANumber, match="DEFAULT_REGION"):
        to_e164(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "+",
        "++34600111222",
        "34+600111222",
        "+34600111222x5",
        "+1-800-FLOWERS",
        "hello",
        "ES.4411002200330044",
        "+34",
        "+346001",
        "+999123456789",
        "+3460011122233344455",
        "00",
        "+34600111222,+34600111223",
        "+34 600 111 222" + " " * 60 + "1",
        "²³⁴٫",
        "+34\x00600111222",
    ],
)
def test_what_is_no_number_is_refused_without_being_quoted(text: str) -> None:
    with pytest.raises(NotANumber) as caught:
        to_e164(text)

    assert len(text) < 2 or text not in str(caught.value)


def test_a_foreign_number_without_its_plus_does_not_become_a_local_one() -> None:
    with pytest.raises(NotANumber, match="AR"):
        to_e164("34600111222", "AR")


def test_metas_form_and_e164_differ_by_the_plus() -> None:
    assert from_wa_id("5491112345678") == "+5491112345678"
    assert to_wa_id("+5491112345678") == "5491112345678"


@pytest.mark.parametrize(
    ("wa_id", "other"),
    [
        ("5491112345678", "541112345678"),
        ("5215512345678", "525512345678"),
        ("5511987654321", "551187654321"),
    ],
)
def test_both_forms_of_a_number_find_each_other(wa_id: str, other: str) -> None:
    assert variants(wa_id) == (wa_id, other)
    assert variants(other) == (other, wa_id)


@pytest.mark.parametrize("wa_id", ["34600111222", "15550100100", "5511941234567", "551132345678", "54911", "", "ES.44"])
def test_a_number_with_one_form_has_no_other(wa_id: str) -> None:
    assert variants(wa_id) == (wa_id,)
