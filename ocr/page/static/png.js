// Decode PNG as Pillow does: no colour management, no premultiplied alpha, which a canvas has.

import { blank, ImageError, onGround, roundEven } from "./picture.js";

const GREY = 0, COLOUR = 2, PALETTE = 3, GREY_ALPHA = 4, COLOUR_ALPHA = 6;
const SAMPLES = { [GREY]: 1, [COLOUR]: 3, [PALETTE]: 1, [GREY_ALPHA]: 2, [COLOUR_ALPHA]: 4 };
const ADAM7 = [  // [first column, first row, columns apart, rows apart] of the seven passes
  [0, 0, 8, 8], [4, 0, 8, 8], [0, 4, 4, 8], [2, 0, 4, 4], [0, 2, 2, 4], [1, 0, 2, 2], [0, 1, 1, 2],
];

export function isPng(bytes) {
  return [137, 80, 78, 71, 13, 10, 26, 10].every((byte, i) => bytes[i] === byte);
}

// The chunks as {name: [Uint8Array]}, up to the end of the first picture.
export function pngChunks(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), chunks = {};
  for (let place = 8; place + 12 <= bytes.length;) {
    const length = view.getUint32(place);
    const name = String.fromCharCode(...bytes.subarray(place + 4, place + 8));
    (chunks[name] ??= []).push(bytes.subarray(place + 8, place + 8 + length));
    if (name === "IEND") break;
    place += 12 + length;
  }
  return chunks;
}

export function pngSize(chunks) {
  const head = chunks.IHDR?.[0];
  if (head?.length !== 13) throw new ImageError("damaged image: save it again as PNG");
  const view = new DataView(head.buffer, head.byteOffset, 13);
  return [view.getUint32(0), view.getUint32(4)];
}

// Inflate exactly `length` bytes; what follows them is left.
async function inflate(parts, length) {
  const out = new Uint8Array(length), stream = new DecompressionStream("deflate");
  const writer = stream.writable.getWriter(), reader = stream.readable.getReader();
  for (const part of parts) writer.write(part).catch(() => {});  // the reader says what is wrong
  writer.close().catch(() => {});
  for (let place = 0; place < length;) {
    const { done, value } = await reader.read();
    if (done) throw new ImageError("damaged image (truncated): save it again as PNG");
    out.set(value.subarray(0, length - place), place);
    place += value.length;
  }
  reader.cancel().catch(() => {});
  return out;
}

function paeth(a, b, c) {
  const p = a + b - c, pa = Math.abs(p - a), pb = Math.abs(p - b), pc = Math.abs(p - c);
  return pa <= pb && pa <= pc ? a : pb <= pc ? b : c;
}

// The filters by their numbers: what is added to a byte, by those to the left, above, and both.
const FILTERS = [
  null, a => a, (_, b) => b, (a, b) => (a + b) >> 1, (a, b, c) => paeth(a, b, c),
];

// Undo the filters of one pass in place; returns its rows.
function unfilter(data, rows, stride, step) {
  const found = [];
  let above = new Uint8Array(stride);
  for (let y = 0; y < rows; y++) {
    const predict = FILTERS[data[y * (stride + 1)]];
    const row = data.subarray(y * (stride + 1) + 1, (y + 1) * (stride + 1));
    if (predict === undefined) throw new ImageError("damaged image: save it again as PNG");
    for (let i = 0; predict && i < stride; i++) {
      const first = i < step;
      row[i] += predict(first ? 0 : row[i - step], above[i], first ? 0 : above[i - step]);
    }
    found.push(above = row);
  }
  return found;
}

// The samples of a row: the bytes themselves, or groups of 1, 2 or 4 bits, or pairs of bytes.
function samplesOf(row, depth, count) {
  if (depth === 8) return row;
  if (depth === 16) {
    return Uint16Array.from({ length: count }, (_, i) => row[2 * i] << 8 | row[2 * i + 1]);
  }
  const mask = (1 << depth) - 1;
  return Uint8Array.from({ length: count }, (_, i) => {
    return row[i * depth >> 3] >> (8 - depth - (i * depth & 7)) & mask;
  });
}

