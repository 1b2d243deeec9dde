"""The command `tokenlab-nb`, with a runner that only writes down what it is asked to start."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

import tokenlab_nb
from tokenlab_nb import __main__ as command

FIRST = command.FIRST


@pytest.fixture
def examples(tmp_path: Path) -> Path:
    folder = tmp_path / "checkout" / "notebooks"
    folder.mkdir(parents=True)
    for name in (FIRST, "02_more.ipynb", "notes.txt"):
        (folder / name).write_text(f"our {name}")
    return folder


@pytest.fixture
def started() -> list[list[str]]:
    return []


@pytest.fixture
def lab(examples, started):
    def run(line: list[str]) -> int:
        started.append(line)
        return 7

    return lambda *words: command.main(["lab", *map(str, words)], run=run, examples=examples)


def test_lab_copies_the_notebooks_and_opens_the_first(lab, started, tmp_path, capsys):
    work = tmp_path / "a" / "work"
    assert lab("--dir", work) == 7
    assert sorted(path.name for path in work.iterdir()) == [FIRST, "02_more.ipynb"]
    assert started == [
        [sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={work}", f"--LabApp.default_url=/lab/tree/{FIRST}"]
    ]
    assert f"Copied {work / FIRST}" in capsys.readouterr().out


def test_lab_works_in_the_current_folder_unless_told(lab, started, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    lab()
    assert (tmp_path / FIRST).is_file()
    assert f"--ServerApp.root_dir={tmp_path.resolve()}" in started[0]


def test_lab_never_writes_over_a_file(lab, tmp_path, capsys):
    (tmp_path / FIRST).write_text("mine")
    lab("--dir", tmp_path)
    assert (tmp_path / FIRST).read_text() == "mine"
    said = capsys.readouterr().out
    assert f"Left {tmp_path / FIRST}" in said
    assert f"Copied {tmp_path / '02_more.ipynb'}" in said


@pytest.mark.parametrize(("where", "opened"), [(".", f"notebooks/{FIRST}"), ("notebooks", FIRST)])
def test_lab_in_a_checkout_opens_the_notebook_that_is_there(lab, started, examples, where, opened, capsys):
    checkout = examples.parent
    before = sorted(checkout.rglob("*"))
    lab("--dir", checkout / where)
    assert f"--LabApp.default_url=/lab/tree/{opened}" in started[0]
    assert sorted(checkout.rglob("*")) == before
    assert not capsys.readouterr().out


def test_lab_hands_the_rest_to_jupyterlab(lab, started, tmp_path):
    lab("--dir", tmp_path, "--no-browser", "--", "--port", "9999", "--help")
    assert started[0][-4:] == ["--no-browser", "--port", "9999", "--help"]


def test_lab_says_how_to_install_jupyterlab(lab, started, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(command, "find_spec", lambda name: None)
    assert lab("--dir", tmp_path / "work") == 1
    assert 'pip install "tokenlab-nb[lab]"' in capsys.readouterr().err
    assert not started
    assert not (tmp_path / "work").exists()


def test_the_examples_of_this_checkout_are_found(started, tmp_path):
    assert command.main(["lab", "--dir", str(tmp_path)], run=lambda line: 0) == 0
    assert (tmp_path / FIRST).is_file()


def test_the_version_is_the_distributions(capsys):
    with pytest.raises(SystemExit) as stop:
        command.main(["--version"])
    assert stop.value.code == 0
    assert capsys.readouterr().out == f"tokenlab-nb {tokenlab_nb.__version__}\n"


@pytest.mark.parametrize("words", [[], ["doctor"], ["doctor", "--most-output", "much", "x"], ["lab", "--port", "1"]])
def test_an_unknown_command_is_refused_with_the_usage(words, capsys):
    with pytest.raises(SystemExit) as stop:
        command.main(words)
    assert stop.value.code == 2
    assert "usage: tokenlab-nb" in capsys.readouterr().err


def test_sandbox_hands_its_words_to_the_sandbox(capsys):
    with pytest.raises(SystemExit) as stop:
        command.main(["sandbox", "--help"])
    assert stop.value.code == 0
    assert "--latency-scale" in capsys.readouterr().out


def test_history_lists_the_ledger_and_disturbs_nothing(tmp_path, capsys, sandbox_session):
    sandbox_session.generate(model="nano-banana-2", prompt="a red fox")
    folder = ["--sandbox", "--data-dir", sandbox_session.data_dir]
    assert command.main(["history", *folder, "--model", "nano-banana-2", "--text", "FOX"]) == 0
    said = capsys.readouterr().out
    assert "nothing is billed" in said
    assert sandbox_session.jobs[0].id in said
    assert command.main(["history", *folder, "--since", "2999-01-01"]) == 0
    assert "No jobs." in capsys.readouterr().out


def test_history_says_what_is_wrong_with_a_filter(tmp_path, capsys):
    assert command.main(["history", "--sandbox", "--data-dir", str(tmp_path), "--status", "lost"]) == 1
    assert "There is no state 'lost'" in capsys.readouterr().err
