// From a file to an upright picture, as images.open_image does: PNG here, the others by the
// browser, whose decoders may differ from Pillow's in the last bit.

import { blank, ImageError, onGround, toGrey, upright } from "./picture.js";
import { decodePng, isPng, pngChunks, pngSize } from "./png.js";

const MAX_PIXELS = 2 ** 24;  // larger photographs are scaled down
const STRIP = 2 ** 18;       // pixels that are copied at a time, to need less memory
const ORIENTATION = 0x0112;

// The orientation that EXIF, which is built as a TIFF file is, gives; 1 where it gives none.
export function orientationOf(exif) {
  const view = new DataView(exif.buffer, exif.byteOffset, exif.byteLength);
  if (exif.length < 14) return 1;
  const little = view.getUint16(0) === 0x4949, tags = view.getUint32(4, little);
  if (tags + 2 > exif.length) return 1;
  for (let i = 0, place = tags + 2; i < view.getUint16(tags, little); i++, place += 12) {
    if (place + 12 > exif.length) break;
    if (view.getUint16(place, little) === ORIENTATION) return view.getUint16(place + 8, little);
  }
  return 1;
}

async function openPng(bytes) {
  const chunks = pngChunks(bytes), [exif] = chunks.eXIf ?? [];
  try {
    return upright(await decodePng(chunks), exif ? orientationOf(exif) : 1);
  } catch (error) {
    if (error instanceof ImageError) throw error;
    throw new ImageError("damaged image: save it again as PNG");
  }
}

async function bitmapOf(blob, bytes) {
  const options = { colorSpaceConversion: "none", premultiplyAlpha: "none" };
  try {
    const bitmap = await createImageBitmap(blob, options);
    const scale = Math.sqrt(MAX_PIXELS / (bitmap.width * bitmap.height));
    if (scale >= 1) return bitmap;
    const resizeWidth = Math.floor(bitmap.width * scale);
    return await createImageBitmap(bitmap, { resizeWidth, resizeQuality: "medium" });
  } catch {
    const tiff = [0x4949, 0x4d4d].includes(bytes[0] << 8 | bytes[1]);
    throw new ImageError(tiff
      ? "TIFF: browsers do not open it, save it again as PNG"
      : "not an image that can be opened: check the file, or save it again as PNG");
  }
}

// channels: 1 to have grey at once, which needs a third of the memory.
function pixelsOf(bitmap, channels) {
  const { width, height } = bitmap, picture = blank(width, height, channels);
  const rows = Math.max(1, Math.min(height, Math.floor(STRIP / width)));
  const pen = new OffscreenCanvas(width, rows).getContext("2d", { willReadFrequently: true });
  for (let top = 0; top < height; top += rows) {
    pen.clearRect(0, 0, width, rows);
    pen.drawImage(bitmap, 0, -top);
    const count = Math.min(rows, height - top), { data } = pen.getImageData(0, 0, width, count);
    const strip = blank(width, count, 3);
    for (let i = 0, k = 0; i < data.length; i += 4, k += 3) {
      if (data[i + 3] < 255) return onGround(width, height, allPixels(bitmap));
      strip.data[k] = data[i];
      strip.data[k + 1] = data[i + 1];
      strip.data[k + 2] = data[i + 2];
    }
    picture.data.set((channels === 1 ? toGrey(strip) : strip).data, top * width * channels);
  }
  return picture;
}

function allPixels(bitmap) {
  const { width, height } = bitmap, pen = new OffscreenCanvas(width, height).getContext("2d");
  pen.drawImage(bitmap, 0, 0);
  return pen.getImageData(0, 0, width, height).data;
}

// blob: of an image file; channels: 1 where grey is enough. Throws ImageError: a line for a person.
export async function openPicture(blob, channels = 3) {
  if (!blob.size) throw new ImageError("empty file (0 bytes)");
  const bytes = new Uint8Array(await blob.arrayBuffer());
  if (isPng(bytes)) {
    const [width, height] = pngSize(pngChunks(bytes));
    if (width * height <= MAX_PIXELS) return openPng(bytes);
  }
  const bitmap = await bitmapOf(blob, bytes);
  try {
    return pixelsOf(bitmap, channels);
  } finally {
    bitmap.close();
  }
}
