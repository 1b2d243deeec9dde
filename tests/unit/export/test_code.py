import io
from datetime import date
from pathlib import Path

import pytest
from PIL import Image

import tokenlab_nb as tl
from tokenlab_nb.contract.references import Source
from tokenlab_nb.contract.request import ImageRequest
from tokenlab_nb.export.code import python_of, python_of_plan, python_of_sweep
from tokenlab_nb.sweep.plan import Cell, Plan, axis

G = "/v1/images/generations"


def text_request(**values):
    return ImageRequest("some-model", "text-to-image", G, values)


class Asked:
    """A session that only notes what it is called with."""

    def __init__(self):
        self.calls = []

    def __getattr__(self, name):
        return lambda *given, **named: self.calls.append((name, given, named)) or "prepared"


def run(code, **names):
    session = Asked()
    exec(code, {"session": session, **names})
    return session.calls


def test_a_request_is_one_call():
    code = python_of(text_request(prompt="A red fox", seed=7))
    assert code == 'session.submit(model="some-model", prompt="A red fox", seed=7)'


def test_fields_that_python_keeps_for_itself_get_an_underscore():
    assert "async_=True" in python_of(text_request(prompt="x", **{"async": True}))


def test_the_operation_is_named_where_it_does_not_go_without_saying():
    variation = ImageRequest("m", "image-variation", "/v1/images/variations", {"n": 2})
    assert python_of(variation) == 'session.submit(model="m", operation="image-variation", n=2)'
    edit = ImageRequest("m", "image-to-image", G, {"prompt": "x", "operation": "image-to-image"})
    assert python_of(edit) == 'session.submit(model="m", prompt="x", operation="image-to-image")'


def test_the_delivery_policy_is_a_field_like_any_other():
    request = ImageRequest("m", "text-to-image", G, {"prompt": "x"}, delivery_policy="verified")
    assert python_of(request) == 'session.submit(model="m", prompt="x", delivery_policy="verified")'


@pytest.mark.parametrize("odd", [{"style": None}, {"odd_": 1}, {"self": 1}, {"mask": "x"}])
def test_what_submit_cannot_say_is_prepared_first(odd):
    values = {"prompt": "A red fox " * 20, **odd}
    calls = run(python_of(text_request(**values)))
    assert calls == [("prepare", ("some-model", values), {}), ("send", ("prepared",), {})]


def test_names_that_no_keyword_can_have_go_in_all_the_same():
    values = {"prompt": "x", "x-y": [1], "class": "c"}
    ((_, _, named),) = run(python_of(text_request(**values)))
    assert named == {"model": "some-model", "prompt": "x", "x-y": [1], "class_": "c"}


def test_local_pictures_are_named_like_files_and_told_of():
    sources = (
        Source(sha256="a" * 64, media_type="image/jpeg", size=9, width=64, height=48, of="b" * 64),
        Source(sha256="c" * 64),
    )
    mask = Source(sha256="d" * 64, media_type="image/png", width=64, height=48)
    code = python_of(ImageRequest("m", "image-edit", G, {"prompt": "x"}, references=sources, mask=mask))
    assert code.splitlines() == [
        "# reference-1.jpg: put your file here; its SHA-256 began with bbbbbbbbbbbb, 64 x 48 pixels",
        "# reference-2.png: put your file here; its SHA-256 began with cccccccccccc",
        "# mask.png: put your file here; its SHA-256 began with dddddddddddd, 64 x 48 pixels",
        "session.submit(",
        '    model="m",',
        '    prompt="x",',
        '    operation="image-edit",',
        '    references=["reference-1.jpg", "reference-2.png"],',
        '    mask="mask.png",',
        ")",
    ]


def test_an_address_stands_as_it_is_but_for_what_may_be_a_key():
    sources = (Source(url="https://host/fox.png"), Source(url="https://host/cat.png?X-Amz-Signature=secret"))
    code = python_of(ImageRequest("m", "image-edit", G, {"prompt": "x"}, references=sources))
    assert "secret" not in code
    assert '["https://host/fox.png", "https://host/cat.png"]' in code
    assert code.startswith("# https://host/cat.png: put the whole address here; what may be a key is left out of it\n")
    assert "fox.png: put" not in code


