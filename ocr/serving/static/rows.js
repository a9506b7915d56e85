// The readings as a model: what is known of each picture, and the tables that are made of them.
//
// A row: {id, file, name, text, read, confidence, trusted, reader, problem, alternatives, spans,
// box, parts, width, height, seen, state, original}. read: the text as it was read; state:
// "accepted" or "corrected" by a person, else null; original: the file before it was cropped.

export const SURE = "sure", CHECK = "check", UNREADABLE = "unreadable";
export const ACCEPTED = "accepted", CORRECTED = "corrected";
export const rows = [];  // in the order in which they were read
let last = 0;

export function addRow(file, found) {
  const row = { id: ++last, original: null };
  rows.push(row);
  return update(row, file, found);
}

// Take a new reading of a row's picture.
export function update(row, file, found) {
  const empty = { confidence: 0, trusted: false, alternatives: [], spans: [], problem: null };
  return Object.assign(row, { box: null, parts: null, seen: null, reader: null }, empty, found, {
    file, name: row.name ?? found.name, text: found.text ?? "", read: found.text ?? "", state: null,
  });
}

export function verdict(row) {
  if (row.state) return row.state;
  if (row.problem !== null && !row.text) return UNREADABLE;
  return row.trusted && !row.mismatch ? SURE : CHECK;
}

export const toCheck = row => [CHECK, UNREADABLE].includes(verdict(row));

// A person says that `text` is right.
export function confirm(row, text) {
  row.text = text;
  row.state = text === row.read ? ACCEPTED : CORRECTED;
}

export function forget(row) {
  rows.splice(rows.indexOf(row), 1);
}

// --- tables

// A cell that a spreadsheet would take for a formula begins with an apostrophe, see no_formula in
// ocr/reading/files.py.
function noFormula(value) {
  const number = /^[-+]?\p{Nd}+([.,]\p{Nd}+)*$/u.test(value);
  return /^[=+\-@\t\r']/.test(value) && !number ? `'${value}` : value;
}

function quote(value) {
  return /[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
}

function table(lines) {
  const line = cells => cells.map(cell => quote(noFormula(String(cell ?? "")))).join(",") + "\r\n";
  return lines.map(line).join("");
}

// All readings, with the columns of `ocr read`, and what a person said of them.
export function csv() {
  const columns = ["path", "text", "confidence", "trusted", "error", "reader", "person"];
  const cells = row => [
    row.name, row.text, row.confidence, row.trusted, row.state ? null : row.problem, row.reader,
    row.state,
  ];
  return table([columns, ...rows.map(cells)]);
}

// What a person accepted or corrected, to train on: labels.csv as `ocr train` takes it.
export function labels() {
  const sure = rows.filter(row => row.state && row.text);
  return table([["file", "label"], ...sure.map(row => [row.name, row.text])]);
}
