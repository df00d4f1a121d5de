"""Tokens of a prototxt and their places."""

import pytest

from netcfg.prototxt_tokens import Text, Token, shown


def kinds(text: str) -> list[tuple[str, str]]:
    return [(token.kind, token.text) for token in Text(text, "f").tokens() if token.kind != "end"]


@pytest.mark.parametrize(
    "number",
    ["0", "-3", "+3", "1.", ".5", "-.5e-3", "1e+6", "1.5f", "2F", "0x1F", "-0xab", "017", "-inf"],
)
def test_numbers(number: str) -> None:
    assert kinds(f"{number} ") == [("number", number)]


@pytest.mark.parametrize("text", ["3x3", "1.2.3", "0x", "1e", "-", "@", "1_000"])
def test_what_looks_like_a_number_but_is_none(text: str) -> None:
    assert "bad" in [kind for kind, _ in kinds(text)]


def test_words_strings_and_marks() -> None:
    assert kinds("a_1: 'it''s' \"q\\\"\" {<[]>},;inf") == [
        ("word", "a_1"),
        ("mark", ":"),
        ("string", "'it'"),
        ("string", "'s'"),
        ("string", '"q\\""'),
        *(("mark", mark) for mark in "{<[]>},;"),
        ("word", "inf"),
    ]


def test_comments_and_odd_spaces_are_passed_over() -> None:
    text = "\ufeffa # b\r\n// c { \n\u00a0d\r//\re#"
    assert kinds(text) == [("word", "a"), ("word", "d"), ("word", "e")]


def test_comment_marks_within_strings_are_text() -> None:
    assert kinds('"a#b//c"') == [("string", '"a#b//c"')]


@pytest.mark.parametrize("text", ['"abc', "'abc\n'", '"abc\\'])
def test_unclosed_strings(text: str) -> None:
    token = Text(text, "f").tokens()[0]
    assert token == Token("bad", text[0], 0)
    assert shown(token) == f"a string that lacks its closing {text[0]}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("}", "'}'"),
        ("word", "'word'"),
        ('"a b"', '"a b"'),
        ("$#batch#$ x", "'$#batch#$'"),
        ("", "the end of the text"),
    ],
)
def test_shown(text: str, expected: str) -> None:
    assert shown(Text(text, "f").tokens()[0]) == expected


def test_places_count_from_one_whatever_ends_a_line() -> None:
    text = Text("a\r\n b\r\tc\nd", "net.prototxt")
    places = [text.place(token.at) for token in text.tokens()]
    assert places == [(1, 1), (2, 2), (3, 2), (4, 1), (4, 2)]
    assert text.where(text.tokens()[2].at) == "net.prototxt:3:2"


def test_bytes_that_are_not_utf8_become_escapes() -> None:
    assert Text("é '\udcff\udc80'", "a\udcffb").text == r"é '\377\200'"
    assert Text("", "a\udcffb").file == "a?b"


def test_a_piece_of_a_file_knows_where_it_stood() -> None:
    text = Text("a b\nc", "f", line=7, column=5)
    assert [text.place(token.at) for token in text.tokens()][:3] == [(7, 5), (7, 7), (8, 1)]


def test_many_lines_take_little_time() -> None:
    text = Text("layer { name: 'x' }  # comment\n" * 20_000, "f")
    assert len(text.tokens()) >= 120_001
    assert text.place(len(text.text) - 1)[0] == 20_000
