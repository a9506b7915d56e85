"""Let the genuine runipy 0.1.5 (2015) build and run on today's Python and Jupyter.

An editable install copies this module and `ocr_runipy.pth` into site-packages; the .pth file
imports it at every start of Python. It then adds one import finder, which does three things:

1. `IPython.kernel`, `IPython.nbformat`, `IPython.config` and `IPython.nbconvert`, which IPython has
   dropped, resolve to stand-ins on jupyter_client, nbformat, traitlets and nbconvert;
2. replies to other requests than the current cell's (late answers to kernel_info, which runipy
   takes for the cell's own) are skipped, and notebooks are saved as nbformat 4;
3. the `versioneer` of runipy's setup.py gets the configparser names that Python 3.12 has removed.

No file of runipy, Jupyter or IPython is changed. Starting Python costs no import beyond this one.
"""

import sys
from types import ModuleType

IPYTHON = (
    "IPython.kernel",
    "IPython.nbformat",
    "IPython.config",
    "IPython.nbconvert",
    "IPython.nbconvert.exporters",
    "IPython.nbconvert.exporters.html",
)


class OldNames:
    """Find and load the modules that runipy imports by their names of 2015."""

    def find_spec(self, name, path=None, target=None):
        if name == "versioneer":
            _restore_configparser()
        if name not in IPYTHON:
            return None
        from importlib.machinery import ModuleSpec  # here: keeps the start of Python fast

        return ModuleSpec(name, self, is_package=True)

    def create_module(self, spec):
        return ModuleType(spec.name)

    def exec_module(self, module):
        contents = {"kernel": _kernel, "nbformat": _nbformat, "config": _config, "html": _html}
        vars(module).update(contents.get(module.__name__.rpartition(".")[2], dict)())


def _restore_configparser():
    """Add the configparser names removed in Python 3.12 that the versioneer of 2015 uses."""
    import configparser

    if not hasattr(configparser, "SafeConfigParser"):
        configparser.ConfigParser.readfp = configparser.ConfigParser.read_file
        configparser.SafeConfigParser = configparser.ConfigParser


def _kernel():
    from jupyter_client import BlockingKernelClient
    from jupyter_client import KernelManager as Manager

    class Client(BlockingKernelClient):
        def execute(self, *args, **kwargs):
            self.cell = super().execute(*args, **kwargs)
            return self.cell

        def _own(self, get, *args, **kwargs):
            """Return the next message that replies to the current cell."""
            while True:
                message = get(*args, **kwargs)
                if message["parent_header"].get("msg_id") == self.cell:
                    return message

        def get_shell_msg(self, *args, **kwargs):
            return self._own(super().get_shell_msg, *args, **kwargs)

        def get_iopub_msg(
            self, timeout=60
        ):  # runipy's timeout of 1 s is too short on a busy machine
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


sys.meta_path.insert(0, OldNames())
