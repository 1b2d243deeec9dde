"""Blind judging: what leaves for the page, what is kept of the answers, and when names come out."""

import hashlib
import io
import json

import pytest
from PIL import Image, PngImagePlugin

from tests.unit.widgets.judged import FakeGrid, Voter, Widget
from tokenlab_nb import errors
from tokenlab_nb.widgets._judging import bare
from tokenlab_nb.widgets._sitting import QUESTIONS, sides_words

COLOURS = ("red", "lime", "blue", "white", "black", "yellow", "cyan", "magenta")


def of(colour, size=(8, 6)):
    """A picture of one colour, as `FakeJob.finish` takes it; its file says who made it."""
    info = PngImagePlugin.PngInfo()
    info.add_text("model", "one-model or two-model")
    buffer = io.BytesIO()
    Image.new("RGB", size, colour).save(buffer, "PNG", pnginfo=info)
    return *size, buffer.getvalue()


def colour_of(data):
    return Image.open(io.BytesIO(data)).convert("RGB").getpixel((0, 0))


@pytest.fixture
def judge(page, instant, ask):
    """Make a voter at a grid; all its jobs are finished, each with a picture of its own colour."""
    widgets = []

    def make(*, finish=True, **options):
        grid = FakeGrid(**options)
        if finish:
            for job, colour in zip(grid.jobs, COLOURS, strict=False):
                job.finish(of(colour))
        widgets.append(Widget(grid, through=instant))
        return Voter(widgets[-1], page, ask)

    yield make
    for widget in widgets:
        widget.close()


@pytest.fixture
def voter(judge):
    """Two models, three prompts: three pairs."""
    made = judge(prompts=("A red fox", "A teal teapot", "A lighthouse"))
    made.open()
    return made


def test_a_pair_whose_pictures_came_before_the_news_of_them_is_dealt(judge):
    voter = judge(finish=False)
    voter.open()
    assert voter.deal()[0]["pair"] == ""
    for job, colour in zip(voter.widget.grid.jobs, COLOURS, strict=False):
        heard, job.callbacks = job.callbacks, []  # the news of it are still on their way
        job.finish(of(colour))
        job.callbacks = heard
    dealt, pictures = voter.deal()
    assert dealt["pair"]
    assert {colour_of(data) for data in pictures} == {(255, 0, 0), (0, 255, 0)}


def votes(voter):
    return voter.widget.grid.votes


def test_nothing_that_leaves_before_the_results_tells_who_made_a_picture(voter, page):
    page.sent.clear()
    voter.open()
    tokens = []
    while (dealt := voter.deal())[0]["pair"]:
        tokens.append(dealt[0]["pair"])
        voter.vote(tokens[-1], "left")
    voter.undo(tokens[-1])
    text = json.dumps([{k: v for k, v in data.items() if k != "buffers"} for data, _ in page.sent])
    grid = voter.widget.grid
    telling = [*grid.plan.axes[0].values, *(job.id for job in grid.jobs)]
    telling += [image.sha256 for job in grid.jobs for image in job.images]
    assert len(tokens) == 3
    assert not [word for word in telling if word in text]
    for _, buffers in page.sent:
        for sent in map(bytes, buffers):
            assert b"model" not in sent
            assert hashlib.sha256(sent).hexdigest() not in telling


def test_a_vote_names_the_pictures_that_stood_on_its_sides(voter):
    for choice in ("left", "right", "tie"):
        dealt, (left, right) = voter.deal()
        voter.vote(dealt["pair"], choice)
        vote = votes(voter)[-1]
        pictures = {image.sha256: image for job in voter.widget.grid.jobs for image in job.images}
        assert vote.choice == choice
        assert colour_of(left) == colour_of(pictures[vote.left.sha256].bytes)
        assert colour_of(right) == colour_of(pictures[vote.right.sha256].bytes)
        assert vote.question == QUESTIONS[0]


def test_every_pair_is_dealt_once_even_while_others_are_not_answered_yet(voter):
    tokens = [voter.deal()[0]["pair"] for _ in range(3)]
    assert len(set(tokens)) == 3
    assert voter.deal()[0]["pair"] == ""
    for token in tokens:
        voter.vote(token, "bad")
    assert len({vote.key for vote in votes(voter)}) == 3


def test_progress_says_what_is_missing_for_a_first_answer(voter):
    facts = voter.open()
    assert (facts["done"], facts["pairs"], facts["votes"]) == (0, 3, 0)
    assert facts["progress"] == "0 of 3, at least 6 more for a first answer"
    assert facts["words"] == "3 pairs of pictures; no votes on this question yet."
    told = voter.vote(voter.deal()[0]["pair"], "left")
    assert told["progress"] == "1 of 3, at least 5 more for a first answer"
    assert voter.open()["words"] == "3 pairs of pictures; 1 vote on this question so far."


