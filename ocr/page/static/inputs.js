// The ways into a network, as ocr/reading/inputs.py and images.py have them.

import { binary, characterInk, CONTRAST, inkBox, lineInk, NO_INK, STRONG } from "./ink.js";
import {
  blank, crop, ImageError, invert, paste, roundEven, toColour, toGrey,
} from "./picture.js";
import { BICUBIC, BOX, boxBlur, gaussianBlur, resize } from "./resample.js";

const SIDE = 28;             // pixels, height and width of a glyph and of views
const GLYPH_MARGIN = 2;      // pixels around the ink of a glyph
const GLYPH_WORKING = 256;   // pixels of the longest side; larger pictures are reduced first
const LINE_MARGIN = 0.12;    // of the ink's height, kept around a line
const LINE_WORKING = 512;
const LINE_DENSITY = 4 / 9;  // share of ink around a pixel from which it is no speck
const VIEWS_WORKING = 4 * SIDE;
const VIEWS_NEAR = 20;       // pixels; smaller ink is magnified
const MIN_SIDE = 3;

// --- fitting a picture into a network's input

export function fitPicture(picture, height, width, channels) {
  picture = channels === 1 ? toGrey(picture) : toColour(picture);
  const scale = Math.min(width / picture.width, height / picture.height);
  const w = Math.max(1, Math.min(width, roundEven(picture.width * scale)));
  const h = Math.max(1, Math.min(height, roundEven(picture.height * scale)));
  const placed = {
    scale, left: Math.floor((width - w) / 2), top: Math.floor((height - h) / 2),
    width: w, height: h,
  };
  if (picture.width !== width || picture.height !== height) {
    picture = resize(picture, w, h, BICUBIC);
  }
  if (w !== width || h !== height) {
    const ground = blank(width, height, channels), colour = borderColour(picture);
    ground.data.forEach((_, i, data) => { data[i] = colour[i % channels]; });
    paste(ground, picture, placed.left, placed.top);
    picture = ground;
  }
  return { pixels: picture, placed };
}

// The median colour of the border; corners count twice.
export function borderColour({ width, height, channels, data }) {
  const places = [];
  for (let x = 0; x < width; x++) places.push(x, (height - 1) * width + x);
  for (let y = 0; y < height; y++) places.push(y * width, y * width + width - 1);
  return Array.from({ length: channels }, (_, c) => {
    const values = places.map(i => data[i * channels + c]).sort((a, b) => a - b);
    const half = values.length / 2;  // their number is even
    return Math.floor((values[half - 1] + values[half]) / 2);
  });
}

function shrink(picture, longest, least = 1) {
  const reduced = Math.min(1, longest / Math.max(picture.width, picture.height));
  if (reduced === 1) return { small: picture, reduced };
  const [w, h] = [picture.width, picture.height].map(n => Math.max(least, roundEven(n * reduced)));
  return { small: resize(picture, w, h, BOX), reduced };
}

// The placement of a crop, made that of the whole picture.
function uncropped(placed, [left, top]) {
  return {
    ...placed,
    left: placed.left - roundEven(left * placed.scale),
    top: placed.top - roundEven(top * placed.scale),
  };
}

// --- one line of text

function line(picture, height, width) {
  const grey = toGrey(picture), { box, light } = lineBox(grey), part = crop(grey, box);
  const { pixels, placed } = fitPicture(light ? invert(part) : part, height, width, 1);
  return { pixels, placed: uncropped(placed, box) };
}

