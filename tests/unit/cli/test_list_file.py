"""Files of lists as people make them: each line is read, or rejected with its number and why."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepwell.cli.exports import Export, cell
from stepwell.cli.list_file import Line, ListFileError, Rejected, open_list


def read(tmp_path: Path, content: str | bytes, name: str = "list.csv") -> list[Line | Rejected]:
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return list(open_list(path).read())


def test_a_line_names_a_customer_by_its_first_id_that_is_not_empty(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        "Email,userId,phone,plan\n"
        "Ada@Example.com,ada,,x\n"
        " Bob@Example.com ,,+447700900123,x\n"
        ",,+447700900123,x\n",
    )
    assert found == [
        Line(2, "user_id", "ada"),
        Line(3, "email", "bob@example.com"),
        Line(4, "phone", "+447700900123"),
    ]


def test_columns_of_traits_have_types(tmp_path: Path) -> None:
    head = "user_id,traits.zip,traits.age:number,traits.vip:boolean\n"
    found = read(tmp_path, head + 'ada,007,41,TRUE\nbob,"a, ""b""",-1.5,false\ncy,,,\n')
    assert [each.traits for each in found if isinstance(each, Line)] == [
        {"zip": "007", "age": 41, "vip": True},
        {"zip": 'a, "b"', "age": -1.5, "vip": False},
        {},
    ]


@pytest.mark.parametrize("separator", [";", "\t", ","])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_what_spreadsheets_write_is_read(
    tmp_path: Path, separator: str, end: str, mark: str
) -> None:
    rows = [["user_id", "traits.name"], ["ada", "Ådä"], ["bob", "b"]]
    text = mark + end.join(separator.join(row) for row in rows)
    assert read(tmp_path, text) == [
        Line(2, "user_id", "ada", {"name": "Ådä"}),
        Line(3, "user_id", "bob", {"name": "b"}),
    ]


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ("ada", "it has 1 cells, and the first line 3"),
        ("ada,,3,4", "it has 4 cells, and the first line 3"),
        (",,3", "it names nobody: user_id, email are empty"),
        ("null,,3", "its user_id names nobody, or is longer than 256 characters"),
        ("x" * 257 + ",,3", "its user_id names nobody, or is longer than 256 characters"),
        (",ada.example.com,3", "its email is no address, or nobody's"),
        (",test@example.com,3", "its email is no address, or nobody's"),
        ("ada,,many", "traits.age is not of the type that the first line says"),
        ("ada,,nan", "it has a value that is no JSON, or no text"),
        ("ada,,1e999", "it has a value that is no JSON, or no text"),
        ('a"da",,3', "it has 1 cells, and the first line 3"),
    ],
)
def test_a_bad_line_is_rejected_and_the_next_one_read(tmp_path: Path, row: str, why: str) -> None:
    found = read(tmp_path, f"user_id,email,traits.age:number\n{row}\n\nbob,,3\n")
    if row.startswith('a"'):
        assert found[0] == Line(2, "user_id", 'a"da"', {"age": 3})
    else:
        assert found[0] == Rejected(2, why)
    assert found[1] == Line(4, "user_id", "bob", {"age": 3})
    assert all(row.partition(",")[0] not in why for why in (why,) if len(row) > 20)


def test_an_open_quotation_mark_is_told_with_the_lines_that_it_takes(tmp_path: Path) -> None:
    found = read(tmp_path, 'user_id,email\nada,\n"bob,\ncy,\ndi,\n')
    assert found == [
        Line(2, "user_id", "ada"),
        Rejected(3, "it is no CSV, up to line 5: unexpected end of data"),
    ]


def test_lines_in_quotation_marks_are_counted(tmp_path: Path) -> None:
    found = read(tmp_path, 'user_id,traits.note\nada,"one\ntwo"\nbob\n')
    assert found == [
        Line(2, "user_id", "ada", {"note": "one\ntwo"}),
        Rejected(4, "it has 1 cells, and the first line 2"),
    ]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('{"user_id": "ada", "traits": {"n": 1}}', Line(1, "user_id", "ada", {"n": 1})),
        ('{"userId": 7}', Line(1, "user_id", "7")),
        ('{"customer": "c1", "user_id": null}', Line(1, "customer", "c1")),
        ("{", Rejected(1, "it is not valid JSON")),
        ("[" * 10_000, Rejected(1, "it is not valid JSON")),
        ("[]", Rejected(1, "it is no JSON object")),
        ('{"user_id": ["ada"]}', Rejected(1, "user_id must be a text")),
        ('{"user_id": "a", "traits": []}', Line(1, "user_id", "a")),
        ('{"user_id": "a", "traits": [1]}', Rejected(1, "traits must be an object")),
        ('{"user_id": "a", "traits": {"n": NaN}}', "it has a value that is no JSON, or no text"),
        ('{"user_id": "a\\ud800"}', "it has a value that is no JSON, or no text"),
        ('{"user_id": "' + "a" * 40_000 + '"}', "it is longer than 32768 characters"),
    ],
)
def test_json_lines(tmp_path: Path, line: str, expected: Line | Rejected | str) -> None:
    wanted = Rejected(1, expected) if isinstance(expected, str) else expected
    found = read(tmp_path, f'{line}\n\n{{"user_id": "bob"}}\n', "list.jsonl")
    assert found == [wanted, Line(3, "user_id", "bob")]


