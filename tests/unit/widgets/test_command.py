"""The first line of `%%tokenlab` is read as it stands: nothing is expanded, nothing guessed."""

from __future__ import annotations

import re

import pytest

from tokenlab_nb.errors import ValidationError
from tokenlab_nb.widgets._command import OPTIONS, Command, fragment, option_name, prompt_of, read, told


def test_every_option_has_its_place():
    line = (
        "-m one --model two -m one --operation image-edit --reference a.png --reference https://h/b.png "
        "--mask m -n 2 --as fox --session mine --budget 2.5 --dry --help --size 1024x1024 --seed=7"
    )
    assert read(line) == Command(
        models=("one", "two"),
        operation="image-edit",
        references=("a.png", "https://h/b.png"),
        mask="m",
        params={"n": 2, "size": "1024x1024", "seed": 7},
        name="fox",
        session="mine",
        budget=2.5,
        dry=True,
        help=True,
    )
    assert read("") == read("   ") == Command()
    assert read("-h").help


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("7", 7),
        ("-1", -1),
        ("0.5", 0.5),
        ("true", True),
        ("false", False),
        ('{"a":[1,{"b":"c\\n"}]}', {"a": [1, {"b": "c\n"}]}),
        ("""'{"a": 1}'""", {"a": 1}),
        ("[1,2]", [1, 2]),
        ("null", "null"),
        ("NaN", "NaN"),
        ("007", "007"),
        ("True", "True"),
        ("9" * 5000, "9" * 5000),
        ("[" * 9999, "[" * 9999),
        ('"two words"', "two words"),
        ("'say \"hi\"'", 'say "hi"'),
        ('a" b "c', "a b c"),
        ("C:\\new\\t.png", "C:\\new\\t.png"),
        ("{deep}", "{deep}"),
        ("$HOME", "$HOME"),
        ("50%", "50%"),
        ("a,b", "a,b"),
        ("ünï", "ünï"),
    ],
)
def test_a_setting_is_json_where_it_says_something_as_json_else_a_text(word, value):
    assert read(f"--new_field {word}").params == {"new_field": value}
    assert read(f"--new-field={word}").params == {"new_field": value}


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("--user 7", "7"),
        ("--negative_prompt true", "true"),
        ("--negative_prompt [1]", "[1]"),
        ("--style 1", "1"),
        ('--quality ["low","high"]', ["low", "high"]),
        ('--negative_prompt="- no -m dash"', "- no -m dash"),
        ("--seed 7", 7),
        ("--expand_prompt true", True),
    ],
)
def test_a_field_that_holds_a_text_by_the_documents_stays_one(line, value):
    assert list(read(line).params.values()) == [value]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("fox -m one", "'fox' belongs to no option. Options stand first; the prompt is the body"),
        ("-m one two", "'two' belongs to no option"),
        ("-m one 7", "'7' belongs to no option"),
        ("-m", "-m has no value. Write -m VALUE, or --model=VALUE."),
        ("-n -m one", "-n has no value."),
        ("--size --seed 7", "--size has no value. Write --size VALUE, or --size=VALUE."),
        ("--dry=1", "--dry takes no value."),
        ("-x 1", "There is no option -x."),
        ("-model one", "There is no option -model. Did you mean --model?"),
        ("-q 1", "--help lists them all"),
        ("--seed 1 --seed 2", "--seed is given twice"),
        ("--mask a --mask b", "--mask is given twice"),
        ("--as a --as b", "--as is given twice"),
        ("--as 1fox", "'1fox' is no name of a variable. Give one, such as --as fox."),
        ("--as class", "'class' is no name"),
        ("--budget much", "A budget of 'much' is none."),
        ("--budget true", "A budget of 'true' is none."),
        ("--prompt fox", "--prompt is no option here. The prompt is the body of the cell."),
        ("--references a", "Write --reference PICTURE for each picture."),
        ("--models a", "Write -m MODEL for each model."),
        ("--negative_prompt don't", "A quote is not closed: don't"),
        ('--user "a', 'A quote is not closed: "a'),
        ("--user 'a", "A quote is not closed: 'a"),
        ("-- x", "'--' belongs to no option"),
    ],
)
def test_what_has_no_place_is_refused_with_what_to_write_instead(line, said):
    with pytest.raises(ValidationError, match=re.escape(said)) as caught:
        read(line)
    assert caught.value.issues
    assert caught.value.hint


@pytest.mark.parametrize(
    ("body", "prompt"),
    [
        ("A fox\n", "A fox"),
        ("A fox\r\n\r\n", "A fox"),
        ("  A {fox}, 50 % off $5\\n 'a' \"b\"  \n", "  A {fox}, 50 % off $5\\n 'a' \"b\"  "),
        ("\nA fox\n\nin snow\n\n", "\nA fox\n\nin snow"),
        ("...and a fox\n", "...and a fox"),
        ("", None),
        (" \n\t\n", None),
    ],
)
def test_the_prompt_is_the_body_less_the_line_breaks_at_its_end(body, prompt):
    assert prompt_of(body) == prompt


@pytest.mark.parametrize(
    ("before", "words", "unfinished"),
    [
        ("", (), ""),
        ("-m", (), "-m"),
        ("-m ", ("-m",), ""),
        ("-m gpt", ("-m",), "gpt"),
        ("--a 'b c", ("--a",), "'b c"),
        ("--a 'b c' ", ("--a", "'b c'"), ""),
    ],
)
def test_the_word_at_the_cursor_is_told_from_those_before(before, words, unfinished):
    assert fragment(before) == (words, unfinished)


def test_the_help_names_every_option():
    assert [line.split("  ")[1].split(" ")[0].strip(",") for line in told().splitlines()] == [
        option.names[0] for option in OPTIONS
    ]
    assert option_name("-m") == option_name("--model") == "model"
