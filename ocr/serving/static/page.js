// The page: pictures in, a list of readings out. No library, no other server. `ocr page` puts it
// into a file that reads by itself, with another requests.js: ocr/page/static/requests.js.

import { $, acceptDrops, percent, sureness } from "./common.js";
import { EXAMPLES, exampleFile, exampleSource, requestReadings, scaleDown } from "./requests.js";

const BATCH = 8;          // pictures in a request
const BATCH_BYTES = 8e6;  // bytes in a request of more than one picture
const SHOWN = 0.0005;     // alternatives of less confidence are left out
const readers = JSON.parse($("readers").textContent);
const rows = [];  // of the list: {name, text, confidence, trusted, alternatives} or {name, problem}

// --- the list ------------------------------------------------------------------------------------

function show(file, row) {
  const item = $("result").content.cloneNode(true).firstElementChild;
  const part = name => item.querySelector(name);
  part(".name").textContent = row.name;
  if (file && !row.problem) {
    part(".shown img").src = URL.createObjectURL(file);
    part(".shown img").alt = `The picture ${row.name}`;
  } else {
    part(".shown").remove();
  }
  if (row.problem) {
    part(".text").textContent = "not read";
    part(".sure").textContent = row.problem;
    part(".sure").classList.add("failed");
    part(".seen").remove();
  } else {
    showReading(part, row);
  }
  $("results").append(item);
  rows.push(row);
  $("take").hidden = false;
}

function showReading(part, row) {
  part(".text").textContent = row.text;
  part(".sure").textContent = sureness(row);
  part(".sure").classList.toggle("unsure", !row.trusted);
  const others = row.alternatives
    .filter(other => other.text !== row.text && other.confidence >= SHOWN)
    .map(other => `${other.text} (${percent(other.confidence)})`);
  if (others.length) part(".others").textContent = "or " + others.join(", ");
  part(".seen img").src = row.seen;
  for (const [left, right] of row.spans) {
    const mark = document.createElement("span");
    mark.style.left = `${100 * left / row.width}%`;
    mark.style.width = `${100 * (right - left) / row.width}%`;
    part(".marks").append(mark);
  }
}

let queue = Promise.resolve();  // one selection after the other, in the order in which they came

function chosenOptions() {
  const options = { reader: $("reader").value, pattern: $("pattern").value.trim() };
  return { ...options, script: $("script").value };
}

function readAll(files, options = chosenOptions()) {
  const all = [...files];
  if (all.length) queue = queue.then(() => readFiles(all, options));
  return queue;
}

async function readFiles(files, options) {
  const bar = $("progress"), begun = rows.length;
  bar.max = files.length;
  bar.value = 0;
  bar.hidden = files.length < 2;
  let batch, next = null;
  for (let i = 0; i < files.length; i += batch.length) {
    const sent = [];
    for (let bytes = 0; sent.length < BATCH && i + sent.length < files.length; next = null) {
      next ??= await scaleDown(files[i + sent.length]);
      if (sent.length && bytes + next.size > BATCH_BYTES) break;  // goes into the next request
      bytes += next.size;
      sent.push(next);
    }
    batch = files.slice(i, i + sent.length);
    $("status").textContent = `Reading ${i + 1} to ${i + batch.length} of ${files.length} ...`;
    let found;
    try {
      found = await requestReadings(sent, options);
    } catch (error) {  // the next request may succeed
      found = batch.map(file => ({ name: file.name, problem: error.message }));
    }
    found.forEach((row, k) => show(batch[k], row));
    bar.value = i + batch.length;
  }
  bar.hidden = true;
  $("status").textContent = summary(rows.slice(begun));
}

function summary(done) {
  const [one] = done;
  if (done.length === 1) {
    if (one.problem) return `Not read: ${one.problem}`;
    return `Read: ${one.text}` + (one.trusted ? "." : ", please check.");
  }
  const read = done.filter(row => !row.problem);
  const unsure = read.filter(row => !row.trusted).length;
  const check = unsure ? `, ${unsure} to check.` : ".";
  return `${read.length} of ${done.length} pictures read` + check;
}