def test_members_that_are_not_used_are_noted(tmp_path: Path) -> None:
    path = tmp_path / "list.jsonl"
    path.write_text(
        '{"user_id": "ada", "trait": {"a": 1}, "traits": {"b": 1}}\n'
        '{"userId": "bob", "trait": {}, "customer": null}\n'
        '{"Email": "cy@shop.example"}\n'
    )
    file = open_list(path)
    assert len(list(file.read())) == 3
    assert file.unused == ["trait", "Email"]
    path.write_text("\n".join(json.dumps({"user_id": "a", f"m{n}": 1}) for n in range(101)))
    file = open_list(path)
    assert len(list(file.read())) == 101
    assert file.unused == [f"m{n}" for n in range(100)]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"user_id,name\nada,\xe5\n", "list.csv:2 is not UTF-8: save the file as UTF-8"),
        ("user_id\nada\n".encode("utf-16"), "list.csv:1 is not UTF-8"),
        (b"", "list.csv is empty: its first line must have one of customer, user_id, email"),
        (b"\xef\xbb\xbf\n \r\n", "list.csv is empty: its first line must have one of"),
        (b"\nada,1\n", "list.csv:1 names no column by which customers are known"),
        (b"ada@example.com\n", "one of customer, user_id, email, phone"),
        (b"email,plan,email\n", "list.csv:1 names the column 'email' twice"),
        (b"email,traits.a,traits.a:number\n", "names the column 'traits.a:number' twice"),
        (b"email,traits.a:date\n", "'traits.a:date': a type is one of number, boolean"),
        (b'"email\n', "list.csv:1 is no line of CSV"),
    ],
)
def test_a_file_that_is_no_list_is_refused_as_a_whole(
    tmp_path: Path, content: bytes, said: str
) -> None:
    with pytest.raises(ListFileError) as raised:
        read(tmp_path, content)
    assert said in str(raised.value)


def test_a_file_that_is_not_there_or_not_of_a_kind_is_said(tmp_path: Path) -> None:
    with pytest.raises(ListFileError, match="cannot be read: No such file"):
        open_list(tmp_path / "none.csv")
    with pytest.raises(ListFileError, match=r"ends with \.csv or \.jsonl"):
        open_list(tmp_path / "list.xlsx")


CELLS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(CELLS, CELLS, CELLS), max_size=6))
def test_every_row_is_a_line_or_rejected_whatever_is_in_it(rows: list[tuple[str, ...]]) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL)
    writer.writerow(["user_id", "email", "traits.note"])
    writer.writerows(rows)
    with TemporaryDirectory() as folder:
        found = read(Path(folder), text.getvalue())
    assert len(found) == sum(any(map(str.strip, row)) for row in rows)
    numbers = [each.number if isinstance(each, Line) else each.line for each in found]
    assert numbers == sorted(set(numbers))
    for each in found:
        if isinstance(each, Line):
            assert json.loads(json.dumps(each.traits)) == each.traits
        else:
            assert not any(
                len(one.strip()) > 8 and one.strip() in each.why for row in rows for one in row
            )


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=200), st.sampled_from(["list.csv", "list.jsonl"]))
def test_no_bytes_break_it(content: bytes, name: str) -> None:
    with TemporaryDirectory() as folder:
        try:
            found = read(Path(folder), content, name)
            found += read(Path(folder), b"user_id,email\n" + content)
        except ListFileError:
            return
    assert all(isinstance(each, Line | Rejected) for each in found)


# ---------------------------------------------------------------- and out again

VALUES = st.none() | st.booleans() | st.integers(-9, 9) | CELLS


@pytest.mark.parametrize("kind", [".csv", ".jsonl"])
def test_what_is_exported_can_be_imported(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"out{kind}"
    row: dict[str, Any] = {"customer": "c1", "user_id": "ada", "anonymous_id": None, "since": "t"}
    with Export(path, ["note"]) as export:
        export.write([row | {"traits": {"note": '=HYPERLINK("x")'}}])
        export.write([row | {"customer": "c2", "traits": {}}])
    assert list(open_list(path).read()) == [
        Line(2 if kind == ".csv" else 1, "customer", "c1", {"note": '=HYPERLINK("x")'}),
        Line(3 if kind == ".csv" else 2, "customer", "c2"),
    ]
    assert path.stat().st_mode & 0o077 == 0


def test_an_export_that_breaks_off_leaves_the_file_of_before(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    path.write_text("before")
    with pytest.raises(ZeroDivisionError), Export(path, []):
        _ = 1 / 0
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (True, "true"),
        (1.5, "1.5"),
        (-1, "-1"),
        ({"a": 1}, '{"a": 1}'),
        ("+44 7700 900123", "+44 7700 900123"),
        ("=1+1", "'=1+1"),
        ("+1+cmd", "'+1+cmd"),
        ("@sum", "'@sum"),
        ("-2+3", "'-2+3"),
    ],
)
def test_a_cell_is_no_formula(value: Any, text: str) -> None:
    assert cell(value) == text
