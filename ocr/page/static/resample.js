// Pillow's resampling and blurs, in the same integers: libImaging/Resample.c and BoxBlur.c.

import { blank } from "./picture.js";

const PRECISION = 22;  // bits behind the point of a coefficient

function cubic(x) {
  x = Math.abs(x);
  if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
  return x < 2 ? (((x - 5) * x + 8) * x - 4) * -0.5 : 0;
}

export const BICUBIC = { support: 2, weight: cubic };
export const BOX = { support: 0.5, weight: x => (x > -0.5 && x <= 0.5 ? 1 : 0) };

// For each of `size` pixels: the first pixel of the source, and the weights from there on.
function coefficients(length, size, { support, weight }) {
  const scale = length / size, stretch = Math.max(1, scale), reach = support * stretch;
  return Array.from({ length: size }, (_, i) => {
    const centre = (i + 0.5) * scale;
    const start = Math.max(0, Math.trunc(centre - reach + 0.5));
    const count = Math.min(length, Math.trunc(centre + reach + 0.5)) - start;
    const weights = new Float64Array(count);
    let sum = 0;
    for (let k = 0; k < count; k++) {
      weights[k] = weight((k + start - centre + 0.5) * (1 / stretch));
      sum += weights[k];
    }
    const whole = weights.map(w => {
      const share = (sum === 0 ? w : w / sum) * (1 << PRECISION);
      return Math.trunc(share < 0 ? share - 0.5 : share + 0.5);
    });
    return { start, whole };
  });
}

function toByte(sum) {
  const value = sum >> PRECISION;
  return value < 0 ? 0 : value > 255 ? 255 : value;
}

// Resample `lines` lines of values that lie `step` apart; neighbouring lines lie `apart` apart.
function resampleLines(from, to, lines, apart, step, table) {
  table.forEach(({ start, whole }, i) => {
    for (let line = 0; line < lines; line++) {
      let sum = 1 << (PRECISION - 1), at = line * apart + start * step;
      for (let k = 0; k < whole.length; k++, at += step) sum += from[at] * whole[k];
      const value = sum >> PRECISION;
      to[line * apart + i * step] = value < 0 ? 0 : value > 255 ? 255 : value;
    }
  });
}

function resizeRows(picture, width, filter) {
  if (picture.width === width) return picture;
  const { channels: c, height } = picture, wide = blank(width, height, c);
  const table = coefficients(picture.width, width, filter);
  for (let y = 0; y < height; y++) {
    const row = picture.data.subarray(y * picture.width * c, (y + 1) * picture.width * c);
    resampleLines(row, wide.data.subarray(y * width * c), c, 1, c, table);
  }
  return wide;
}

function resizeColumns(picture, height, filter) {
  if (picture.height === height) return picture;
  const { channels: c, width } = picture, high = blank(width, height, c);
  const table = coefficients(picture.height, height, filter);
  resampleLines(picture.data, high.data, width * c, 1, width * c, table);
  return high;
}

// Image.resize: along the rows, then along the columns; the other way about where the height
// shrinks by more than twice what the width does, as Pillow 13.0 does (bytes are rounded between).
export function resize(picture, width, height, filter) {
  const less = picture.height - height;
  if (less > 0 && less > 2 * (picture.width - width)) {
    return resizeRows(resizeColumns(picture, height, filter), width, filter);
  }
  return resizeColumns(resizeRows(picture, width, filter), height, filter);
}

// Blur one line of bytes: the mean over 2 * radius + 1 pixels, the outermost ones in part. Beyond
// the ends lie copies of the first and the last pixel.
function blurLine(line, out, radius) {
  const reach = Math.trunc(radius), last = line.length - 1;
  const weight = Math.trunc(Math.fround((1 << 24) / Math.fround(radius * 2 + 1)));
  const edge = Math.trunc(((1 << 24) - (reach * 2 + 1) * weight) / 2);
  let sum = line[0] * (reach + 1);
  for (let x = 0; x < reach; x++) sum += line[Math.min(x, last)];
  for (let x = 0; x <= last; x++) {
    const right = Math.min(x + reach, last), left = Math.max(x - reach - 1, 0);
    sum += line[right] - line[left];
    const far = line[left] + line[Math.min(x + reach + 1, last)];
    out[x] = (sum * weight + far * edge + (1 << 23)) / (1 << 24);
  }
}

// ImageFilter.BoxBlur of a grey picture, `passes` times along the rows, then along the columns.
export function boxBlur(grey, radius, passes = 1) {
  const { width, height } = grey, data = grey.data.slice();
  if (radius === 0) return { ...grey, data };
  const directions = [[height, width, width, 1], [width, height, 1, width]];
  for (const [lines, count, stride, step] of directions) {
    let line = new Uint8Array(count), out = new Uint8Array(count);
    for (let i = 0; i < lines; i++) {
      for (let k = 0; k < count; k++) line[k] = data[i * stride + k * step];
      for (let pass = 0; pass < passes; pass++) {
        blurLine(line, out, radius);
        [line, out] = [out, line];
      }
      for (let k = 0; k < count; k++) data[i * stride + k * step] = line[k];
    }
  }
  return { ...grey, data };
}

// ImageFilter.GaussianBlur: three box blurs whose radius is that of Gwosdek et al. 2011.
export function gaussianBlur(grey, sigma) {
  const f = Math.fround, passes = 3;
  const variance = f(f(f(sigma) * f(sigma)) / passes);
  const length = f(Math.sqrt(12 * variance + 1)), whole = f(Math.floor((length - 1) / 2));
  let part = f(f(2 * whole + 1) * f(f(whole * f(whole + 1)) - f(3 * variance)));
  part = f(part / f(6 * f(variance - f(f(whole + 1) * f(whole + 1)))));
  return boxBlur(grey, f(whole + part), passes);
}
