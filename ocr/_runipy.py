"""Finishes the environment; run once in it after `pip install -r requirements.txt`: `python setup_venv.py`.

It writes one .pth file into site-packages, with two lines that Python reads at every start:
1. this folder's path, so that the root modules import in a notebook opened from any folder;
2. `import setup_venv`, so that the genuine runipy 0.1.5 (2015) finds what it needs on today's Jupyter:
   `IPython.kernel`, `IPython.nbformat`, `IPython.config`, `IPython.nbconvert` are answered here, when it asks,
   by jupyter_client, nbformat, traitlets and nbconvert; replies to other requests than the cell's own (late answers
   to kernel_info, which it takes for its cell's) are passed over; and what it saves is nbformat 4.
Nothing of runipy, Jupyter or IPython is changed on disk. Python's start pays for a few lines, no imports.
"""

import sys
from types import ModuleType


class _OldNames:
    """Finds (and loads) the modules that runipy imports by the names they had in 2015."""

    def find_spec(self, name, path=None, target=None):
        if name in (
            "IPython.kernel",
            "IPython.nbformat",
            "IPython.config",
            "IPython.nbconvert",
            "IPython.nbconvert.exporters",
            "IPython.nbconvert.exporters.html",
        ):
            from importlib.machinery import ModuleSpec

            return ModuleSpec(name, self, is_package=True)

    def create_module(self, spec):
        return ModuleType(spec.name)

    def exec_module(self, module):
        vars(module).update(
            {"kernel": _kernel, "nbformat": _nbformat, "config": _config, "html": _html}.get(
                module.__name__.rpartition(".")[2], dict
            )()
        )


def _kernel():
    from jupyter_client import BlockingKernelClient
    from jupyter_client import KernelManager as Manager

    class Client(BlockingKernelClient):
        def execute(self, *args, **kwargs):
            self.cell = super().execute(*args, **kwargs)
            return self.cell

        def _own(self, get, *args, **kwargs):
            while True:
                message = get(*args, **kwargs)
                if message["parent_header"].get("msg_id") == self.cell:
                    return message

        def get_shell_msg(self, *args, **kwargs):
            return self._own(super().get_shell_msg, *args, **kwargs)

        def get_iopub_msg(self, timeout=60):  # runipy waits for 1 s, too short on a busy machine
            return self._own(super().get_iopub_msg, timeout=max(timeout, 60))

    class KernelManager(Manager):
        def client(self, **kwargs):
            self.client_factory = Client
            return super().client(**kwargs)

    return {"KernelManager": KernelManager}


def _nbformat():
    import nbformat

    def write(notebook, file, version):
        notebook = nbformat.convert(notebook, 4)
        nbformat.write(nbformat.validator.normalize(notebook)[1], file)

    return {
        "NotebookNode": nbformat.NotebookNode,
        "NBFormatError": nbformat.reader.NotJSONError,
        "reads": lambda text, version: nbformat.reads(text, as_version=version),
        "write": write,
    }


def _config():
    from traitlets.config import Config

    return {"Config": Config}


def _html():
    import nbformat
    from nbconvert.exporters.html import HTMLExporter as Exporter

    class HTMLExporter(Exporter):
        def from_notebook_node(self, notebook, **kwargs):
            return super().from_notebook_node(nbformat.convert(notebook, 4), **kwargs)

    return {"HTMLExporter": HTMLExporter}


if __name__ == "__main__":
    import sysconfig
    from pathlib import Path

    if sys.prefix == sys.base_prefix:
        sys.exit(
            "setup_venv.py: run it with the python of a virtual environment (.venv/bin/python setup_venv.py)"
        )
    root = Path(__file__).resolve().parent
    (Path(sysconfig.get_path("purelib")) / "ocr_course.pth").write_text(
        f"{root}\nimport setup_venv\n"
    )
else:
    sys.meta_path.append(_OldNames())