function lineBox(grey) {
  const { small, reduced } = shrink(grey, LINE_WORKING), { width, height } = small;
  const { light, ink } = lineInk(small);
  const share = boxBlur({ width, height, channels: 1, data: ink.map(each => each * 255) }, 1).data;
  let left = width, right = -1, top = height, bottom = -1;
  share.forEach((value, i) => {
    if (value < 255 * LINE_DENSITY - 1) return;
    const x = i % width, y = Math.floor(i / width);
    left = Math.min(left, x);
    right = Math.max(right, x);
    top = Math.min(top, y);
    bottom = Math.max(bottom, y);
  });
  if (right < 0) throw new ImageError(NO_INK);
  const margin = 1 + LINE_MARGIN * (bottom - top);
  const start = place => Math.max(0, Math.trunc((place - margin) / reduced));
  const end = (place, side) => Math.min(side, roundEven((place + 1 + margin) / reduced));
  const box = [start(left), start(top), end(right, grey.width), end(bottom, grey.height)];
  return { box, light };
}

// --- one character, in EMNIST's form

function glyph(picture) {
  const grey = toGrey(picture);
  if (isEmnistForm(grey)) {
    return { pixels: grey, placed: { scale: 1, left: 0, top: 0, width: SIDE, height: SIDE } };
  }
  const { small, reduced } = shrink(grey, GLYPH_WORKING);
  let ink = { ...small, data: characterInk(small) };
  if (ink.data.every(value => value <= STRONG)) throw new ImageError(NO_INK);
  const [left, top, right, bottom] = inkBox(ink.data, ink.width, ink.height);
  const longest = Math.max(right - left, bottom - top);
  if (longest > 2 * SIDE) ink = gaussianBlur(ink, longest / 60);
  const scale = (SIDE - 2 * GLYPH_MARGIN) / longest;
  const x = (left + right) / 2, y = (top + bottom) / 2;
  const half = SIDE / 2 / scale, side = roundEven(2 * half);
  const [from, above] = [roundEven(x - half), roundEven(y - half)];
  const square = crop(ink, [from, above, from + side, above + side]);
  return {
    pixels: stretched(resize(square, SIDE, SIDE, BICUBIC)),
    placed: {
      scale: scale * reduced,
      left: roundEven(SIDE / 2 - x * scale), top: roundEven(SIDE / 2 - y * scale),
      width: roundEven((right - left) * scale), height: roundEven((bottom - top) * scale),
    },
  };
}

function stretched(picture) {
  const highest = picture.data.reduce((a, b) => Math.max(a, b), 1), f = Math.fround;
  const data = picture.data.map(value => roundEven(Math.min(255, f(value * f(255 / highest)))));
  return { ...picture, data };
}

// Light ink on a black border, centred, filling 28 x 28?
function isEmnistForm({ width, height, data }) {
  if (width !== SIDE || height !== SIDE || data.every(value => value < 128)) return false;
  let border = 0, left = SIDE, right = -1, top = SIDE, bottom = -1;
  data.forEach((value, i) => {
    if (!value) return;
    const x = i % SIDE, y = Math.floor(i / SIDE);
    if (x === 0 || y === 0 || x === SIDE - 1 || y === SIDE - 1) border++;
    left = Math.min(left, x);
    right = Math.max(right, x);
    top = Math.min(top, y);
    bottom = Math.max(bottom, y);
  });
  if (border > Math.floor((4 * SIDE - 4) / 10)) return false;
  const off = Math.max(Math.abs(top + bottom - SIDE + 1), Math.abs(left + right - SIDE + 1)) / 2;
  const longest = Math.max(bottom - top, right - left) + 1;
  return longest >= SIDE - 2 * GLYPH_MARGIN - 4 && off <= 2.5;
}

// --- one character, as colour and ink

function views(picture) {
  const box = viewsBox(picture);
  const { pixels, placed } = fitPicture(box ? crop(picture, box) : picture, SIDE, SIDE, 3);
  const ink = binary(pixels), four = blank(SIDE, SIDE, 4);
  ink.forEach((value, i) => {
    four.data.set(pixels.data.subarray(3 * i, 3 * i + 3), 4 * i);
    four.data[4 * i + 3] = value;
  });
  return { pixels: four, placed: box ? uncropped(placed, box) : placed };
}

