"""Recognise text with RapidOCR, over JSON lines: python benchmarks/real_peers.py tiny|small

Runs in an environment of its own, in which nothing of the project is installed: `pip install
rapidocr==3.10.0 onnxruntime`. First line out: {"name": ...}, or {"error": ...} where the weights
are not there (none are downloaded). Then a line {"image": base64 of a PNG or JPEG} in gives a line
{"text", "confidence", "ms"} out: CPU time of this process, on one core.
"""

import base64
import json
import os
import sys
import time
from importlib.metadata import version
from pathlib import Path


def recogniser(weights: str):
    """Load RapidOCR's recognition with PP-OCRv6 weights "tiny" or "small", on one thread.

    Raises FileNotFoundError where the weights are not in RapidOCR's folder: the wheel of 3.10.0
    has "small" alone, RapidOCR downloads "tiny" where it is used with a network.
    """
    import rapidocr  # not installed with the project
    from rapidocr.utils.typings import ModelType, OCRVersion

    file = Path(rapidocr.__file__).parent / "models" / f"PP-OCRv6_rec_{weights}.onnx"
    if not file.is_file():
        raise FileNotFoundError(f"{file.name} is not in RapidOCR's folder of models")
    return rapidocr.RapidOCR(
        params={
            "Global.log_level": "critical",
            "Rec.ocr_version": OCRVersion.PPOCRV6,
            "Rec.model_type": ModelType(weights),
            "EngineConfig.onnxruntime.intra_op_num_threads": 1,
            "EngineConfig.onnxruntime.inter_op_num_threads": 1,
        }
    )


def serve(weights: str):
    """Answer the images of standard input until it ends."""
    out, sys.stdout = sys.stdout, sys.stderr  # what libraries print is no answer
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})

    def answer(**facts):
        print(json.dumps(facts), file=out, flush=True)

    try:
        engine = recogniser(weights)
    except (ImportError, FileNotFoundError) as error:
        return answer(error=str(error))
    answer(name=f"RapidOCR {version('rapidocr')}, PP-OCRv6 {weights}")
    for line in sys.stdin:
        image = base64.b64decode(json.loads(line)["image"])
        start = time.process_time()
        found = engine(image, use_det=False, use_cls=False, use_rec=True)
        ms = (time.process_time() - start) * 1000
        scores = [float(score) for score in found.scores or ()] if found.txts else []
        answer(text="".join(found.txts or ()), confidence=min(scores, default=0.0), ms=ms)


if __name__ == "__main__":
    serve(sys.argv[1])
