"""`%%tokenlab` in a shell: the body is the prompt, options are those of `submit`, and an error sends nothing."""

from __future__ import annotations

import atexit
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from traitlets.config import Config

import tokenlab_nb as tl
from tests.integration.harness import Rig
from tests.unit.pictures import encoded, gradient
from tokenlab_nb import opening
from tokenlab_nb.errors import BudgetExceededError, ValidationError
from tokenlab_nb.widgets import magic


@dataclass
class Notebook:
    """A shell with the extension loaded, on a sandbox."""

    shell: InteractiveShell
    rig: Rig

    def run(self, code: str) -> tuple[Any, str, str]:
        """Run a cell: its result, or what it raised; what it printed; what stands in the notebook as its error."""
        with capture_output() as caught:
            done = self.shell.run_cell(code)
        raised = done.error_before_exec or done.error_in_exec
        return raised or done.result, caught.stdout, caught.stderr

    def bodies(self) -> list[dict[str, Any]]:
        return [json.loads(request.content) for request in self.rig.sent("POST", "/v1/images")]


@pytest.fixture
def notebook(rig: Callable[..., Rig], monkeypatch: pytest.MonkeyPatch) -> Iterator[Notebook]:
    made = rig()
    monkeypatch.setattr(opening, "shared_session", lambda: made.session)
    shell = InteractiveShell(user_ns={}, config=Config({"HistoryManager": {"enabled": False}}))
    atexit.unregister(shell.atexit_operations)  # it is no process's only one
    shell.extension_manager.load_extension("tokenlab_nb")
    yield Notebook(shell, made)
    shell.extension_manager.unload_extension("tokenlab_nb")


PROMPT = """  {deep} snow, {{a}} $HOME 50 % \\n "quoted" 'too'
>>> 1 + 1
... and
    a fox?"""


def test_the_body_is_the_prompt_as_it_stands_and_options_are_those_of_submit(notebook: Notebook) -> None:
    notebook.shell.user_ns["deep"] = "EXPANDED"
    cell = "\n%%tokenlab -m gpt-image-2 --size 1024x1024 -n 2 --output-format webp --as fox\n" + PROMPT + "\n\n"
    job, printed, _ = notebook.run(cell)
    assert isinstance(job, tl.Job)
    assert job is notebook.shell.user_ns["fox"] is notebook.shell.user_ns["_"]
    assert len(job.wait()) == 2
    (body,) = notebook.bodies()
    assert (body["prompt"], body["size"], body["n"], body["output_format"]) == (PROMPT, "1024x1024", 2, "webp")
    assert printed.startswith(notebook.rig.session.place)
    _, again, _ = notebook.run("%%tokenlab -m gpt-image-2\n>>> a fox;")
    assert notebook.rig.session.place not in again
    assert notebook.shell.user_ns["_job"].request.values["prompt"] == ">>> a fox;"


def test_other_cells_are_left_to_ipython(notebook: Notebook) -> None:
    assert notebook.run(">>> 1 + 1\n")[0] == 2
    assert notebook.run("%%time\n1 + 1")[0] == 2
    assert magic.as_it_stands([]) == []
    assert magic.as_it_stands(["%%tokenlabs\n", "x"]) == ["%%tokenlabs\n", "x"]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("", "No model is chosen."),
        ("-m gpt-image-3", "There is no model 'gpt-image-3'. Did you mean gpt-image-2?"),
        ("-m gpt-image-2 --qualty high", "does not take qualty. Did you mean quality?"),
        ("-m gpt-image-2 --size 1000x1000", "1000x1000 has a side that is not a multiple of 16"),
        ("-m gpt-image-2 --operation image-edit", "needs a picture to start from"),
        ("-m gpt-image-2 --reference nowhere.png", "nowhere.png"),
        ("-m gpt-image-2 --session nobody", "The variable 'nobody' is not there."),
        ("-m gpt-image-2 --session text", "The variable 'text' is a str."),
        ("-m gpt-image-2 --reference text[3]", "text holds 1 picture: there is no text[3]."),
        ("-m gpt-image-2 -m gpt-image-3", "There is no model 'gpt-image-3'."),
        ("-m gpt-image-2 -m nano-banana-2 --qualty high", "None of these models takes it: qualty high is left out"),
        ("-m gpt-image-2 -m nano-banana-2 --operation image-edit", "None of the models can do this."),
        ("-m gpt-image-2 -m nano-banana-2 --concurrency 2", "concurrency is no setting of a request"),
        ("-m", "-m has no value"),
    ],
)
def test_what_is_wrong_is_told_in_a_line_and_nothing_is_sent(notebook: Notebook, line: str, said: str) -> None:
    notebook.shell.user_ns["text"] = "no picture"
    raised, shown, _ = notebook.run(f"%%tokenlab {line}\na fox")
    assert isinstance(raised, ValidationError)
    assert said in str(raised)
    assert f"ValidationError: {raised}" in shown
    assert "Traceback" not in shown
    assert ".py" not in shown
    assert notebook.rig.posts == 0
    assert not {"_job", "_grid"} & notebook.shell.user_ns.keys()


def test_a_budget_that_does_not_suffice_sends_nothing(notebook: Notebook) -> None:
    raised, _, _ = notebook.run("%%tokenlab -m nano-banana-2 --budget 0.001\na fox")
    assert isinstance(raised, BudgetExceededError)
    raised, _, _ = notebook.run("%%tokenlab -m nano-banana-2 -m flux-2-pro --budget 0.001\na fox")
    assert isinstance(raised, BudgetExceededError)
    assert notebook.rig.posts == 0
    job, _, _ = notebook.run("%%tokenlab -m nano-banana-2 --budget 5\na fox")
    assert len(job.wait()) == 1


