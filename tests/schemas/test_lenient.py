from __future__ import annotations

import random
from datetime import UTC, datetime
from typing import Any

import pytest

from app.schemas.base import MetaSchema
from app.schemas.changes.fields import parse_change
from app.schemas.lenient import Flag, Moment, Number, Object, Text, as_list, as_object, as_text
from app.schemas.problems import first_error

MOMENT = datetime(2026, 11, 24, 6, tzinfo=UTC)


class Inner(MetaSchema):
    text = Text()


class Outer(MetaSchema):
    text = Text()
    number = Number()
    flag = Flag()
    moment = Moment()
    thing = Object()


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("text", "x", "x"),
        ("text", "", ""),
        ("text", 5, "5"),
        ("text", 5.5, "5.5"),
        ("text", True, None),
        ("text", ["x"], None),
        ("text", None, None),
        ("number", 5, 5),
        ("number", "-3.7", -3.7),
        ("number", "north", None),
        ("number", "inf", None),
        ("number", "1" * 41, None),
        ("number", False, None),
        ("number", {}, None),
        ("flag", True, True),
        ("flag", "false", False),
        ("flag", "TRUE", True),
        ("flag", "yes", None),
        ("flag", 1, None),
        ("moment", "1795500000", MOMENT),
        ("moment", 1795500000, MOMENT),
        ("moment", 1795500000.0, MOMENT),
        ("moment", "1795500000000", MOMENT),
        ("moment", 1795500000000000, MOMENT),
        ("moment", "0", None),
        ("moment", -5, None),
        ("moment", "9" * 30, None),
        ("moment", True, None),
        ("moment", "soon", None),
        ("moment", [], None),
        ("thing", {"a": 1}, {"a": 1}),
        ("thing", "x", None),
        ("thing", [], None),
    ],
)
def test_a_field_takes_what_comes(field: str, value: Any, expected: Any) -> None:
    loaded = Outer().read({field: value})

    assert loaded[field] == expected
    assert type(loaded[field]) is type(expected)


def test_every_declared_key_is_there_and_others_pass() -> None:
    loaded = Outer().read({"new": [1], "text": "x"})

    assert loaded == {"text": "x", "number": None, "flag": None, "moment": None, "thing": None, "new": [1]}


@pytest.mark.parametrize("value", [None, "x", 5, [], [{"text": "x"}]])
def test_what_is_no_object_reads_like_an_empty_one(value: Any) -> None:
    assert Inner().read(value) == {"text": None}


def test_containers_of_other_types_are_taken_for_what_they_can_be() -> None:
    assert [as_list(value) for value in ([1], {"a": 1}, "x", None)] == [[1], [{"a": 1}], ["x"], []]
    assert [as_object(value) for value in ({"a": 1}, [1], None)] == [{"a": 1}, {}, {}]
    assert as_text(float(5)) == "5.0"


@pytest.mark.parametrize(
    ("errors", "expected"),
    [
        (None, None),
        ([], None),
        ("down", None),
        ([{"code": 1}, {"code": 2}], {"code": 1, "title": None, "details": None, "message": None, "href": None}),
        (
            [{"code": "2", "title": "t", "message": "m", "error_data": {"details": "d"}, "href": "h", "more": 1}],
            {"code": 2, "title": "t", "details": "d", "message": "m", "href": "h"},
        ),
        (
            {"code": "many", "error_data": "d", "details": "unused"},
            {"code": None, "title": None, "details": "d", "message": None, "href": None},
        ),
        ([{"details": "d"}], {"code": None, "title": None, "details": "d", "message": None, "href": None}),
    ],
)
def test_errors_come_in_one_form(errors: Any, expected: dict[str, Any] | None) -> None:
    assert first_error(errors) == expected


def test_an_object_is_read_as_marshmallow_loads_it() -> None:
    assert parse_change  # it imports every schema
    values = ("x", "", None, 3, 2.5, True, "true", "1795500000", {"a": 1}, [1], {})
    pick = random.Random(5)
    schemas = [kind() for kind in MetaSchema.__subclasses__()]
    assert len(schemas) > 15
    for schema in schemas:
        keys = [*schema.fields, *(each.data_key or "" for each in schema.fields.values()), "new", "a.b", "errors"]
        for _ in range(40):
            given = {key: pick.choice(values) for key in keys if pick.random() < 0.6}
            assert schema.read(given) == schema.load(given), type(schema)
