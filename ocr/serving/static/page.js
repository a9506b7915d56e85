// The page: sends pictures to api/read a few at a time, shows what was read. No library, nothing from elsewhere.

const AT_A_TIME = 8;        // pictures in a request
const ENOUGH = 8e6;         // bytes in a request, if it is more than one picture
const LARGEST = 1200;       // pixels of the longest side; larger photographs are scaled down before they are sent
const $ = id => document.getElementById(id);
const readers = JSON.parse($("readers").textContent);
const examples = [
  ["numbers", "western.png"], ["numbers", "arabic.png"], ["numbers", "hand.png"], ["char_cnn", "character.png"], ["dual_input", "sign.png"],
].filter(([name]) => readers.some(reader => reader.name === name));
const rows = [];            // what stands in the list: {name, text, confidence, unsure, alternatives} or {name, problem}

// --- talking to the server ---------------------------------------------------------------------------------------

async function smaller(file) {
  if (!file.type.startsWith("image/")) return file;
  let picture;
  try { picture = await createImageBitmap(file); } catch { return file; }  // the server says what is wrong with it
  const scale = LARGEST / Math.max(picture.width, picture.height);
  if (scale >= 1) return file;
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(picture.width * scale));
  canvas.height = Math.max(1, Math.round(picture.height * scale));
  const pen = canvas.getContext("2d");
  pen.fillStyle = "#fff";
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.drawImage(picture, 0, 0, canvas.width, canvas.height);
  const blob = await new Promise(done => canvas.toBlob(done, "image/jpeg", 0.92));
  return new File([blob], file.name, { type: "image/jpeg" });
}

async function ask(files, reader, pattern) {
  const body = new FormData();
  for (const file of files) body.append("file", file, file.name || "picture.png");
  for (const [key, value] of Object.entries({ reader, pattern, top: "3", seen: "true" })) if (value) body.append(key, value);
  const headers = $("token")?.value ? { Authorization: `Bearer ${$("token").value}` } : {};
  let answer, told;
  try {
    answer = await fetch("api/read", { method: "POST", body, headers });
    told = await answer.json();
  } catch { throw new Error("the server does not answer: is it running?"); }
  if (answer.ok) return told;
  if (told.images) return told.images;
  throw new Error(told.detail);
}

// --- the list ----------------------------------------------------------------------------------------------------

const percent = share => `${(100 * share).toFixed(share > 0.9995 ? 0 : 1)} %`;

function show(file, row) {
  const item = $("result").content.cloneNode(true).firstElementChild, part = name => item.querySelector(name);
  part(".name").textContent = row.name;
  if (file && !row.problem) {
    part(".shown img").src = URL.createObjectURL(file);
    part(".shown img").alt = `The picture ${row.name}`;
  } else part(".shown").remove();
  if (row.problem) {
    part(".text").textContent = "not read";
    part(".sure").textContent = row.problem;
    part(".sure").classList.add("failed");
    part(".seen").remove();
  } else {
    part(".text").textContent = row.text || "(nothing)";
    part(".sure").textContent = `${percent(row.confidence)} sure` + (row.unsure ? ": please check" : "");
    part(".sure").classList.toggle("unsure", row.unsure);
    const others = row.alternatives.filter(other => other.text !== row.text && other.confidence >= 0.0005);
    if (others.length) part(".others").textContent = "or " + others.map(other => `${other.text} (${percent(other.confidence)})`).join(", ");
    part(".seen img").src = row.seen;
    for (const [left, right] of row.spans) {
      const mark = document.createElement("span");
      mark.style.left = `${100 * left / row.width}%`;
      mark.style.width = `${100 * (right - left) / row.width}%`;
      part(".marks").append(mark);
    }
  }
  $("results").append(item);
  rows.push(row);
  $("take").hidden = false;
}

let line = Promise.resolve();  // one batch after the other, in the order in which they came

function readAll(files, reader = $("reader").value, pattern = $("pattern").value.trim()) {
  const all = [...files];
  if (all.length) line = line.then(() => work(all, reader, pattern));
  return line;
}

async function work(files, reader, pattern) {
  const bar = $("progress"), begun = rows.length;
  bar.max = files.length;
  bar.value = 0;
  bar.hidden = files.length < 2;
  let some, next = null;
  for (let i = 0; i < files.length; i += some.length) {
    const sent = [];
    for (let bytes = 0; sent.length < AT_A_TIME && i + sent.length < files.length; next = null) {
      next ??= await smaller(files[i + sent.length]);
      if (sent.length && bytes + next.size > ENOUGH) break;  // it opens the next request
      bytes += next.size;
      sent.push(next);
    }
    some = files.slice(i, i + sent.length);
    $("status").textContent = `Reading ${i + 1} to ${i + some.length} of ${files.length} ...`;
    let found;
    try {
      found = await ask(sent, reader, pattern);
    } catch (error) {
      found = some.map(file => ({ name: file.name, problem: error.message }));  // the next ones may fare better
    }
    found.forEach((row, k) => show(some[k], row));
    bar.value = i + some.length;
  }
  bar.hidden = true;
  const done = rows.slice(begun), read = done.filter(row => !row.problem), unsure = read.filter(row => row.unsure).length;
  const [one] = done;
  $("status").textContent = done.length > 1 ? `${read.length} of ${done.length} pictures read` + (unsure ? `, ${unsure} to check.` : ".")
    : one.problem ? `Not read: ${one.problem}` : `Read: ${one.text}` + (one.unsure ? ", please check." : ".");
}

