"""Run a notebook here, saying what it says, and keep it with its pictures: `make ocr`.

python notebooks/run.py ocr.ipynb leaves figures/ocr.ipynb, as executed, and figures/ocr.html, a
page to look at; then it says where these and the reader are, and how to open them.
"""

import re
import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbconvert import HTMLExporter

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "figures"
LINK = re.compile(r"\]\((?!https?:|#|/)")  # to a file of the project, from its root


def said(cell: nbformat.NotebookNode) -> str:
    """Return the text of a cell's outputs; a picture is named by its description."""
    parts = []
    for output in cell.get("outputs", []):
        about = output.get("metadata", {}).get("image/png", {})
        if output.output_type == "stream":
            parts.append(output.text)
        elif about:
            parts.append(f"[picture: {about.get('alt', 'see the page')}]\n")
        elif "text/plain" in output.get("data", {}):
            parts.append(output.data["text/plain"] + "\n")
    return "".join(parts)


def show_headings(cell: nbformat.NotebookNode, **_) -> None:
    """Print the headings of a text cell."""
    if cell.cell_type == "markdown":
        for heading in re.findall(r"^#+ .+", cell.source, re.MULTILINE):
            print(f"\n{heading}", flush=True)


def show_outputs(cell: nbformat.NotebookNode, **_) -> None:
    """Print what a code cell has said."""
    print(said(cell), end="", flush=True)


def run(path: Path, folder: Path = FOLDER) -> bool:
    """Execute a notebook; leave it and its page in `folder`. Returns whether all cells ran."""
    notebook = nbformat.read(path, as_version=4)
    resources = {"metadata": {"path": str(path.parent)}}
    options = {"timeout": None, "resources": resources, "extra_arguments": ["--log-level=ERROR"]}
    hooks = {"on_cell_start": show_headings, "on_cell_executed": show_outputs}
    client = NotebookClient(notebook, **options, **hooks)
    failed = None
    try:
        client.execute()
    except CellExecutionError as error:
        failed = error
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = LINK.sub("](../", cell.source)
    folder.mkdir(exist_ok=True)
    nbformat.write(notebook, folder / path.name)
    page, _ = HTMLExporter(exclude_input_prompt=True).from_notebook_node(notebook)
    (folder / path.name).with_suffix(".html").write_text(page, encoding="utf-8")
    if failed:
        print(failed, file=sys.stderr)
    return not failed


def farewell(name: str, readers: list[Path]) -> str:
    """Say where things are and how to open them. readers: folders that the run has written."""
    binaries = Path(sys.executable).parent
    if binaries.is_relative_to(ROOT):
        binaries = binaries.relative_to(ROOT)
    lines = [
        ("the course as it ran, with its pictures", f"figures/{name}.html", "open it in a browser"),
        ("the same as a notebook", f"figures/{name}.ipynb", f"{binaries / 'jupyter'} lab"),
    ]
    for folder in readers:
        model = folder.relative_to(ROOT / "models").as_posix()
        read = f"{binaries / 'ocr'} read --model {model} PATH..."
        lines.append(("the reader that it trained", f"models/{model}/", read))
    wide = [max(len(line[column]) for line in lines) for column in (0, 1)]
    return "\n".join(f"{a:{wide[0]}}  {b:{wide[1]}}  {c}" for a, b, c in lines)


def main(path: Path) -> int:
    """Run the notebook and say what it left; return the exit status."""
    for stream in (sys.stdout, sys.stderr):  # a Windows console may lack signs that lessons print
        stream.reconfigure(errors="replace")
    begun = time.time()
    done = run(path.resolve())
    found = sorted((ROOT / "models").glob("**/reader.json"))
    readers = [file.parent for file in found if file.stat().st_mtime >= begun]
    print(f"\n{farewell(path.stem, readers)}")
    return 0 if done else 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
