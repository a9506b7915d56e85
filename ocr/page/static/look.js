// A second look at a line that is read unsurely, as ocr/reading/second_look.py has it.

import { borderColour, fitPicture } from "./inputs.js";
import { blank, crop, paste, roundEven } from "./picture.js";

const CLOSER = 3 / 32;  // of an input's height: cut off above and below
const FARTHER = 1 / 8;  // of its height, and of its picture's width: paper added on each side

function closer({ pixels, placed, size }) {
  const [left, right] = columns(pixels, placed), trim = roundEven(pixels.height * CLOSER);
  const picture = crop(pixels, [left, trim, right, pixels.height - trim]);
  return refitted(picture, { pixels, placed, size }, left, trim);
}

function farther({ pixels, placed, size }) {
  const [left, right] = columns(pixels, placed), { height } = pixels;
  const picture = crop(pixels, [left, 0, right, height]);
  const beside = roundEven(picture.width * FARTHER), above = roundEven(height * FARTHER);
  const ground = blank(picture.width + 2 * beside, height + 2 * above, 1);
  ground.data.fill(borderColour(picture)[0]);
  paste(ground, picture, beside, above);
  return refitted(ground, { pixels, placed, size }, left - beside, -above);
}

function inverted({ pixels, placed, size }) {
  return { pixels: { ...pixels, data: pixels.data.map((level) => 255 - level) }, placed, size };
}

// The columns of an input that its picture takes up.
function columns(pixels, placed) {
  const start = Math.floor((pixels.width - placed.width) / 2);
  return [start, start + placed.width];
}

// A picture that began at column `left` and row `top` of an input, made an input of that size.
function refitted(picture, { pixels: { width, height }, placed, size }, left, top) {
  const again = fitPicture(picture, height, width, 1);
  return {
    pixels: again.pixels,
    placed: {
      ...again.placed,
      scale: placed.scale * again.placed.scale,
      left: again.placed.left + roundEven((placed.left - left) * again.placed.scale),
      top: again.placed.top + roundEven((placed.top - top) * again.placed.scale),
    },
    size,
  };
}

// Decode an input; where the confidence is below `below`, by three other looks, too. The surest
// reading counts; it may be trusted only if all ink is readable at first, too.
export function lookAgain(prepared, decode, below) {
  const first = decode(prepared);
  if (first.confidence >= below) return first;
  const looks = [first, ...[closer, farther, inverted].map((look) => decode(look(prepared)))];
  const surest = looks.reduce((a, b) => (b.confidence > a.confidence ? b : a));
  return { ...surest, trusted: surest.trusted && first.trusted };
}
