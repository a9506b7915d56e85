// Read pictures in this file: in the server's page, a module of this name sends them to the API.

import { openPicture } from "./decode.js";
import { ImageError } from "./picture.js";
import { Reader } from "./reader.js";
import { unpack } from "./weights.js";

const NOTHING = "nothing that I can read";
const TOP = 3;             // texts that are given, the best and its alternatives
const PATIENCE = 50;       // milliseconds of reading after which the page may react
const embedded = id => JSON.parse(document.getElementById(id).textContent);
const examples = embedded("pictures");  // [{reader, file, source}], source a data: URL
const opened = new Map();  // readers, by name

export const EXAMPLES = examples.map(({ reader, file }) => [reader, file]);
export const exampleSource = file => examples.find(example => example.file === file).source;

export async function exampleFile(file) {
  const [head, base64] = exampleSource(file).split(",");
  const data = Uint8Array.from(atob(base64), letter => letter.charCodeAt(0));
  return new File([data], file, { type: /^data:([^;]+)/.exec(head)[1] });
}

export const scaleDown = file => file;  // nothing is sent

function open(name) {
  if (!opened.has(name)) {
    const { networks, ...rest } = embedded(`reader-${name}`);
    opened.set(name, new Reader({ ...rest, networks: networks.map(unpack) }, embedded("rules")));
  }
  return opened.get(name);
}

const canvas = document.createElement("canvas");
const pen = canvas.getContext("2d", { willReadFrequently: true });

// The input as people see it, as Input.show makes it: a PNG in a data: URL.
function show({ data, width, height, channels }) {
  const views = channels === 4;
  canvas.width = views ? 2 * width : width;
  canvas.height = height;
  const image = pen.createImageData(canvas.width, height);
  image.data.fill(255);
  for (let i = 0; i < width * height; i++) {
    const at = views ? 2 * i - i % width : i;
    for (let c = 0; c < 3; c++) {
      image.data[4 * at + c] = data[i * channels + (channels === 1 ? 0 : c)];
      if (views) image.data[4 * (at + width) + c] = data[i * channels + 3];
    }
  }
  pen.putImageData(image, 0, 0);
  return canvas.toDataURL();
}

async function readOne(file, reader, options) {
  const name = file.name || "picture.png";
  try {
    const picture = await openPicture(file, reader.contract.input.channels === 1 ? 1 : 3);
    const { reading, prepared } = reader.read(picture, { top: TOP, ...options });
    if (!reading.text) return { name, ...reading, problem: NOTHING };
    const [width, height] = prepared.size;
    return { name, ...reading, width, height, seen: show(prepared.pixels) };
  } catch (error) {
    if (error instanceof ImageError) return { name, problem: error.message };
    throw error;
  }
}

// options: reader, pattern and script; empty ones are left out.
export async function requestReadings(files, { reader, ...options }) {
  const rows = [];
  let begun = performance.now();
  for (const file of files) {
    if (performance.now() - begun > PATIENCE) {
      await new Promise(done => setTimeout(done));
      begun = performance.now();
    }
    rows.push(await readOne(file, open(reader), options));
  }
  return rows;
}

// For scripts: await readPictures(files, {reader, pattern, script}) gives the rows of the list.
globalThis.readPictures = requestReadings;
