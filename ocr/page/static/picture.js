// Pictures as Pillow has them: {width, height, channels: 1 (grey) or 3 (colour), data: Uint8Array}.

export class ImageError extends Error {}

export function blank(width, height, channels) {
  return { width, height, channels, data: new Uint8Array(width * height * channels) };
}

// Round half to even, as Python and NumPy do.
export function roundEven(x) {
  const down = Math.floor(x), rest = x - down;
  return rest > 0.5 || (rest === 0.5 && down % 2 !== 0) ? down + 1 : down;
}

// Image.convert("L"): ITU-R 601 luma in 16-bit fixed point.
export function toGrey(picture) {
  if (picture.channels === 1) return picture;
  const grey = blank(picture.width, picture.height, 1), from = picture.data;
  for (let i = 0, j = 0; i < grey.data.length; i++, j += 3) {
    grey.data[i] = (from[j] * 19595 + from[j + 1] * 38470 + from[j + 2] * 7471 + 0x8000) >> 16;
  }
  return grey;
}

export function toColour(picture) {
  if (picture.channels === 3) return picture;
  const colour = blank(picture.width, picture.height, 3);
  picture.data.forEach((value, i) => colour.data.fill(value, 3 * i, 3 * i + 3));
  return colour;
}

// Image.crop: what lies outside the picture is black.
export function crop(picture, [left, top, right, bottom]) {
  const { width, height, channels } = picture, part = blank(right - left, bottom - top, channels);
  const from = Math.max(0, left), to = Math.min(width, right);
  for (let y = Math.max(0, top); y < Math.min(height, bottom) && from < to; y++) {
    const row = picture.data.subarray((y * width + from) * channels, (y * width + to) * channels);
    part.data.set(row, ((y - top) * part.width + from - left) * channels);
  }
  return part;
}

export function paste(ground, picture, left, top) {
  const { width, height, channels } = picture;
  for (let y = 0; y < height; y++) {
    const row = picture.data.subarray(y * width * channels, (y + 1) * width * channels);
    ground.data.set(row, ((y + top) * ground.width + left) * channels);
  }
}

export function invert(picture) {
  return { ...picture, data: picture.data.map(value => 255 - value) };
}

// Undo what the EXIF tag "orientation" (1 to 8) says of how a camera was held.
export function upright(picture, orientation) {
  if (!(orientation >= 2 && orientation <= 8)) return picture;
  const { width, height, channels } = picture, turned = orientation >= 5;
  const out = blank(turned ? height : width, turned ? width : height, channels);
  const fromRight = [2, 3, 7, 8].includes(orientation);
  const fromBottom = [3, 4, 6, 7].includes(orientation);
  for (let y = 0, k = 0; y < out.height; y++) {
    for (let x = 0; x < out.width; x++, k += channels) {
      const column = turned ? y : x, row = turned ? x : y;
      const i = (fromBottom ? height - 1 - row : row) * width
        + (fromRight ? width - 1 - column : column);
      for (let c = 0; c < channels; c++) out.data[k + c] = picture.data[i * channels + c];
    }
  }
  return out;
}

// Blend RGBA bytes with white, or with black where the visible pixels are light; in the integers of
// Pillow's Image.alpha_composite. Opaque pictures keep their colours.
export function onGround(width, height, rgba) {
  let light = 0, alphas = 0;
  for (let i = 0; i < rgba.length; i += 4) {
    const alpha = rgba[i + 3];
    const sum = rgba[i] * 19595 + rgba[i + 1] * 38470 + rgba[i + 2] * 7471 + 0x8000;
    light += (sum >> 16) * alpha;
    alphas += alpha;
  }
  const ground = light > 127 * alphas ? 0 : 255, picture = blank(width, height, 3);
  for (let i = 0, k = 0; i < rgba.length; i += 4, k += 3) {
    const alpha = rgba[i + 3] << 7, rest = (255 << 7) - alpha;
    for (let c = 0; c < 3; c++) {
      const sum = rgba[i + c] * alpha + ground * rest + (0x80 << 7);
      picture.data[k + c] = ((sum >> 8) + sum) >> 15;
    }
  }
  return picture;
}