const cell = value => /[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;

function csv() {
  const lines = rows.map(row => [row.name, row.text ?? "", row.confidence ?? "", row.unsure ?? "", row.problem ?? ""]);
  return [["name", "text", "confidence", "unsure", "problem"], ...lines].map(cells => cells.map(value => cell(String(value))).join(",")).join("\r\n") + "\r\n";
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
  } catch { $("status").textContent = "The browser does not let a page copy here: download the CSV instead."; }
});
$("clear").addEventListener("click", () => {
  rows.length = 0;
  $("results").querySelectorAll(".shown img").forEach(img => URL.revokeObjectURL(img.src));
  $("results").replaceChildren();
  $("take").hidden = true;
  $("status").textContent = "Nothing yet.";
  $("files").focus();
});

// --- ways in -----------------------------------------------------------------------------------------------------

function takesDrops(element, take) {
  for (const kind of ["dragenter", "dragover"]) element.addEventListener(kind, event => { event.preventDefault(); element.classList.add("over"); });
  for (const kind of ["dragleave", "drop"]) element.addEventListener(kind, () => element.classList.remove("over"));
  element.addEventListener("drop", event => { event.preventDefault(); event.stopPropagation(); take(event.dataTransfer.files); });
}

takesDrops($("drop"), readAll);
for (const kind of ["dragover", "drop"]) document.addEventListener(kind, event => event.preventDefault());  // do not leave the page
$("files").addEventListener("change", event => { readAll(event.target.files).then(() => { event.target.value = ""; }); });
document.addEventListener("paste", event => {
  const files = [...event.clipboardData.files];
  if (files.length) { event.preventDefault(); readAll(files); }
});

function about() {
  const reader = readers.find(one => one.name === $("reader").value), score = reader.scores[0];
  const what = reader.kind === "string" ? `Reads strings${reader.lengths ? ` of ${[...new Set(reader.lengths)].join(" to ")}` : ""} of` : "Reads one character of";
  $("about").textContent = `${what} ${reader.alphabet}. Learnt from: ${reader.trained_on}.`
    + (score ? ` ${percent(score.exact)} exact on ${score.on} (n = ${score.n}, 95 % interval ${percent(score.low)} to ${percent(score.high)}).` : "");
}
$("reader").addEventListener("change", about);
about();

for (const [reader, file] of examples) {
  const button = document.createElement("button"), img = document.createElement("img");
  button.type = "button";
  img.src = `static/examples/${file}`;
  img.alt = `Example for ${reader}: ${file.replace(".png", "")}`;
  button.append(img);
  button.addEventListener("click", async () => {
    $("reader").value = reader;
    about();
    const data = await (await fetch(img.src)).blob();
    readAll([new File([data], file, { type: "image/png" })], reader, "");
  });
  $("examples").append(button);
}

// --- drawing -----------------------------------------------------------------------------------------------------

const canvas = $("canvas"), pen = canvas.getContext("2d");

function clean() {
  pen.fillStyle = "#fff";
  pen.fillRect(0, 0, canvas.width, canvas.height);
  Object.assign(pen, { strokeStyle: "#000", lineWidth: 12, lineCap: "round", lineJoin: "round" });
}

function at(event) {
  const box = canvas.getBoundingClientRect();
  return [(event.clientX - box.left) * canvas.width / box.width, (event.clientY - box.top) * canvas.height / box.height];
}

let drawing = null;  // the pointer that draws; a second finger does not

canvas.addEventListener("pointerdown", event => {
  if (drawing !== null) return;
  drawing = event.pointerId;
  canvas.setPointerCapture(drawing);
  pen.beginPath();
  pen.moveTo(...at(event));
  pen.lineTo(...at(event));
  pen.stroke();
});
canvas.addEventListener("pointermove", event => {
  if (event.pointerId !== drawing) return;
  pen.lineTo(...at(event));
  pen.stroke();
});
for (const kind of ["pointerup", "pointercancel"]) canvas.addEventListener(kind, event => { if (event.pointerId === drawing) drawing = null; });
clean();
$("clear-drawing").addEventListener("click", clean);
$("read-drawing").addEventListener("click", () => canvas.toBlob(blob => readAll([new File([blob], "drawing.png", { type: "image/png" })])));

// --- the form ----------------------------------------------------------------------------------------------------

for (const field of document.querySelectorAll(".field")) {
  const text = field.querySelector("input"), pick = field.querySelector("input[type=file]"), note = field.querySelector(".note");
  let turn = 0;  // of the last picture or keystroke; an answer that comes later than the next one is dropped
  const tell = (message, check) => {
    note.textContent = message;
    field.classList.toggle("check", check);
    text.setAttribute("aria-invalid", String(check));
  };
  const fill = async files => {
    if (!files.length) return;
    const mine = ++turn;
    text.value = "";
    tell("reading ...", false);
    let row;
    try { [row] = await ask([await smaller(files[0])], field.dataset.reader, field.dataset.pattern); } catch (error) { row = { problem: error.message }; }
    if (mine !== turn) return;
    text.value = row.text ?? "";
    tell(row.problem ? `not read: ${row.problem}` : `${percent(row.confidence)} sure` + (row.unsure ? ": please check" : ""), Boolean(row.problem || row.unsure));
  };
  takesDrops(field, fill);
  field.addEventListener("paste", event => {
    if (!event.clipboardData.files.length) return;
    event.preventDefault();
    event.stopPropagation();
    fill(event.clipboardData.files);
  });
  pick.addEventListener("change", () => fill(pick.files).then(() => { pick.value = ""; }));
  text.addEventListener("input", () => { turn++; tell("", false); });
}