def test_an_uploaded_file_is_named_by_its_id():
    source = Source(file_id="file-1", width=64, height=48, of="b" * 64)
    code = python_of(ImageRequest("m", "image-edit", G, {"prompt": "x"}, references=(source,)))
    ((_, _, named),) = run(code)
    assert named["references"] == [Source(file_id="file-1", width=64, height=48)]
    assert "b" * 12 not in code


def test_nobody_knows_what_an_adopted_task_was_asked_for():
    code = python_of(ImageRequest("", "adopted", G))
    assert code.startswith("# ")
    assert run(code) == []


def test_a_grid_is_one_call_with_models_and_prompts_first():
    arguments = {"models": ["a", "b"], "prompts": "A red fox", "seed": [1, 2], "quality": ("low", "high")}
    assert python_of_sweep(arguments) == (
        'session.compare(["a", "b"], "A red fox", seed=[1, 2], quality=["low", "high"])'
    )
    assert python_of_sweep(arguments, runs=False).startswith("session.sweep(")


def test_what_is_not_given_is_left_out():
    arguments = {"models": "a", "prompts": None, "repeats": 1, "strict": False, "budget": None, "mask": None, "n": 1}
    assert python_of_sweep(arguments) == 'session.compare("a", n=1)'
    assert python_of_sweep({"models": "a", "repeats": 2, "strict": True, "budget": 0.5}) == (
        'session.compare("a", repeats=2, strict=True, budget=0.5)'
    )


def test_the_values_of_axes_keep_their_shape():
    arguments = {
        "models": "a",
        "prompts": {"fox": "A red fox, {running}", "cat": "A black cat"},
        "async_": [True, None],
        "colours": [["red", "blue"]],
        "seed": range(3),
    }
    ((_, given, named),) = run(python_of_sweep(arguments))
    assert given == ("a", arguments["prompts"])
    assert named == {"async_": [True, None], "colours": [["red", "blue"]], "seed": [0, 1, 2]}


def test_pictures_keep_their_shape_and_each_has_a_name():
    picture = Image.new("RGB", (4, 4))
    references = {
        "mine": [Path("fox.png"), "https://host/cat.png?key=secret"],
        "kept": Source(sha256="c" * 64),
        "drawn": picture,
        "none": None,
    }
    code = python_of_sweep({"models": "a", "prompts": "x", "references": references, "mask": b"bytes"})
    assert "secret" not in code
    ((_, _, named),) = run(code, reference_2=picture, mask_3=b"bytes")
    assert named["references"] == {
        "mine": ["fox.png", "https://host/cat.png"],
        "kept": "reference-1.png",
        "drawn": picture,
        "none": None,
    }
    assert "# reference_2: your own Image\n# mask_3: your own bytes\n" in code


def test_the_mask_of_a_grid_is_named_as_that_of_a_request():
    code = python_of_sweep({"models": "a", "mask": Source(sha256="c" * 64)})
    assert code.endswith('session.compare("a", mask="mask.png")')


def test_a_picture_that_cannot_be_compared_is_one_all_the_same():
    class Array:
        def __eq__(self, other):
            raise ValueError("The truth value of an array is ambiguous.")

        __hash__ = None

    code = python_of_sweep({"models": "a", "references": Array(), "mask": Array()})
    assert code.endswith('session.compare("a", references=reference_1, mask=mask_2)')


def test_a_value_without_a_literal_becomes_a_variable():
    code = python_of_sweep({"models": "a", "when": [date(2026, 1, 1)], "x-y": {1: {2}}})
    ((_, _, named),) = run(code, when_1="then", value_2="set")
    assert named == {"when": ["then"], "x-y": {"1": "set"}}


# ------------------------------------------------------------------------------------- against a session


def png(colour):
    buffer = io.BytesIO()
    Image.new("RGB", (64, 64), colour).save(buffer, "PNG")
    return buffer.getvalue()


def half():
    """A mask: the left half may change."""
    mask = Image.new("L", (64, 64), 0)
    mask.paste(255, (0, 0, 32, 64))
    return mask


def asked_again(code, session, monkeypatch):
    """The request that the code makes in a session; nothing is sent."""
    sent = []
    monkeypatch.setattr(tl.Session, "send", lambda _self, request, **_options: sent.append(request))
    exec(code, {"session": session})
    return sent