// A cell that a spreadsheet would take for a formula begins with an apostrophe, see no_formula in
// ocr/reading/files.py.
function noFormula(value) {
  const number = /^[-+]?\p{Nd}+([.,]\p{Nd}+)*$/u.test(value);
  return /^[=+\-@\t\r']/.test(value) && !number ? `'${value}` : value;
}

function quote(value) {
  return /[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
}

function csv() {
  const columns = ["name", "text", "confidence", "trusted", "problem"];
  const table = [columns, ...rows.map(row => columns.map(column => row[column] ?? ""))];
  const line = cells => cells.map(cell => quote(noFormula(String(cell)))).join(",") + "\r\n";
  return table.map(line).join("");
}

$("csv").addEventListener("click", () => {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob(["\ufeff", csv()], { type: "text/csv" }));
  link.download = "read.csv";
  link.click();
  URL.revokeObjectURL(link.href);
});

$("copy").addEventListener("click", async () => {
  const texts = rows.filter(row => !row.problem).map(row => row.text).join("\n");
  try {
    await navigator.clipboard.writeText(texts);
    $("status").textContent = "Copied.";
  } catch {
    $("status").textContent = "Your browser does not allow copying here: download the CSV instead.";
  }
});

$("clear").addEventListener("click", () => {
  rows.length = 0;
  $("results").querySelectorAll(".shown img").forEach(img => URL.revokeObjectURL(img.src));
  $("results").replaceChildren();
  $("take").hidden = true;
  $("status").textContent = "Nothing yet.";
  $("files").focus();
});

// --- input ---------------------------------------------------------------------------------------

acceptDrops($("drop"), readAll);
for (const kind of ["dragover", "drop"]) {  // a picture dropped elsewhere must not replace the page
  document.addEventListener(kind, event => event.preventDefault());
}
for (const picker of [$("files"), $("camera")]) {
  picker.addEventListener("change", () => {
    readAll(picker.files).then(() => { picker.value = ""; });
  });
}
document.addEventListener("paste", event => {
  const files = [...event.clipboardData.files];
  if (files.length) {
    event.preventDefault();
    readAll(files);
  }
});

function describeReader() {
  const reader = readers.find(one => one.name === $("reader").value);
  const [score] = reader.scores;
  const length = reader.lengths ? ` of ${[...new Set(reader.lengths)].join(" to ")}` : "";
  const what = reader.kind === "string" ? `Reads strings${length} of` : "Reads one character of";
  const result = score
    ? ` ${percent(score.exact)} exact on ${score.on} (n = ${score.n}, 95 % interval `
      + `${percent(score.low)} to ${percent(score.high)}).`
    : "";
  const trust = reader.trust
    ? ` Of ${reader.trust.on}, ${percent(reader.trust.share)} are sure, and `
      + `${percent(reader.trust.right)} of these right (n = ${reader.trust.n}).`
    : " Every reading needs checking.";
  $("about").textContent =
    `${what} ${reader.alphabet}. Trained on: ${reader.trained_on}.${result}${trust}`;
  offerScripts(reader.scripts);
}

function offerScripts(scripts) {
  const named = scripts.map(name => new Option(name, name));
  $("script").replaceChildren(new Option("any", ""), ...named);
  $("script-choice").hidden = !scripts.length;
}

$("reader").addEventListener("change", describeReader);
describeReader();

function addExample(reader, file) {
  const button = document.createElement("button"), img = document.createElement("img");
  button.type = "button";
  img.src = exampleSource(file);
  img.alt = `Example for ${reader}: ${file.replace(".png", "")}`;
  button.append(img);
  button.addEventListener("click", async () => {
    $("reader").value = reader;
    describeReader();
    readAll([await exampleFile(file)], { reader });
  });
  $("examples").append(button);
}

for (const [name, file] of EXAMPLES) {
  if (readers.some(reader => reader.name === name)) addExample(name, file);
}
$("examples-label").hidden = !$("examples").children.length;

// --- drawing -------------------------------------------------------------------------------------

const canvas = $("canvas"), pen = canvas.getContext("2d");
let pointer = null;  // the one that draws; further fingers are ignored

function clearDrawing() {
  pen.fillStyle = "#fff";
  pen.fillRect(0, 0, canvas.width, canvas.height);
  Object.assign(pen, { strokeStyle: "#000", lineWidth: 12, lineCap: "round", lineJoin: "round" });
}

function drawTo(event) {
  const box = canvas.getBoundingClientRect();
  const x = (event.clientX - box.left) * canvas.width / box.width;
  const y = (event.clientY - box.top) * canvas.height / box.height;
  pen.lineTo(x, y);
  pen.stroke();
}

canvas.addEventListener("pointerdown", event => {
  if (pointer !== null) return;
  pointer = event.pointerId;
  canvas.setPointerCapture(pointer);
  pen.beginPath();
  drawTo(event);
  drawTo(event);  // a line of no length is a dot
});
canvas.addEventListener("pointermove", event => {
  if (event.pointerId === pointer) drawTo(event);
});
for (const kind of ["pointerup", "pointercancel"]) {
  canvas.addEventListener(kind, event => {
    if (event.pointerId === pointer) pointer = null;
  });
}
clearDrawing();
$("clear-drawing").addEventListener("click", clearDrawing);
$("read-drawing").addEventListener("click", () => {
  canvas.toBlob(blob => readAll([new File([blob], "drawing.png", { type: "image/png" })]));
});
