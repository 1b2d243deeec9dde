import ast

import pytest

from tokenlab_nb.export.literals import Expression, call, literal


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        False,
        0,
        -7,
        2.5,
        1e300,
        "",
        "plain",
        "it's",
        'say "fox"',
        "both ' and \"",
        "back\\slash",
        "two\nlines\r\n\x00\x1b[31m",
        "right\u202eto left, \u2028 and \ud83d alone",
        "狐 🦊 é",
        "{braces}, commas, %s and $HOME",
        [1, [2, "three"], {}],
        {"a": [None, {"b": 1.5}], 'quoted "key"': "x"},
    ],
)
def test_a_literal_means_its_value(value):
    source = literal(value)
    assert ast.literal_eval(source) == value
    assert source.isprintable()


def test_quotes_are_those_of_black():
    assert literal("fox") == '"fox"'
    assert literal("it's") == '"it\'s"'
    assert literal('say "fox"') == "'say \"fox\"'"


def test_what_json_has_no_word_for_becomes_the_nearest_that_it_has():
    class Word(str):
        __slots__ = ()

        def __str__(self):
            return "fox"

        def __repr__(self):
            return "os.remove('x')"

    class Number(int):
        def __repr__(self):
            return "boom()"

    assert literal((1, 2)) == "[1, 2]"
    assert literal(Word("fox")) == '"fox"'
    assert literal(Number(3)) == "3"
    assert literal([float("inf"), float("nan")]) == '[float("inf"), float("nan")]'


def test_what_has_no_literal_is_refused():
    with pytest.raises(TypeError, match="A set has no literal"):
        literal({1, 2})


def test_a_short_call_stands_in_one_line():
    assert call("f", [1, Expression("x")], {"seed": [1, 2]}) == "f(1, x, seed=[1, 2])"
    assert call("f") == "f()"


def test_a_long_call_is_laid_out_one_argument_a_line():
    code = call("session.submit", named={"model": "m" * 40, "size": "1024x1024", "quality": "high", "seed": 7})
    assert code == (
        f'session.submit(\n    model="{"m" * 40}",\n    size="1024x1024",\n    quality="high",\n    seed=7,\n)'
    )


def test_long_lists_and_mappings_are_taken_apart():
    value = {"colours": [f"colour number {n}" for n in range(6)], "empty": [], "none": {}}
    code = call("f", [value])
    assert ast.literal_eval(ast.parse(code, mode="eval").body.args[0]) == value
    assert max(map(len, code.splitlines())) <= 88
    assert '            "colour number 0",' in code.splitlines()


@pytest.mark.parametrize(
    "text",
    [
        "A red fox in deep snow, " * 12,
        "First line.\n\n  Second one, indented.\n" * 6,
        "x" * 400,
        "狐" * 200,
        "\u202e" * 100,
        " " * 200,
        'it\'s "quoted" \\ ' * 20,
    ],
)
def test_a_long_text_is_broken_into_parts_that_are_the_text_again(text):
    code = call("f", named={"prompt": text, "texts": [text, "short"]})
    arguments = ast.parse(code, mode="eval").body.keywords
    assert [ast.literal_eval(each.value) for each in arguments] == [text, [text, "short"]]
    assert max(map(len, code.splitlines())) <= 88


def test_a_text_is_broken_after_words_and_at_its_own_line_ends():
    code = call("f", named={"prompt": f"One line.\n{'fox ' * 30}"})
    lines = code.splitlines()
    assert lines[1:3] == ["    prompt=(", '        "One line.\\n"']
    assert all(line.endswith(' "') for line in lines[3:-2])


def test_a_text_that_cannot_be_broken_in_two_stays_as_it_is():
    code = call("f", named={"n" * 60: "w" * 40, "seed": 1})
    assert f'    {"n" * 60}="{"w" * 40}",' in code.splitlines()


def test_a_name_that_no_keyword_can_have_is_spelled_out():
    assert call("f", named={"x-y": 1, "seed": 2}) == 'f(seed=2, **{"x-y": 1})'