@pytest.mark.parametrize("model", ["gpt-image-2", "nano-banana-2"])
def test_the_code_of_a_request_makes_an_equal_one(sandbox_session, monkeypatch, model):
    prompt = 'It\'s a "red" fox \\ {in} snow\nwith a hat \u202e 🦊 ' * 5
    request = sandbox_session.prepare(model, {"prompt": prompt, "n": 2})
    assert asked_again(python_of(request), sandbox_session, monkeypatch) == [request]


def test_the_code_of_an_edit_makes_an_equal_one_once_the_files_are_there(sandbox_session, monkeypatch, tmp_path):
    mask = half()
    request = sandbox_session.prepare(
        "gpt-image-2", {"prompt": "A hat"}, references=[png("red"), png("blue")], mask=mask
    )
    monkeypatch.chdir(tmp_path)
    Path("reference-1.png").write_bytes(png("red"))
    Path("reference-2.png").write_bytes(png("blue"))
    Path("mask.png").write_bytes(sandbox_session.bytes_of(request.mask))
    assert asked_again(python_of(request), sandbox_session, monkeypatch) == [request]


GRIDS = [
    {"models": ["gpt-image-2", "nano-banana-2"], "prompts": ["It's a fox", 'A "cat"'], "n": [1, 2]},
    {"models": "gpt-image-2", "prompts": {"fox": "A red fox", "cat": "A black cat"}, "quality": "low", "repeats": 2},
    {"models": "dall-e-2", "prompts": None, "operations": "image-variation", "references": png("red")},
    {"models": ["nano-banana-2"], "prompts": "A hat", "references": [png("red"), None, [png("red"), png("blue")]]},
    {"models": "gpt-image-2", "prompts": "A hat", "references": [[png("red"), png("blue")]], "size": ["auto", None]},
    {"models": "gpt-image-2", "prompts": "A hat", "operations": [None, "image-edit"], "references": png("red"),
     "mask": half()},
    {"models": ["gpt-image-2", "nano-banana-2"], "prompts": "x", "quality": "low", "strict": True, "async_": False},
]  # fmt: skip


@pytest.mark.parametrize("arguments", GRIDS)
@pytest.mark.filterwarnings("ignore::tokenlab_nb.errors.TokenLabWarning")
def test_the_code_of_a_grid_plans_the_same(sandbox_session, monkeypatch, tmp_path, arguments):
    planned = sandbox_session.sweep(**arguments)
    monkeypatch.chdir(tmp_path)
    put_files(planned, sandbox_session)
    again = sandbox_session.sweep(**arguments_in(planned.code))
    assert again.plan.takes == planned.plan.takes
    assert [(cell.status, cell.values, cell.at) for cell in again.cells] == [
        (cell.status, cell.values, cell.at) for cell in planned.cells
    ]
    assert python_of_plan(planned.plan).replace("session.compare(", "session.sweep(") == planned.code


def put_files(planned, session):
    """Put a file to each name that the code gives to a picture, in their order."""
    axis = next((each.values for each in planned.axes if each.name == "references"), None)
    requests = [take.request for take in planned.plan.takes.values()]
    sources = [each for value in axis for each in value] if axis else list(requests[0].references)
    for number, source in enumerate(sources, 1):
        Path(f"reference-{number}.png").write_bytes(session.bytes_of(source))
    for mask in {request.mask for request in requests if request.mask}:
        Path("mask.png").write_bytes(session.bytes_of(mask))


def arguments_in(code):
    """What the code calls with."""
    ((name, given, named),) = run(code)
    assert name == "sweep"
    return {**dict(zip(("models", "prompts"), given, strict=False)), **named}


def test_a_value_that_is_a_list_stands_in_a_list_of_its_own():
    prompt, model = axis("prompt", ["x"]), axis("model", ["m"])
    cell = Cell(0, (0, 0), "m", "text-to-image", {"prompt": "x", "colours": ["red", "blue"]}, "impossible")
    assert python_of_plan(Plan((model, prompt), (cell,))) == ('session.compare("m", "x", colours=[["red", "blue"]])')
    assert python_of_plan(Plan((model, prompt), ()), runs=False) == 'session.sweep("m", "x")'
