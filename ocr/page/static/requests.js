// Read pictures in this file: in the server's page, a module of this name sends them to the API.

import { choose, UNKNOWN } from "./any.js";
import { openPicture } from "./decode.js";
import { ImageError } from "./picture.js";
import { Reader } from "./reader.js";
import { unpack } from "./weights.js";

const NOTHING = "nothing that I can read";
const TOP = 3;             // texts that are given, the best and its alternatives
const PATIENCE = 50;       // milliseconds of reading after which the page may react
const embedded = id => JSON.parse(document.getElementById(id).textContent);
const offered = embedded("readers-known").filter(reader => !reader.same_as);
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

// Where the network looked, as parts.box in Python: [left, top, width, height].
function box({ pixels, placed, size }) {
  const ends = (side, start, length, most) => [-length, length].map((end, k) => {
    const at = ((side + end) / 2 - start) / placed.scale;
    return k ? Math.min(most, at) : Math.max(0, at);
  });
  const [left, right] = ends(pixels.width, placed.left, placed.width, size[0]);
  const [top, bottom] = ends(pixels.height, placed.top, placed.height, size[1]);
  return [left, top, right - left, bottom - top];
}

const finished = (name, reader, { reading, prepared }) => {
  const [width, height] = prepared.size;
  return { name, reader, ...reading, box: box(prepared), width, height, seen: show(prepared.pixels) };
};

async function readOne(file, reader, options) {
  const name = file.name || "picture.png";
  try {
    const { contract } = open(reader);
    const picture = await openPicture(file, contract.input.channels === 1 ? 1 : 3);
    const read = open(reader).read(picture, { top: TOP, ...options });
    return read.reading.text ? finished(name, reader, read)
      : { name, reader, ...read.reading, problem: NOTHING };
  } catch (error) {
    if (error instanceof ImageError) return { name, problem: error.message };
    throw error;
  }
}

// Read with all readers; those that cannot, for their alphabet or the picture's ink, are left out.
async function readAny(file, options) {
  const name = file.name || "picture.png", views = [], faults = [];
  let picture, kinds;
  try {
    picture = await openPicture(file);
    kinds = open("any").probabilities(picture);
  } catch (error) {
    if (error instanceof ImageError) return { name, problem: error.message };
    throw error;
  }
  for (const { name: reader, reads } of offered) {
    try {
      const { contract } = open(reader), read = open(reader).read(picture, { top: TOP, ...options });
      views.push({ name: reader, reads, input: contract.input, ...read });
    } catch (error) {
      faults.push(error);
    }
  }
  const fault = faults.find(each => each instanceof ImageError) ?? faults[0];
  if (!views.length && fault instanceof ImageError) return { name, problem: fault.message };
  if (!views.length) throw fault;
  const chosen = choose(views, picture, kinds);
  if (!chosen.name) {
    return { name, reader: null, text: "", confidence: 0, trusted: false, problem: UNKNOWN };
  }
  const found = finished(name, chosen.name, views.find(view => view.name === chosen.name));
  return { ...found, trusted: chosen.trusted };
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
    rows.push(await (reader === "any" ? readAny(file, options) : readOne(file, reader, options)));
  }
  return rows;
}

// For scripts: await readPictures(files, {reader, pattern, script}) gives the rows of the list.
globalThis.readPictures = requestReadings;
