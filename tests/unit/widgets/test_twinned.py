"""The frozen twin beside a gallery: when it is renewed, and what it adds to a saved notebook."""

import base64
import io
import random

import nbformat
import pytest
from nbconvert import HTMLExporter, LatexExporter
from PIL import Image

from tokenlab_nb import errors
from tokenlab_nb.images import ImageResult
from tokenlab_nb.jobs.job import JobStatus

S = JobStatus


@pytest.fixture
def noise():
    """Makes a picture that does not compress."""

    def make(seed):
        file = io.BytesIO()
        Image.frombytes("RGB", (300, 300), random.Random(seed).randbytes(300 * 300 * 3)).save(file, "PNG")
        return 300, 300, file.getvalue()

    return make


def show_twin_alone(gallery):
    gallery.twin.show(gallery.frozen())


def file_size(data, metadata=()):
    """Bytes of the notebook file that one output takes."""

    def size(*outputs):
        cell = nbformat.v4.new_code_cell(outputs=list(outputs))
        return len(nbformat.writes(nbformat.v4.new_notebook(cells=[cell])).encode())

    return size(nbformat.v4.new_output("display_data", data, metadata=dict(metadata))) - size()


def test_shown_it_puts_its_twin_beside_itself_as_an_output_of_its_own(gallery, make_job, picture, notebook):
    job = make_job()
    gallery.add(job)
    job.finish(picture())
    gallery._ipython_display_()
    live, twin = notebook
    assert set(live["data"]) == {"application/vnd.jupyter.widget-view+json", "text/plain"}
    assert live["data"]["text/plain"] == "Gallery(1 job)"
    assert set(twin["data"]) == {"text/html", "image/jpeg", "text/plain"}
    assert Image.open(io.BytesIO(base64.b64decode(twin["data"]["image/jpeg"]))).format == "JPEG"
    assert twin["transient"] == {"display_id": f"tlnb-twin-{gallery.uid}"}
    assert f"tlnb-twin-{gallery.uid}" in twin["data"]["text/html"]
    assert "data:image/jpeg;base64," in twin["data"]["text/html"]


def test_the_twin_is_renewed_where_its_content_changes(gallery, make_job, picture, notebook):
    job = make_job()
    gallery.add(job)
    gallery._ipython_display_()
    job.go(S.SENDING).go(S.PROCESSING, progress=10)
    known = len(notebook)
    job.go(S.PROCESSING, progress=20)
    assert len(notebook) == known
    job.finish(picture())
    assert notebook[-1]["update"]
    assert notebook[-1]["data"]["text/plain"] == "Foxes: 1 of 1 done\n1. some-model 64x48: done"
    assert f'data-revision="{gallery.twin_revision}"' in notebook[-1]["data"]["text/html"]


def test_each_version_has_a_higher_number_and_carries_metadata(gallery, make_job, picture, notebook, monkeypatch):
    pinned = {"tokenlab_nb": {"version": "1"}}
    monkeypatch.setattr(gallery, "_twin_metadata", lambda: pinned)
    gallery.add(make_job())
    gallery._ipython_display_()
    before = gallery.twin_revision
    gallery.add(make_job().finish(picture()))
    assert gallery.twin_revision > before
    assert [output["metadata"] for output in notebook[1:]] == [pinned] * (len(notebook) - 1)


def test_a_twin_that_was_not_shown_is_not_updated(gallery, make_job, picture, notebook):
    gallery.add(make_job().finish(picture()))
    assert notebook == []
    assert gallery.twin_revision == 0


def test_closed_it_shows_the_twin_alone(gallery, make_job, picture, notebook):
    gallery.add(make_job().finish(picture()))
    gallery.close()
    gallery._ipython_display_()
    assert [set(output["data"]) for output in notebook] == [{"text/html", "image/jpeg", "text/plain"}]


def test_a_crowd_of_pictures_has_smaller_ones_in_its_twin(gallery, make_job, picture):
    def edges():
        return {Image.open(io.BytesIO(jpeg)).size for _, jpeg in gallery._small.values()}

    gallery.add(make_job(n=10).finish(*(picture(400, 400, f"rgb({shade},0,0)") for shade in range(0, 100, 10))))
    assert gallery.frozen().html.count("data:image/jpeg") == 10
    assert edges() == {(256, 256)}
    gallery.add(make_job(n=10).finish(*(picture(400, 400, f"rgb(0,{shade},0)") for shade in range(0, 200, 5))))
    assert gallery.frozen().html.count("data:image/jpeg") == 50
    assert edges() == {(192, 192)}


def test_whatever_is_done_a_picture_adds_no_more_to_a_saved_notebook_than_it_may(gallery, make_job, noise, notebook):
    """Run, run again, and one that failed: by the bytes of the file."""

    def saved():
        bundles = [output for output in notebook if output["transient"]["display_id"] == gallery.twin.display_id]
        return file_size(bundles[-1]["data"], bundles[-1]["metadata"])

    long = "".join(chr(0x4E00 + n) for n in range(4000))
    jobs = [make_job(prompt=f"{n} {long} \"'<&", seed=n) for n in range(3)]
    gallery.add(jobs[0])
    gallery.add(jobs[1])
    show_twin_alone(gallery)
    before = saved()
    jobs[0].finish(noise(0), noise(1))
    assert before + 1000 < saved() < before + 2 * ImageResult.twin_budget
    before = saved()
    jobs[1].go(S.SENDING).go(S.FAILED, error=errors.ServiceError("q" * 5000))
    gallery.add(jobs[2].finish(noise(2)))
    assert before < saved() < before + 2 * ImageResult.twin_budget
    assert notebook[-1]["data"]["text/html"].count("data:image/jpeg") == 3


def test_the_budget_is_a_setting_and_what_it_leaves_out_is_told(gallery, make_job, noise, monkeypatch):
    gallery.add(make_job().finish(*map(noise, range(6))))
    assert len(gallery.frozen().html) > 60_000
    monkeypatch.setattr(ImageResult, "twin_budget", 6_000)
    assert len(gallery.frozen().html) < 6 * 6_000
    assert gallery.frozen().html.count("data:image/jpeg") == 6
    monkeypatch.setattr(ImageResult, "twin_total", 10_000)
    frozen = gallery.frozen()
    assert file_size({"text/html": frozen.html, "text/plain": frozen.text}) + len(frozen.jpeg) * 4 // 3 < 10_000
    assert "not in this saved copy, which is kept to 10,000 bytes (ImageResult.twin_total)" in frozen.html
    monkeypatch.setattr(ImageResult, "twin_budget", 100)
    with pytest.raises(errors.ValidationError, match="5,000 bytes for each picture at least; 100 was set"):
        gallery.frozen()


def saved_as(notebook):
    """The notebook that was saved with what was displayed last."""
    last = notebook[-1]
    output = nbformat.v4.new_output("display_data", last["data"], metadata=last["metadata"])
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("gallery", outputs=[output])])


def test_latex_takes_the_picture_and_html_takes_the_table(gallery, make_job, noise, notebook):
    gallery.add(make_job().finish(noise(0), noise(1)))
    show_twin_alone(gallery)
    tex, found = LatexExporter().from_notebook_node(saved_as(notebook))
    ((name, jpeg),) = found["outputs"].items()
    assert name in tex
    assert Image.open(io.BytesIO(jpeg)).width > 2 * 128
    html, _ = HTMLExporter().from_notebook_node(saved_as(notebook))
    assert html.count("data:image/jpeg;base64,") == 2
    assert "<b>2. some-model</b>" in html
