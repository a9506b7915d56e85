// Draw a character or a number with mouse, pen or finger.

import { $ } from "./common.js";

// Call `take` with what was drawn, as a file.
export function startDrawing(take) {
  const canvas = $("canvas"), pen = canvas.getContext("2d");
  let pointer = null;  // the one that draws; further fingers are ignored

  function clear() {
    pen.fillStyle = "#fff";
    pen.fillRect(0, 0, canvas.width, canvas.height);
    Object.assign(pen, { strokeStyle: "#000", lineWidth: 12, lineCap: "round", lineJoin: "round" });
  }

  function drawTo(event) {
    const box = canvas.getBoundingClientRect();
    const x = (event.clientX - box.left) * canvas.width / box.width;
    const y = (event.clientY - box.top) * canvas.height / box.height;
    pen.lineTo(x, y);
    pen.stroke();
  }

  canvas.addEventListener("pointerdown", event => {
    if (pointer !== null) return;
    pointer = event.pointerId;
    canvas.setPointerCapture(pointer);
    pen.beginPath();
    drawTo(event);
    drawTo(event);  // a line of no length is a dot
  });
  canvas.addEventListener("pointermove", event => {
    if (event.pointerId === pointer) drawTo(event);
  });
  for (const kind of ["pointerup", "pointercancel"]) {
    canvas.addEventListener(kind, event => {
      if (event.pointerId === pointer) pointer = null;
    });
  }
  clear();
  $("clear-drawing").addEventListener("click", clear);
  $("read-drawing").addEventListener("click", () => {
    canvas.toBlob(blob => take(new File([blob], "drawing.png", { type: "image/png" })));
  });
}