// The rows of a picture of bytes, moved together in place, which saves memory.
function joined(data, rows, stride, step) {
  unfilter(data, rows, stride, step).forEach((row, y) => data.set(row, y * stride));
  return data.subarray(0, rows * stride);
}

// All samples of a picture, in order.
async function allSamples(chunks, width, height, kind, depth, interlaced) {
  const each = SAMPLES[kind], passes = interlaced ? ADAM7 : [[0, 0, 1, 1]];
  const shapes = passes.map(([left, top, right, down]) => {
    const columns = Math.ceil((width - left) / right), rows = Math.ceil((height - top) / down);
    const stride = Math.ceil(columns * each * depth / 8), bytes = rows * (stride + 1);
    return { left, top, right, down, columns, rows, stride, bytes };
  }).filter(({ columns, rows }) => columns > 0 && rows > 0);
  const data = await inflate(chunks.IDAT ?? [], shapes.reduce((sum, { bytes }) => sum + bytes, 0));
  if (!interlaced && depth === 8) return joined(data, height, width * each, each);
  const out = new (depth === 16 ? Uint16Array : Uint8Array)(width * height * each);
  let place = 0;
  for (const { left, top, right, down, columns, rows, stride, bytes } of shapes) {
    const pass = data.subarray(place, place += bytes);
    unfilter(pass, rows, stride, Math.max(1, each * depth >> 3)).forEach((row, y) => {
      const samples = samplesOf(row, depth, columns * each);
      const line = (top + y * down) * width + left;
      if (right === 1) {
        out.set(samples.subarray(0, columns * each), line * each);
      } else {
        for (let i = 0; i < columns * each; i++) {
          out[(line + Math.floor(i / each) * right) * each + i % each] = samples[i];
        }
      }
    });
  }
  return out;
}

// Sixteen bits of grey, scaled as ocr.reading.images does; of colour, the upper eight.
function toBytes(samples, kind) {
  if (samples instanceof Uint8Array) return samples;
  if (kind !== GREY) return Uint8Array.from(samples, value => value >> 8);
  const small = samples.every(value => value <= 255), scale = Math.fround(255 / 65535);
  return Uint8Array.from(samples, value => (small ? value : Math.fround(value * scale)));
}

// As Pillow, ignore a transparent colour of grey and colour pictures, not that of a palette.
export async function decodePng(chunks) {
  const [width, height] = pngSize(chunks), [, , , , , , , , depth, kind] = chunks.IHDR[0];
  if (!(kind in SAMPLES)) throw new ImageError("damaged image: save it again as PNG");
  const interlaced = chunks.IHDR[0][12] === 1;
  const samples = await allSamples(chunks, width, height, kind, depth, interlaced);
  const data = toBytes(samples, kind);
  if (kind === COLOUR) return { width, height, channels: 3, data };
  if (kind === GREY) {
    const scale = depth < 8 ? 255 / ((1 << depth) - 1) : 1;
    const grey = scale === 1 ? data : data.map(value => roundEven(value * scale));
    return { width, height, channels: 1, data: grey };
  }
  if (kind === PALETTE) return fromPalette(width, height, data, chunks);
  if (kind === COLOUR_ALPHA) return onGround(width, height, data);
  const rgba = new Uint8Array(width * height * 4);
  for (let i = 0; i < width * height; i++) {
    rgba.fill(data[2 * i], 4 * i, 4 * i + 3);
    rgba[4 * i + 3] = data[2 * i + 1];
  }
  return onGround(width, height, rgba);
}

function fromPalette(width, height, data, { PLTE: [colours] = [[]], tRNS: [alphas] = [] }) {
  const colour = (i, c) => colours[3 * i + c] ?? 0;
  if (!alphas) {
    const picture = blank(width, height, 3);
    picture.data.forEach((_, k, out) => { out[k] = colour(data[Math.floor(k / 3)], k % 3); });
    return picture;
  }
  const rgba = new Uint8Array(width * height * 4);
  for (let k = 0; k < rgba.length; k++) {
    const i = data[k >> 2];
    rgba[k] = k % 4 === 3 ? alphas[i] ?? 255 : colour(i, k % 4);
  }
  return onGround(width, height, rgba);
}
