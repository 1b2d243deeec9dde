"""A stand-in job, a bridge that runs at once, and a comm that notes what is sent to the page."""

import hashlib
import io
import itertools
from concurrent.futures import Future
from dataclasses import dataclass, field, replace

import comm
import pytest
from comm.base_comm import BaseComm
from PIL import Image

import tokenlab_nb as tl
from tokenlab_nb.contract.pricing import Estimate
from tokenlab_nb.contract.references import Source
from tokenlab_nb.contract.request import ImageRequest
from tokenlab_nb.images import ImageResult
from tokenlab_nb.jobs.job import JobSnapshot, JobStatus, StoredImage
from tokenlab_nb.widgets import _twin
from tokenlab_nb.widgets.gallery import Gallery

NUMBERS = itertools.count(1)


class FakeJob:
    """The interface of `Job`, moved by hand."""

    model_at_hand = None
    line = "a picture of yours -> some-model edit"

    def __init__(self, model="some-model", prompt="A red fox", *, references=(), mask=None, **values):
        self.id = f"job-{next(NUMBERS)}"
        request = ImageRequest(model, "text-to-image", "/v1/images/generations", {"prompt": prompt, **values})
        self.blobs, self.callbacks, self.calls = {}, [], []
        request = replace(
            request,
            references=tuple(self.put(data) for data in references),
            mask=self.put(mask) if mask else None,
        )
        self.snapshot = JobSnapshot(self.id, request, "http://service").move(JobStatus.DRAFT, 100.0)
        self.refusal, self.unread, self.todays_price = None, None, None
        self.answers = []
        self.ways = []

    def put(self, data):
        sha256 = hashlib.sha256(data).hexdigest()
        self.blobs[sha256] = data
        return Source(sha256=sha256, media_type="image/png", size=len(data), width=64, height=48)

    def go(self, status, at=101.0, **changes):
        self.snapshot = self.snapshot.move(status, at, **changes)
        for callback in list(self.callbacks):
            callback(self.snapshot)
        return self

    def finish(self, *pictures, at=105.0):
        stored = []
        for index, (width, height, data) in enumerate(pictures):
            sha256 = hashlib.sha256(data).hexdigest()
            self.blobs[sha256] = data
            stored.append(StoredImage(sha256, "image/png", width, height, len(data), index))
        if self.snapshot.status is JobStatus.DRAFT:
            self.go(JobStatus.SENDING)
        return self.go(JobStatus.COMPLETED, at, images=tuple(stored), request_id=f"req-{self.id}")

    @property
    def images(self):
        return [
            ImageResult(
                sha256=image.sha256,
                media_type=image.media_type,
                width=image.width,
                height=image.height,
                size=image.size,
                load=lambda sha256=image.sha256: self.blobs[sha256],
                name=f"{image.sha256[:6]}.png",
            )
            for image in self.snapshot.images
        ]

    @property
    def references(self):
        return [self.put_in(source) for source in self.snapshot.request.references if source.sha256]

    @property
    def mask(self):
        mask = self.snapshot.request.mask
        return self.put_in(mask) if mask else None

    @property
    def lineage(self):
        self._act("lineage")
        return self.line

    def coded(self):
        return (self.snapshot.request,), self.snapshot.origin

    def put_in(self, source):
        return ImageResult(
            sha256=source.sha256,
            media_type="image/png",
            width=64,
            height=48,
            size=1,
            load=lambda: self.blobs[source.sha256],
            name=f"in-{source.sha256[:6]}.png",
        )

    def subscribe(self, callback):
        self.callbacks.append(callback)
        callback(self.snapshot)
        return lambda: self.callbacks.remove(callback)

    def stop_waiting(self):
        self._act("stop")

    def resume(self):
        self._act("resume")

    def fetch_again(self):
        self._act("fetch")

    def look_again(self):
        self._act("look")
        return "Look in the dashboard."

    def forget(self):
        self._act("forget")
        self.snapshot = self.snapshot.set_aside(110.0)
        self.tell()

    def fetch_model(self):
        """At hand at once, unless `unread` is set: then `answers` holds what a test lets come."""
        answer = Future()
        self.answers.append(answer)
        if self.unread is None:
            answer.set_result(None)
        return answer

    def price(self):
        return self.todays_price or self.snapshot.estimate or Estimate()

    def run(self, *, budget=None):
        self._act("run")
        self.snapshot = replace(self.snapshot, waiting_stopped=False)
        self.tell()

    def run_again(self, *, budget=None):
        self._act("again")
        new = FakeJob()
        new.snapshot = replace(new.snapshot, request=self.snapshot.request, repeats=self.id)
        self.repeat = new
        return new

    def fetch_repairs(self):
        """At hand at once, as `fetch_model`."""
        self.calls.append("ways")
        answer = self.fetch_model()
        if self.unread is None:
            answer = Future()
            answer.set_result(tuple(self.ways))
        return answer

    def repair(self, repair, *, budget=None):
        self._act(f"repair {repair.label}")
        self.repeat = FakeJob()
        return self.repeat

    def support_packet(self):
        return {"job_id": self.id}

    def tell(self):
        for callback in list(self.callbacks):
            callback(self.snapshot)

    def _act(self, name):
        self.calls.append(name)
        if self.refusal:
            raise self.refusal


