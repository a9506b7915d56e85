// A rectangle on the picture, dragged by mouse or finger or moved by keys; and the part it holds.

const LEAST = 0.02;  // of the picture's sides
const STEP = 0.02;   // by which a key moves or grows the rectangle
const clamp = (value, least, most) => Math.min(most, Math.max(least, value));

export class Cropper {
  // area: the element over the picture, whose child shows the rectangle; done: called with
  // {left, top, width, height}, fractions of the picture.
  constructor(area, done) {
    this.area = area;
    this.frame = area.appendChild(document.createElement("div"));
    this.done = done;
    area.addEventListener("pointerdown", event => this.begin(event));
    area.addEventListener("pointermove", event => this.drag(event));
    for (const kind of ["pointerup", "pointercancel"]) {
      area.addEventListener(kind, event => this.end(event));
    }
    area.addEventListener("keydown", event => this.key(event));
  }

  open(on) {
    this.area.hidden = !on;
    this.from = null;
    this.show({ left: 0.1, top: 0.1, width: 0.8, height: 0.8 });
    if (on) this.area.focus();
  }

  show(box) {
    this.box = box;
    for (const side of Object.keys(box)) this.frame.style[side] = `${100 * box[side]}%`;
  }

  at(event) {
    const { left, top, width, height } = this.area.getBoundingClientRect();
    return [clamp((event.clientX - left) / width, 0, 1), clamp((event.clientY - top) / height, 0, 1)];
  }

  begin(event) {
    if (this.from) return;  // a second finger
    event.preventDefault();
    this.area.setPointerCapture(event.pointerId);
    this.from = this.at(event);
    this.pointer = event.pointerId;
  }

  drag(event) {
    if (!this.from || event.pointerId !== this.pointer) return;
    const [x, y] = this.at(event), [fromX, fromY] = this.from;
    this.show({
      left: Math.min(x, fromX), top: Math.min(y, fromY),
      width: Math.abs(x - fromX), height: Math.abs(y - fromY),
    });
  }

  end(event) {
    if (!this.from || event.pointerId !== this.pointer) return;
    this.from = null;
    if (event.type === "pointerup") this.take();
  }

  take() {
    if (Math.min(this.box.width, this.box.height) >= LEAST) this.done(this.box);
  }

  key(event) {
    const [x, y] = {
      ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0], ArrowUp: [0, -STEP], ArrowDown: [0, STEP],
    }[event.key] ?? [0, 0];
    if (event.key === "Enter") this.take();
    else if (event.key === "Escape") this.done(null);
    else if (!x && !y) return;
    event.preventDefault();
    event.stopPropagation();
    const { left, top, width, height } = this.box;
    if (event.shiftKey) {
      const wide = clamp(width + x, LEAST, 1 - left), high = clamp(height + y, LEAST, 1 - top);
      this.show({ left, top, width: wide, height: high });
    } else {
      const at = [clamp(left + x, 0, 1 - width), clamp(top + y, 0, 1 - height)];
      this.show({ left: at[0], top: at[1], width, height });
    }
  }
}

// A part of a picture as a PNG file, turned by quarters clockwise. Rejects where the browser cannot
// open the picture.
export async function cut(file, { left = 0, top = 0, width = 1, height = 1 } = {}, quarters = 0) {
  const picture = await createImageBitmap(file), canvas = document.createElement("canvas");
  const wide = Math.max(3, Math.round(width * picture.width));
  const high = Math.max(3, Math.round(height * picture.height));
  [canvas.width, canvas.height] = quarters % 2 ? [high, wide] : [wide, high];
  const pen = canvas.getContext("2d");
  pen.fillStyle = "#fff";
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.translate(canvas.width / 2, canvas.height / 2);
  pen.rotate(quarters * Math.PI / 2);
  const from = [Math.round(left * picture.width), Math.round(top * picture.height)];
  pen.drawImage(picture, ...from, wide, high, -wide / 2, -high / 2, wide, high);
  const blob = await new Promise(done => canvas.toBlob(done, "image/png"));
  return new File([blob], file.name, { type: "image/png" });
}