// The part to crop, where the ink is small; null: all of the picture.
function viewsBox(picture) {
  const { small } = shrink(toColour(picture), VIEWS_WORKING, MIN_SIDE), ink = binary(small);
  const low = [255, 255, 255], high = [0, 0, 0];
  small.data.forEach((value, i) => {
    low[i % 3] = Math.min(low[i % 3], value);
    high[i % 3] = Math.max(high[i % 3], value);
  });
  if (Math.max(...high.map((value, c) => value - low[c])) < CONTRAST || ink.every(each => !each)) {
    throw new ImageError(NO_INK);
  }
  const [left, top, right, bottom] = inkBox(ink, small.width, small.height);
  const longest = SIDE * Math.max(right - left, bottom - top) / Math.max(small.width, small.height);
  if (longest >= VIEWS_NEAR) return null;
  const side = Math.max(picture.width, picture.height) * 2 * longest / (longest + VIEWS_NEAR);
  const ends = (middle, shown, length) => {
    const furthest = Math.max(0, length - side);
    const start = roundEven(Math.min(Math.max(0, middle * length / shown - side / 2), furthest));
    return [start, Math.min(length, start + Math.max(MIN_SIDE, roundEven(side)))];
  };
  const [x, right_] = ends((left + right) / 2, small.width, picture.width);
  const [y, bottom_] = ends((top + bottom) / 2, small.height, picture.height);
  return [x, y, right_, bottom_];
}

// --- by the names of a contract

const FITS = {
  picture: (picture, { height, width, channels }) => fitPicture(picture, height, width, channels),
  line: (picture, { height, width }) => line(picture, height, width),
  glyph,
  views,
};

// A picture, prepared: {pixels, placed: {scale, left, top, width, height}, size: [width, height]}.
export function prepare(picture, input) {
  if (Math.min(picture.width, picture.height) < MIN_SIDE) {
    throw new ImageError(
      `${picture.width} x ${picture.height} pixels: too small to hold a character`);
  }
  return { ...FITS[input.fit](picture, input), size: [picture.width, picture.height] };
}

// Two columns of the network's input, in pixels of the original picture.
export function span({ placed, size }, left, right) {
  const [from, to] = [left, right].map(x => (x - placed.left) / placed.scale);
  const tenth = x => roundEven(x * 10) / 10;
  return [tenth(Math.max(0, from)), tenth(Math.min(size[0], to))];
}

export function characterSpan(prepared, { fit, width }) {
  if (fit === "views") return span(prepared, 0, width);
  const middle = width / 2, half = prepared.placed.width / 2;
  return span(prepared, middle - half, middle + half);
}

// The middle of a fitted picture, in the smallest of the widths that holds it.
export function narrow({ pixels, placed }, widths) {
  const full = pixels.width, width = widths.find(each => each >= Math.min(placed.width, full));
  const start = Math.floor((full - width) / 2);
  return width === full ? pixels : crop(pixels, [start, 0, start + width, pixels.height]);
}

// --- from bytes to numbers

// (mean - x) / (deviation + 1) over the first `used` channels of each pixel.
function standard(data, channels, used, out) {
  const count = data.length / channels * used;
  let sum = 0, squares = 0;
  for (let i = 0; i < data.length; i += channels) {
    for (let c = 0; c < used; c++) sum += data[i + c];
  }
  const mean = sum / count;
  for (let i = 0; i < data.length; i += channels) {
    for (let c = 0; c < used; c++) squares += (data[i + c] - mean) ** 2;
  }
  const spread = Math.sqrt(squares / count) + 1;
  for (let i = 0; i < data.length; i += channels) {
    for (let c = 0; c < used; c++) out[i + c] = (mean - data[i + c]) / spread;
  }
}

export function normalise({ data, channels }, mode) {
  const out = new Float32Array(data.length);
  if (mode !== "standard") for (let i = 0; i < out.length; i++) out[i] = data[i] / 255;
  if (mode !== "unit") standard(data, channels, mode === "views" ? 3 : channels, out);
  return out;
}