def make_picture(width=64, height=48, colour="red"):
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(buffer, "PNG")
    return width, height, buffer.getvalue()


class InstantBridge:
    """Does at once what is asked for; timers are noted and run by hand."""

    def __init__(self):
        self.timers = {}

    def soon(self, owner, name, action, *, gap=0.0, work=False):
        action()

    def later(self, owner, name, action, delay):
        self.timers[name] = (delay, action)

    def forget(self, owner):
        self.timers.clear()

    def run_timers(self):
        due, self.timers = self.timers, {}
        for _delay, action in due.values():
            action()
        return [delay for delay, _action in due.values()]


@dataclass
class Page:
    """What the kernel sent, by widget model id."""

    sent: list = field(default_factory=list)

    def messages(self, kind):
        """Custom messages of one type, with their buffers."""
        custom = [(data["content"], buffers) for data, buffers in self.sent if data.get("method") == "custom"]
        return [(content, buffers) for content, buffers in custom if content["type"] == kind]

    def answer_to(self, question):
        return next((content, buffers) for content, buffers in self.messages("answer") if content["id"] == question)


@pytest.fixture
def page(monkeypatch):
    page = Page()

    class NotingComm(BaseComm):
        def publish_msg(self, msg_type, data=None, metadata=None, buffers=None, **keys):
            page.sent.append((data or {}, buffers or []))

    monkeypatch.setattr(comm, "create_comm", NotingComm)
    return page


@pytest.fixture
def instant():
    return InstantBridge()


@pytest.fixture
def make_job():
    return FakeJob


@pytest.fixture
def picture():
    return make_picture


@pytest.fixture
def ask():
    """Hand a widget a message as the front end would."""

    def hand(widget, message, buffers=()):
        widget._handle_custom_msg(message, list(buffers))

    return hand


@pytest.fixture
def operation(sandbox_session):
    return sandbox_session.model("gpt-image-2").contract.operations["image-edit"]


@pytest.fixture
def picker(page, instant, sandbox_session):
    made = tl.ReferencePicker(sandbox_session, through=instant)
    yield made
    made.close()


@pytest.fixture
def heard(picker):
    calls = []
    picker.on_change(lambda each: calls.append((len(each.value), each.is_busy)))
    return calls


@pytest.fixture
def notebook(monkeypatch):
    """A kernel's page: what is displayed, and updated by id."""
    displayed = []

    class Shell:
        kernel = object()

    monkeypatch.setattr(_twin, "get_ipython", Shell)
    monkeypatch.setattr(
        _twin, "publish_display_data", lambda data, **options: displayed.append({"data": data, **options})
    )
    return displayed


@pytest.fixture
def gallery(page, instant):
    gallery = Gallery(title="Foxes", through=instant)
    yield gallery
    gallery.close()
