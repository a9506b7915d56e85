// The boxes on the page: draw, move, resize them with a pointer or with keys.

import { element } from "./api.js";

const LEAST = 0.004;  // of the page, a box's sides
const STEP = [0.001, 0.01];  // of the page: a key's move, and with Shift
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

const clamp = (value, low, high) => Math.min(Math.max(value, low), Math.max(low, high));
const rounded = box => box.map(share => Math.round(share * 1e5) / 1e5);

// on.chosen(field), on.drawn(box) -> field, on.changed()
export class Boxes {
  constructor(view, sheet, on) {
    Object.assign(this, { view, sheet, on, field: null, drag: null, drawing: false });
    this.button = document.getElementById("draw");
    sheet.addEventListener("pointerdown", event => this.begin(event));
    sheet.addEventListener("pointermove", event => this.move(event));
    for (const kind of ["pointerup", "pointercancel"]) {
      sheet.addEventListener(kind, event => this.end(event));
    }
    sheet.addEventListener("focusin", event => {
      if (event.target.field && event.target.field !== this.field) on.chosen(event.target.field);
    });
    sheet.addEventListener("keydown", event => this.key(event));
  }

  // Show fields; the boxes of those that are shown already stay, and so does the focus.
  show(fields) {
    const there = new Map([...this.sheet.querySelectorAll(".box")].map(box => [box.field, box]));
    for (const [field, box] of there) {
      if (!fields.includes(field)) box.remove();
    }
    for (const field of fields) {
      const box = there.get(field) ?? element("button", { type: "button" });
      box.field = field;
      fill(box);
      this.place(box);
      if (!there.has(field)) this.sheet.append(box);
    }
  }

  place(box) {
    const names = ["left", "top", "width", "height"];
    names.forEach((name, side) => { box.style[name] = `${100 * box.field.box[side]}%`; });
  }

  find(field) {
    return [...this.sheet.querySelectorAll(".box")].find(box => box.field === field);
  }

  mark(field) {
    this.field = field;
    for (const box of this.sheet.querySelectorAll(".box")) {
      box.classList.toggle("chosen", box.field === field);
    }
  }

  reveal() {
    const box = this.find(this.field);
    box?.focus({ preventScroll: true });
    box?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  // Turn drawing on, which a finger needs: it would scroll the page.
  draw(on) {
    this.drawing = on;
    this.button.setAttribute("aria-pressed", String(on));
    this.sheet.classList.toggle("drawing", on);
  }

  // --- pointer

  at(event) {
    const { left, top, width, height } = this.sheet.getBoundingClientRect();
    return [clamp((event.clientX - left) / width, 0, 1), clamp((event.clientY - top) / height, 0, 1)];
  }

  begin(event) {
    if (this.drag || event.button) return;
    const box = this.drawing ? null : event.target.closest(".box");
    // a finger scrolls the page, except to draw, and on the box that is chosen
    if (event.pointerType === "touch" && !this.drawing && box?.field !== this.field) return;
    if (event.pointerType === "touch" && !this.drawing && !box) return;
    event.preventDefault();
    this.sheet.setPointerCapture(event.pointerId);
    const from = this.at(event), corner = event.target.classList.contains("handle")
      ? event.target.classList[1] : "";
    this.drag = { pointer: event.pointerId, from, box, corner, moved: false };
    if (box) {
      this.drag.start = [...box.field.box];
      box.focus({ preventScroll: true });
      if (box.field !== this.field) this.on.chosen(box.field);
    } else {
      this.drag.frame = element("div", { className: "box new" });
      this.sheet.append(this.drag.frame);
    }
  }

  move(event) {
    const drag = this.drag;
    if (drag?.pointer !== event.pointerId) return;
    const to = this.at(event), by = [to[0] - drag.from[0], to[1] - drag.from[1]];
    drag.moved ||= Math.hypot(...by) > 0.003;
    if (!drag.moved) return;
    if (drag.box) {
      drag.box.field.box = drag.corner ? resized(drag.start, by, drag.corner) : moved(drag.start, by);
      this.place(drag.box);
    } else {
      drag.frame.field = { box: between(drag.from, to) };
      this.place(drag.frame);
    }
  }

  end(event) {
    const drag = this.drag;
    if (drag?.pointer !== event.pointerId) return;
    this.drag = null;
    drag.frame?.remove();
    if (event.type === "pointercancel") {
      if (drag.box) Object.assign(drag.box.field, { box: drag.start });
      return drag.box && this.place(drag.box);
    }
    if (drag.box && drag.moved) return this.on.changed();
    const box = drag.frame?.field?.box;
    if (!box || box[2] < LEAST || box[3] < LEAST) return this.draw(false);
    this.draw(false);
    this.on.drawn(rounded(box));
    return document.getElementById("name").select();
  }

  // --- keys

  key(event) {
    const arrow = ARROWS[event.key], box = event.target.closest(".box");
    if (!arrow || !box || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    const by = arrow.map(way => way * STEP[Number(event.shiftKey)]);
    box.field.box = event.altKey ? resized(box.field.box, by, "se") : moved(box.field.box, by);
    this.place(box);
    box.scrollIntoView({ block: "nearest", inline: "nearest" });
    this.on.changed();
  }
}

function fill(box) {
  const { field } = box, cells = field.boxes ?? 1;
  box.className = field.reader === "check" ? "box tick" : "box";
  const comb = cells > 1 ? `, comb of ${cells} cells` : "";
  box.setAttribute("aria-label", `${field.name || "no name"}, ${field.reader}${comb}`);
  box.replaceChildren(element("span", { className: "tag" }, field.name));
  for (let cell = 1; cell < cells; cell++) {
    const line = element("span", { className: "cell" });
    line.style.left = `${100 * cell / cells}%`;
    box.append(line);
  }
  for (const corner of ["nw", "ne", "sw", "se"]) {
    box.append(element("span", { className: `handle ${corner}` }));
  }
}

function moved([left, top, width, height], [x, y]) {
  return rounded([clamp(left + x, 0, 1 - width), clamp(top + y, 0, 1 - height), width, height]);
}

function resized([left, top, width, height], [x, y], corner) {
  let right = left + width, bottom = top + height;
  if (corner.endsWith("w")) left = clamp(left + x, 0, right - LEAST);
  else right = clamp(right + x, left + LEAST, 1);
  if (corner.startsWith("n")) top = clamp(top + y, 0, bottom - LEAST);
  else bottom = clamp(bottom + y, top + LEAST, 1);
  return rounded([left, top, right - left, bottom - top]);
}

function between(one, other) {
  const [left, top] = [0, 1].map(side => Math.min(one[side], other[side]));
  return [left, top, Math.abs(one[0] - other[0]), Math.abs(one[1] - other[1])];
}
