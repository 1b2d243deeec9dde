"""tokenlab_nb: try TokenLab's image models in a notebook, side by side, and keep everything you paid for.

```python
import tokenlab_nb as tl

tl.Studio()                                   # the whole tool in one cell
session = tl.connect()                        # with a key: the service; without: the sandbox on this machine
images = session.generate(model="gpt-image-2", prompt="A red fox in deep snow")
```
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tokenlab_nb import errors
    from tokenlab_nb.contract.model import Model
    from tokenlab_nb.export.share import Share
    from tokenlab_nb.images import ImageResult
    from tokenlab_nb.jobs.handle import Job
    from tokenlab_nb.jobs.job import JobStatus
    from tokenlab_nb.opening import connect, enable_nested_asyncio, login
    from tokenlab_nb.session import Session
    from tokenlab_nb.sweep.run import GridRun
    from tokenlab_nb.sweep.sweep import Sweep
    from tokenlab_nb.widgets.compare import CompareGrid
    from tokenlab_nb.widgets.contact import contact_sheet
    from tokenlab_nb.widgets.controls import ParameterControls
    from tokenlab_nb.widgets.gallery import Gallery
    from tokenlab_nb.widgets.job_view import JobView
    from tokenlab_nb.widgets.mask import MaskEditor
    from tokenlab_nb.widgets.picker import ModelPicker
    from tokenlab_nb.widgets.references import ReferencePicker
    from tokenlab_nb.widgets.studio import Studio

    __version__: str

__all__ = [
    "CompareGrid",
    "Gallery",
    "GridRun",
    "ImageResult",
    "Job",
    "JobStatus",
    "JobView",
    "MaskEditor",
    "Model",
    "ModelPicker",
    "ParameterControls",
    "ReferencePicker",
    "Session",
    "Share",
    "Studio",
    "Sweep",
    "__version__",
    "connect",
    "contact_sheet",
    "enable_nested_asyncio",
    "errors",
    "login",
]

_HOMES = {
    "CompareGrid": "widgets.compare",
    "Gallery": "widgets.gallery",
    "GridRun": "sweep.run",
    "ImageResult": "images",
    "Job": "jobs.handle",
    "JobStatus": "jobs.job",
    "JobView": "widgets.job_view",
    "MaskEditor": "widgets.mask",
    "Model": "contract.model",
    "ModelPicker": "widgets.picker",
    "ParameterControls": "widgets.controls",
    "ReferencePicker": "widgets.references",
    "Session": "session",
    "Share": "export.share",
    "Studio": "widgets.studio",
    "Sweep": "sweep.sweep",
    "connect": "opening",
    "contact_sheet": "widgets.contact",
    "enable_nested_asyncio": "opening",
    "login": "opening",
}
"""Where each name lives. Nothing is imported before it is used, so `import tokenlab_nb` costs next to nothing."""


_HOOKS = {"load_ipython_extension": "widgets.magic", "unload_ipython_extension": "widgets.magic"}
"""What ``%load_ext tokenlab_nb`` asks for: no names for users."""


def __getattr__(name: str) -> object:
    value: object
    if name == "__version__":
        value = import_module("importlib.metadata").version("tokenlab-nb")
    elif name == "errors":
        value = import_module("tokenlab_nb.errors")
    elif home := _HOMES.get(name) or _HOOKS.get(name):
        value = getattr(import_module(f"tokenlab_nb.{home}"), name)
    else:
        raise AttributeError(f"module 'tokenlab_nb' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