def test_several_models_are_compared_and_a_list_is_an_axis(notebook: Notebook) -> None:
    cell = '%%tokenlab -m gpt-image-2 -m nano-banana-2 --quality \'["low", "high"]\'\na {fox}, or two'
    grid, _, _ = notebook.run(cell)
    assert isinstance(grid, tl.GridRun)
    assert grid is notebook.shell.user_ns["_grid"]
    assert [each.name for each in grid.plan.axes] == ["model", "prompt", "quality"]
    grid.wait()
    assert {body["prompt"] for body in notebook.bodies()} == {"a {fox}, or two"}
    sent = notebook.rig.posts
    notebook.run(cell)[0].wait()
    assert notebook.rig.posts == sent


def test_a_dry_run_shows_the_plan_and_sends_nothing(notebook: Notebook) -> None:
    one, _, _ = notebook.run("%%tokenlab --dry -m nano-banana-2 -n 2 --as plan\na fox")
    two, _, _ = notebook.run("%%tokenlab --dry -m nano-banana-2 -m gpt-image-2\na fox")
    assert isinstance(one, tl.Sweep)
    assert one is notebook.shell.user_ns["plan"]
    assert (len(one.cells), len(two.cells)) == (1, 2)
    assert one.cells[0].status == "asked"
    assert one.price.words
    assert notebook.rig.posts == 0
    assert len(one.run().wait()) == 2


def test_pictures_are_variables_items_of_lists_and_paths(notebook: Notebook, tmp_path: Path) -> None:
    (tmp_path / "a cat.png").write_bytes(encoded(gradient()))
    notebook.run("%%tokenlab -m gpt-image-2 -n 2 --as fox\na fox")
    notebook.shell.user_ns["foxes"] = notebook.shell.user_ns["fox"].wait()
    notebook.shell.user_ns["none"] = []
    line = f'--reference fox --reference foxes[1] --reference foxes --reference "{tmp_path}/a cat.png"'
    hashes = [image.sha256 for image in notebook.shell.user_ns["foxes"]]
    job, _, _ = notebook.run(f"%%tokenlab -m gpt-image-2 {line} --as edited\nmore snow")
    assert [source.sha256 for source in job.request.references[:4]] == [hashes[0], hashes[1], *hashes]
    assert job.wait()
    raised, _, _ = notebook.run("%%tokenlab -m gpt-image-2 --reference none\nmore snow")
    assert "none" in str(raised)


def test_a_note_about_a_picture_is_printed_without_naming_files_of_ipython(notebook: Notebook, tmp_path: Path) -> None:
    (tmp_path / "fox.jpg").write_bytes(encoded(gradient()))
    job, printed, errors = notebook.run(f"%%tokenlab -m gpt-image-2 --reference {tmp_path}/fox.jpg\nmore snow")
    assert isinstance(job, tl.Job)
    assert "Note: references[0]: fox.jpg is named like a JPEG file, but holds a PNG picture." in printed
    assert "interactiveshell" not in printed + errors


def test_a_variation_does_without_a_body(notebook: Notebook) -> None:
    notebook.run("%%tokenlab -m gpt-image-2 --as fox\na fox")
    notebook.shell.user_ns["fox"].wait()
    able = [model.id for model in notebook.rig.session.models(operation="image-variation")]
    job, _, _ = notebook.run(f"%%tokenlab -m {able[0]} --operation image-variation --reference fox")
    assert "prompt" not in job.request.values
    assert job.wait()


def test_the_line_magic_tells_and_chooses_the_session(
    notebook: Notebook, rig: Callable[..., Rig], tmp_path: Path
) -> None:
    other = rig(folder=tmp_path / "other")
    notebook.shell.user_ns["mine"] = other.session
    assert notebook.run("%tokenlab")[1].startswith(f"{notebook.rig.session.place}.")
    notebook.run("%%tokenlab -m gpt-image-2 --session mine\na fox")
    assert (notebook.rig.posts, len(other.session.jobs)) == (0, 1)
    other.session.jobs[0].wait()
    assert "Jobs: 1 completed." in notebook.run("%tokenlab --session mine")[1]
    notebook.run("%%tokenlab -m gpt-image-2\na fox")
    assert len(other.session.jobs) == 2
    raised, _, _ = notebook.run("%tokenlab -m gpt-image-2")
    assert "A line that begins with one % sends nothing." in str(raised)
    other.close()
    assert "Jobs: none yet." in notebook.run("%tokenlab")[1]


def test_the_help_is_whole_and_names_the_settings_of_a_model(notebook: Notebook) -> None:
    _, general, _ = notebook.run("%%tokenlab --help")
    for word in (
        "-m, --model",
        "--budget",
        "--dry",
        "output_format",
        "%tokenlab --session",
        "literal" and "as it stands",
    ):
        assert word in general
    _, special, _ = notebook.run("%tokenlab --help -m gpt-image-2")
    assert "gpt-image-2, text-to-image:" in special
    assert "--quality" in special
    assert "(from the contract)" in special
    assert notebook.rig.posts == 0


def test_loading_twice_is_once_and_unloading_leaves_nothing(notebook: Notebook) -> None:
    shell = notebook.shell
    magic.load_ipython_extension(shell)
    assert shell.input_transformers_cleanup.count(magic.as_it_stands) == 1
    assert len(shell.Completer.custom_matchers) == 1
    shell.extension_manager.unload_extension("tokenlab_nb")
    assert magic.as_it_stands not in shell.input_transformers_cleanup
    assert not shell.Completer.custom_matchers
    _, _, errors = notebook.run("%%tokenlab -m gpt-image-2\na fox")
    assert "Cell magic `%%tokenlab` not found" in errors
    magic.unload_ipython_extension(shell)