def test_a_vote_is_taken_back_and_its_pair_comes_again(voter):
    dealt, pictures = voter.deal()
    voter.vote(dealt["pair"], "left")
    assert voter.undo(dealt["pair"])["done"] == 0
    assert not votes(voter)
    assert voter.deal(dealt["pair"])[1] == pictures
    voter.vote(dealt["pair"], "right")
    assert [vote.choice for vote in votes(voter)] == ["right"]


def test_a_skipped_pair_is_no_vote_and_waits_for_the_next_sitting(voter):
    tokens = [voter.deal()[0]["pair"] for _ in range(3)]
    for token in tokens:
        voter.vote(token, "skip")
    assert not votes(voter)
    assert voter.deal()[0]["ended"] == "That was the last pair. 3 skipped: open judging again to see them once more."
    voter.undo(tokens[-1])
    voter.vote(tokens[-1], "tie")
    assert [vote.choice for vote in votes(voter)] == ["tie"]
    voter.open()
    assert voter.deal()[0]["pair"]


def test_only_the_last_answer_can_be_taken_back(voter):
    first, second = (voter.deal()[0]["pair"] for _ in range(2))
    voter.vote(first, "left")
    voter.vote(second, "left")
    assert "judged after this pair" in voter.undo(first)
    assert len(votes(voter)) == 2


def test_a_vote_that_came_from_elsewhere_is_not_taken_back(voter):
    token = voter.deal()[0]["pair"]
    voter.vote(token, "left")
    grid = voter.widget.grid
    ballot = grid.ballot(question=QUESTIONS[0])
    grid.vote(ballot.next(grid.votes), "tie")
    assert "came after this one" in voter.undo(token)
    assert [vote.choice for vote in votes(voter)] == ["left", "tie"]


@pytest.mark.parametrize(
    ("say", "told"),
    [
        (lambda voter: voter.vote("no-such-pair", "left"), "was not dealt here"),
        (lambda voter: voter.deal("no-such-pair")[0], "was not dealt here"),
        (lambda voter: voter.vote(voter.deal()[0]["pair"], "best"), "is no vote"),
        (lambda voter: voter.say("open", question="", by="weather")[0], "no axis 'weather'"),
        (lambda voter: voter.say("dance")[0], "dance"),
    ],
)
def test_what_cannot_be_done_is_refused_where_it_was_asked(voter, say, told):
    assert told in say(voter)
    assert voter.widget.error == ""
    assert not votes(voter)


def test_an_answer_counts_once(voter):
    token = voter.deal()[0]["pair"]
    voter.vote(token, "left")
    assert voter.vote(token, "left") == "This pair is judged already. Nothing was counted twice."
    assert len(votes(voter)) == 1


def test_an_answer_that_cannot_be_kept_can_be_given_again(voter):
    token = voter.deal()[0]["pair"]
    memory = voter.widget.grid._desk
    memory.refusal = errors.TokenLabError("The disk is full.")
    assert "full" in voter.vote(token, "left")
    memory.refusal = None
    assert voter.vote(token, "left")["votes"] == 1


def test_judging_in_another_view_ends_the_sitting_here(voter, page, ask):
    token = voter.deal()[0]["pair"]
    other = Voter(voter.widget, page, ask)
    other.open()
    assert "judged in another view now. Nothing was counted" in voter.vote(token, "left")
    voter.say("close")  # and leaves the other one alone
    assert other.deal()[0]["pair"]
    other.say("close")
    assert "Open it again" in other.deal()[0]
    assert not votes(voter)


def test_pairs_come_with_their_pictures(judge):
    voter = judge(finish=False)
    facts = voter.open()
    assert facts["ready"]
    assert facts["words"].endswith("2 cells still to come: their pairs come by themselves.")
    assert "2 cells still to come" in voter.deal()[0]["ended"]
    for job, colour in zip(voter.widget.grid.jobs, COLOURS, strict=False):
        job.finish(of(colour))
    assert voter.deal()[0]["pair"]


def test_where_nothing_can_be_paired_it_says_so(judge):
    voter = judge(models=("one-model",))
    facts = voter.open()
    assert not facts["ready"]
    assert facts["words"] == voter.deal()[0]["ended"]
    assert facts["words"].startswith("There is nothing to judge: nothing varies")


def test_the_prompt_is_told_where_it_is_the_same(voter):
    assert voter.deal()[0]["common"] in ("A red fox", "A teal teapot", "A lighthouse")
    facts = voter.open(by="prompt")
    assert [axis["words"] for axis in facts["axes"]] == ["Model (2)", "Prompt (3)"]
    assert facts["pairs"] == 6
    assert voter.deal()[0]["common"] == ""


def test_what_is_asked_is_remembered(voter):
    assert voter.open()["questions"] == list(QUESTIONS)
    voter.open(question="  Which is\n funnier? ")
    voter.vote(voter.deal()[0]["pair"], "left")
    facts = voter.open()
    assert facts["question"] == "Which is funnier?"
    assert facts["questions"] == ["Which is funnier?", *QUESTIONS]


