// Separate ink from paper, as ocr/reading/ink.py does.

import { ImageError, roundEven } from "./picture.js";
import { boxBlur } from "./resample.js";

export const STRONG = 100;      // character ink up to this value is haze around strokes
export const CONTRAST = 12;     // grey levels between ink and paper below which there is no ink
export const NO_INK = "no ink found: nothing to read";
const SPECKS = 0.006;           // share of the ink that may lie outside its box, on each side
const MIN_SPREAD = 3;           // levels below which the pixels of a colour picture are one colour

export function histogram(levels) {
  const counts = new Float64Array(256);
  for (const level of levels) counts[level]++;
  return counts;
}

// Otsu's threshold (1979): the middle of the gap that best separates the levels.
export function otsu(counts) {
  let total = 0, mass = 0, best = -1, first = 0, last = 0;
  counts.forEach((count, level) => { total += count; mass += count * level; });
  for (let level = 0, below = 0, massBelow = 0; level < 255; level++) {
    below += counts[level];
    massBelow += counts[level] * level;
    const above = total - below;
    const apart = massBelow / below - (mass - massBelow) / above;
    const between = below * above * (apart * apart) || 0;  // 0 where a side is empty
    if (between > best) { best = between; first = level; }
    if (between === best) last = level;
  }
  return Math.floor((first + last) / 2);
}

// Is the light part paper, the part that covers most of the border? corners: how often they count.
function paperIsLight(light, width, height, corners) {
  let border = 0, count = 0, all = 0;
  const see = i => { border += light[i]; count++; };
  for (let x = 0; x < width; x++) {
    see(x);
    see((height - 1) * width + x);
  }
  for (let y = 2 - corners; y < height - 2 + corners; y++) {
    see(y * width);
    see(y * width + width - 1);
  }
  for (const each of light) all += each;
  return 0.9 * (border / count) + 0.1 * (all / light.length) > 0.5;
}

// The bounding box [left, top, right, bottom] of ink, without specks.
export function inkBox(ink, width, height) {
  const rows = new Float64Array(height), columns = new Float64Array(width);
  for (let i = 0; i < ink.length; i++) {
    if (ink[i] > STRONG) {
      rows[Math.floor(i / width)]++;
      columns[i % width]++;
    }
  }
  const ends = profile => {
    const total = profile.reduce((a, b) => a + b, 0);
    let sum = 0;
    const share = profile.map(count => (sum += count) / total);
    const at = limit => share.findIndex(each => each >= limit);
    return [at(SPECKS), at(1 - SPECKS) + 1];
  };
  const [top, bottom] = ends(rows), [left, right] = ends(columns);
  return [left, top, right, bottom];
}

function median(counts) {
  const total = counts.reduce((a, b) => a + b, 0);
  const nth = n => {
    let sum = 0;
    return counts.findIndex(count => (sum += count) > n);
  };
  return (nth(Math.floor((total - 1) / 2)) + nth(Math.floor(total / 2))) / 2;
}

// Segment a character in grey levels: 0 on paper, 255 on ink, grey between their medians.
export function characterInk({ data, width, height }) {
  const counts = histogram(data), level = otsu(counts);
  const light = data.map(value => (value > level ? 1 : 0));
  const none = new Uint8Array(data.length);
  if (light.every(each => each === light[0])) return none;
  const darker = median(counts.map((count, i) => (i > level ? 0 : count)));
  const lighter = median(counts.map((count, i) => (i > level ? count : 0)));
  if (lighter - darker < CONTRAST) return none;
  // Corners count twice, as in the glyphs that the shipped readers were trained on.
  const paperLight = paperIsLight(light, width, height, 2);
  const [paper, ink] = paperLight ? [lighter, darker] : [darker, lighter];
  return data.map(value => {
    const share = ((value - paper) / (ink - paper) - 0.25) / 0.6;
    return roundEven(Math.min(1, Math.max(0, share)) * 255);
  });
}

// The principal axis of centred colours, the eigenvector of their scatter matrix, by iteration.
function principalAxis(centred) {
  let scatter = [[0, 0, 0], [0, 0, 0], [0, 0, 0]];
  for (let i = 0; i < centred.length; i += 3) {
    for (let a = 0; a < 3; a++) {
      for (let b = 0; b < 3; b++) scatter[a][b] += centred[i + a] * centred[i + b];
    }
  }
  // Squaring the matrix again and again leaves its largest eigenvalue alone.
  for (let round = 0; round < 40; round++) {
    const size = Math.max(...scatter.flat().map(Math.abs)) || 1;
    const m = scatter.map(row => row.map(value => value / size));
    scatter = m.map(row => [0, 1, 2].map(b => row.reduce((sum, v, k) => sum + v * m[k][b], 0)));
  }
  const norms = scatter.map(row => Math.hypot(...row)), largest = Math.max(...norms);
  const axis = scatter[norms.indexOf(largest)];
  return largest ? axis.map(value => value / largest) : [0, 0, 1];
}

// Binarise a colour picture along its principal colour axis: 255 on ink, 0 on paper.
export function binary({ data, width, height }) {
  const count = width * height, mean = [0, 0, 0];
  data.forEach((value, i) => { mean[i % 3] += value / count; });
  const centred = Float64Array.from(data, (value, i) => value - mean[i % 3]);
  const [a, b, c] = principalAxis(centred), along = new Float32Array(count);
  for (let i = 0; i < count; i++) {
    along[i] = centred[3 * i] * a + centred[3 * i + 1] * b + centred[3 * i + 2] * c;
  }
  const low = along.reduce((x, y) => Math.min(x, y)), high = along.reduce((x, y) => Math.max(x, y));
  if (high - low < MIN_SPREAD) return new Uint8Array(count);
  const f = Math.fround, scale = f(255 / f(high - low));
  const levels = Uint8Array.from(along, value => roundEven(f(f(value - low) * scale)));
  const threshold = otsu(histogram(levels));
  const light = levels.map(level => (level > threshold ? 1 : 0));
  const paper = paperIsLight(light, width, height, 1) ? 1 : 0;
  return light.map(each => (each === paper ? 0 : 255));
}

// Segment a line of text: is the ink light, and where it is (1) and is not (0).
export function lineInk(grey) {
  const levels = subtractBackground(grey), counts = histogram(levels);
  const lowest = counts.findIndex(count => count), highest = counts.findLastIndex(count => count);
  if (highest - lowest < CONTRAST) throw new ImageError(NO_INK);
  let sum = 0, skew = 0;
  const middle = counts.findIndex(count => (sum += count) >= levels.length / 2);
  counts.forEach((count, level) => { skew += count * (level - middle) ** 3; });
  const light = skew > 0, even = subtractBackground(boxBlur(grey, 1));  // without specks
  const threshold = otsu(histogram(even));
  return { light, ink: even.map(level => (level > threshold === light ? 1 : 0)) };
}

// The difference from the local mean, around 128, so that shadows do not count.
function subtractBackground(grey) {
  const mean = boxBlur(grey, Math.min(grey.width, grey.height));
  return grey.data.map((value, i) => {
    return Math.min(255, Math.max(0, value - mean.data[i] + 128));
  });
}
