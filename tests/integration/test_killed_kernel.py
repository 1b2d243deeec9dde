"""A kernel is killed with jobs on their way; the next one says what was in flight, and the pictures come."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager, start_new_kernel

from tests.integration.conftest import Serve

KEY = "sk-" + "kernel"
CONNECT = """
import tokenlab_nb as tl
session = tl.connect(api_key={key!r}, base_url={url!r}, data_dir={folder!r})
"""
SUBMIT = """
tasks = [session.submit(model="gpt-image-2", prompt=f"fox {n}", async_=True) for n in range(3)]
while not all(job.snapshot.task_id for job in tasks):
    pass
lost = session.submit(model="nano-banana-2", prompt="the answer never comes")
while lost.status != "sending":
    pass
print("in flight")
"""
RECOVERED = """
print(len(session.jobs), sum(job.status == "unknown" for job in session.jobs))
tasks = [job for job in session.jobs if job.status != "unknown"]
pictures = [picture for job in tasks for picture in job.wait(60)]
print(len(pictures), {picture.pil.size for picture in pictures})
print(session.history(status="unknown")[0].look_again())
print(len(session.recover()), session.spending)
"""

Kernel = tuple[KernelManager, BlockingKernelClient]


@pytest.fixture
def kernel() -> Iterator[Callable[[], Kernel]]:
    started: list[Kernel] = []

    def start() -> Kernel:
        started.append(start_new_kernel(kernel_name="python3"))
        return started[-1]

    yield start
    for manager, client in started:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def run(client: BlockingKernelClient, code: str) -> str:
    said: list[str] = []

    def hear(message: dict[str, dict[str, str]]) -> None:
        content = message["content"]
        said.append(content.get("text", "") + "\n".join(content.get("traceback", ())))

    client.execute_interactive(code, timeout=90, output_hook=hear)
    return "".join(said)


def test_the_next_kernel_says_what_was_in_flight_and_brings_it_home(
    kernel: Callable[[], Kernel], serve: Serve, tmp_path: Path
) -> None:
    slow = {"do": "delay", "seconds": 600, "path": "/v1/images/generations", "model": "nano-banana-2"}
    url = serve(slow, scale=0.3)
    connect = CONNECT.format(key=KEY, url=url, folder=str(tmp_path / "data"))
    manager, client = kernel()
    assert "every picture is paid for" in run(client, connect)
    assert run(client, SUBMIT).strip() == "in flight"
    manager.provisioner.process.kill()  # SIGKILL: no last words
    manager.provisioner.process.wait()

    _, client = kernel()
    said = run(client, connect)
    assert "From an earlier kernel: 3 jobs on the way, picked up; 1 job with unknown outcome" in said
    first, second, third, fourth = run(client, RECOVERED).strip().splitlines()
    assert first == "4 1"
    assert second == "3 {(1024, 1024)}"
    assert "usage list for a request to nano-banana-2, sent 20" in third
    assert fourth == "1 nothing spent"