def test_with_one_model_the_first_axis_that_varies_is_judged(judge):
    assert judge(models=("one-model",), prompts=("A fox", "A dog")).open()["by"] == "prompt"


def test_pictures_that_went_into_both_are_shown(judge):
    red, blue = of("red")[2], of("blue")[2]
    same = judge(references={(0, 0): [red], (1, 0): [red]})
    same.open()
    *_, went_in = same.deal()[1]
    assert Image.open(io.BytesIO(went_in)).format == "JPEG"
    other = judge(references={(0, 0): [red], (1, 0): [blue]})
    other.open()
    assert len(other.deal()[1]) == 2


def test_results_name_everybody(voter):
    seen = []
    for choice in ("left", "right", "bad"):
        seen.append(voter.deal()[0]["pair"])
        voter.vote(seen[-1], choice)
    result, _ = voter.say("results", question=QUESTIONS[0], by="model")
    assert {row["contestant"] for row in result["ratings"]["rows"]} == {"one-model", "two-model"}
    assert result["ratings"]["verdict"].startswith("Too few votes to tell")
    assert (result["votes"], result["by"]) == (3, "Model")
    assert [each["choice"] for each in result["past"]] == ["bad", "right", "left"]
    newest = votes(voter)[-1]
    assert result["past"][0]["left"] == {"label": newest.left.label, "hash": newest.left.sha256}
    assert result["past"][0]["common"] == voter.widget.grid.plan.axes[1].labels[newest.left.cell % 3]
    assert result["code"] == "grid.ratings(by='model', question='Which follows the prompt better?')"
    assert result["sides"].startswith("A was chosen in 1 of 2 decided votes (50 %)")
    json.dumps(result)


def test_results_count_the_votes_on_their_question_only(voter):
    voter.vote(voter.deal()[0]["pair"], "left")
    result, _ = voter.say("results", question="Another one?", by="model")
    assert (result["votes"], result["past"], result["sides"]) == (0, [], "")
    assert result["ratings"]["count"] == 0


def test_votes_leave_as_csv(voter):
    voter.vote(voter.deal()[0]["pair"], "tie")
    result, _ = voter.say("csv")
    head, row = result["text"].splitlines()
    assert result["name"] == "votes.csv"
    assert dict(zip(head.split(","), row.split(","), strict=True))["choice"] == "tie"


@pytest.mark.parametrize(
    ("choices", "told"),
    [
        ({"tie": 3}, ""),
        ({"left": 5}, "A was chosen in 5 of 5 decided votes (100 %): no sign that the side sways"),
        ({"left": 6, "right": 4}, "A was chosen in 6 of 10 decided votes (60 %): no sign that the side sways"),
        ({"left": 18, "right": 2}, "A was chosen in 18 of 20 decided votes (90 %), more than chance explains"),
        ({"right": 20}, "A was chosen in 0 of 20 decided votes (0 %), more than chance explains"),
    ],
)
def test_whether_the_side_swayed_the_answers_is_said(choices, told):
    assert sides_words(choices).startswith(told)
    assert bool(sides_words(choices)) == bool(told)


def test_a_judged_picture_is_its_pixels(tmp_path):
    pixels = Image.effect_noise((31, 17), 60).convert("RGB")
    exif = Image.Exif()
    exif[0x010E] = "made by some-model"
    exif[0x0112] = 6  # to be shown turned
    for kind, options in (("PNG", {}), ("WEBP", {"lossless": True}), ("JPEG", {"quality": 95})):
        buffer = io.BytesIO()
        pixels.save(buffer, kind, exif=exif, **options)
        made = bare(buffer.getvalue())
        shown = Image.open(io.BytesIO(made.png))
        assert (shown.format, shown.size, made.shrunk) == ("PNG", (17, 31), False)
        assert not shown.getexif()
        assert b"some-model" not in made.png
        if kind != "JPEG":
            assert shown.tobytes() == pixels.transpose(Image.Transpose.ROTATE_270).tobytes()


def test_transparency_stays(tmp_path):
    buffer = io.BytesIO()
    Image.new("RGBA", (4, 4), (255, 0, 0, 100)).save(buffer, "PNG")
    assert Image.open(io.BytesIO(bare(buffer.getvalue()).png)).getpixel((0, 0)) == (255, 0, 0, 100)


def test_very_large_pictures_are_made_smaller_and_that_is_told(judge):
    voter = judge(finish=False)
    for job, size in zip(voter.widget.grid.jobs, ((2600, 30), (40, 30)), strict=True):
        job.finish(of("red" if size[0] > 40 else "blue", size))
    voter.open()
    dealt, pictures = voter.deal()
    assert dealt["shrunk"]
    assert sorted(Image.open(io.BytesIO(each)).width for each in pictures) == [40, 2048]
