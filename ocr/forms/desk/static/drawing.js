// Draw a form: the fields as boxes on the page, and their properties; every change is saved.

import { $, element, get, post } from "./api.js";
import { Boxes } from "./boxes.js";
import { readProperties, setUpProperties, showProperties } from "./properties.js";

const SAVED_AFTER = 300;  // milliseconds without a change
const ZOOMS = [1, 1.5, 2, 3];
const state = await get("api/form");
const facts = state.facts;
let digest = state.digest, timer = null, saving = Promise.resolve(), changes = 0, zoom = 0;
const earlier = [];  // the fields before each change, as JSON
let now = JSON.stringify(facts.fields);

const boxes = new Boxes($("view"), $("sheet"), { chosen: choose, drawn: add, changed });

// --- saving

function changed() {
  const next = JSON.stringify(facts.fields);
  if (next !== now) earlier.push(now);
  now = next;
  list();
  save();
}

function save() {
  changes++;
  clearTimeout(timer);
  $("status").textContent = "Saving …";
  timer = setTimeout(() => { saving = saving.then(send); }, SAVED_AFTER);
}

async function send() {
  const sent = changes;
  try {
    const answer = await post("api/form", { facts, digest });
    digest = answer.digest;
    $("problem").textContent = "";
    $("warning").textContent = answer.warning ?? "";
    if (sent !== changes) return;  // newer ones wait to be saved
    $("status").textContent = `Saved: ${facts.fields.length} fields in ${state.out}`;
  } catch (error) {
    $("problem").textContent = `Not saved: ${error.message}`;
    $("status").textContent = "";
  }
}

function undo() {
  if (!earlier.length) return;
  now = earlier.pop();
  facts.fields = JSON.parse(now);
  show(null);
  save();
}

// --- fields

function show(field) {
  boxes.show(facts.fields);
  choose(field);
  list();
}

function choose(field) {
  boxes.mark(field);
  $("field").hidden = !field;
  $("none").hidden = Boolean(field);
  if (field) {
    showProperties(field);
    $("rows").hidden = !rowsBelow(field).length;
  }
  for (const { firstChild: button } of $("list").children) {
    button.setAttribute("aria-pressed", String(button.field === field));
  }
}

function list() {
  $("list").replaceChildren(...facts.fields.map(field => {
    const button = element("button", { type: "button", className: "quiet" }, describe(field));
    button.field = field;
    button.setAttribute("aria-pressed", String(field === boxes.field));
    button.addEventListener("click", () => {
      choose(field);
      boxes.reveal();
    });
    return element("li", {}, button);
  }));
}

function describe(field) {
  const cells = field.boxes ? `, ${field.boxes} cells` : "";
  return `${field.name || "(no name)"}: ${field.reader} ${field.type ?? ""}${cells}`;
}

const stemOf = name => name.replace(/_?\d+$/, "") || "field";

function freeName(stem) {
  const names = new Set(facts.fields.map(field => field.name));
  let number = 1;
  while (names.has(`${stem}_${number}`)) number++;
  return `${stem}_${number}`;
}

// Add a field with a box, and the properties of another.
function add(box, like = { name: "field", reader: state.readers.find(name => name === "numbers")
  ?? state.readers[0] }) {
  const field = { ...structuredClone(like), name: freeName(stemOf(like.name)), box };
  facts.fields.push(field);
  show(field);
  changed();
  return field;
}

function copyBelow() {
  if (!boxes.field) return;
  const [left, top, width, height] = boxes.field.box, next = top + 1.25 * height;
  if (next + height > 1) return;
  add([left, next, width, height], boxes.field);
  boxes.reveal();
}

function remove() {
  const at = facts.fields.indexOf(boxes.field);
  if (at < 0) return;
  facts.fields.splice(at, 1);
  show(facts.fields[Math.min(at, facts.fields.length - 1)] ?? null);
  boxes.reveal();
  changed();
}

// The boxes of one size that follow each other below a field: the rows of its column.
function rowsBelow(field) {
  const rows = [field], alike = (a, b) => Math.abs(a - b) < 0.012;
  const [left, , width, height] = field.box;
  for (const other of facts.fields.toSorted((a, b) => a.box[1] - b.box[1])) {
    const { box } = other, gap = box[1] - rows.at(-1).box[1] - height;
    if (gap > -0.2 * height && gap < 0.6 * height && alike(box[0], left) && alike(box[2], width)
      && alike(box[3], height)) rows.push(other);
  }
  return rows.slice(1);
}

// Give the rows of a column the properties of its first, and its name with their numbers.
function nameRows() {
  const first = boxes.field, stem = stemOf(first.name);
  for (const [row, field] of rowsBelow(first).entries()) {
    const made = { ...structuredClone(first), name: `${stem}_${row + 2}`, box: field.box };
    for (const key of Object.keys(field)) delete field[key];
    Object.assign(field, made);
  }
  first.name = `${stem}_1`;
  show(first);
  changed();
}

// --- keys and buttons

const KEYS = { n: () => boxes.draw(true), d: copyBelow, Delete: remove, Backspace: remove };

document.addEventListener("keydown", event => {
  const typing = event.target.matches("input, select, textarea");
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z" && !typing) {
    event.preventDefault();
    undo();
  } else if (!typing && !event.ctrlKey && !event.metaKey && !event.altKey && KEYS[event.key]) {
    event.preventDefault();
    KEYS[event.key]();
  } else if (event.key === "Enter" && event.target.matches(".box")) {
    event.preventDefault();
    $("name").select();
  } else if (event.key === "Enter" && event.target.matches("#field input")) {
    event.preventDefault();
    boxes.reveal();
  }
});

$("draw").addEventListener("click", () => boxes.draw($("draw").ariaPressed !== "true"));
for (const [id, action] of Object.entries({ copy: copyBelow, remove, undo, rows: nameRows })) {
  $(id).addEventListener("click", action);
}

function zoomBy(step) {
  zoom = Math.min(Math.max(zoom + step, 0), ZOOMS.length - 1);
  $("sheet").style.width = `${100 * ZOOMS[zoom]}%`;
  boxes.reveal();
}
$("smaller").addEventListener("click", () => zoomBy(-1));
$("larger").addEventListener("click", () => zoomBy(1));

setUpProperties(state, () => {
  readProperties(boxes.field);
  boxes.show(facts.fields);
  boxes.mark(boxes.field);
  changed();
});

// --- the form itself

$("form-name").value = facts.name ?? "";
$("rules").value = (facts.rules ?? []).join("\n");
$("accept").value = facts.accept ?? "";
$("about").addEventListener("change", () => {
  const rules = $("rules").value.split("\n").map(line => line.trim()).filter(Boolean);
  const given = { name: $("form-name").value.trim(), rules, accept: $("accept").valueAsNumber };
  for (const [key, value] of Object.entries(given)) {
    const empty = !value?.length && !(value >= 0);
    if (empty) delete facts[key];
    else facts[key] = value;
  }
  save();
});

$("next").textContent = `ocr form read ${state.out} SCANS --out rows.csv`;
if (!facts.fields.length && state.found.length) {
  facts.fields = state.found;
  show(facts.fields[0]);
  changed();
  $("status").textContent = `${state.found.length} boxes found: name them, draw others`;
} else {
  show(facts.fields[0] ?? null);
}
