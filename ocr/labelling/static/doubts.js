// Second look: labels that readers contradict which never saw them. Enter keeps, typing corrects.

import { $, Refusal, get, imageAddress, post, thumbnailAddress } from "./api.js";
import { showProgress } from "./progress.js";

const text = $("doubt-text");
let rows = [];  // of the server: images with `label`, `read` and `sure`
let index = 0;  // of the one in view

export async function showDoubts() {
  rows = (await get("doubts")).doubts;
  show(0);
}

export function hideDoubts() {
  rows = [];
  $("doubts-list").replaceChildren();
}

function show(wanted) {
  index = rows.length ? (wanted + rows.length) % rows.length : 0;
  const row = rows[index];
  $("doubts-done").hidden = Boolean(row);
  $("doubts-work").hidden = !row;
  $("doubts-list").replaceChildren(...rows.map(entry));
  if (!row) return;
  const picture = new Image();
  picture.alt = `Image to look at again: ${row.file}`;
  picture.src = imageAddress(row.id);
  $("doubt-picture").replaceChildren(picture);
  $("doubt-place").textContent = `${index + 1} of ${rows.length}: ${row.file}`;
  const sure = Math.round(100 * row.sure);
  $("doubt-read").textContent = `Labelled “${row.label}”, read “${row.read}” (${sure} %)`;
  $("doubt-message").textContent = "";
  text.value = row.label;
  text.focus();
  text.select();
}

function entry(row, place) {
  const line = document.createElement("li"), button = document.createElement("button");
  const picture = new Image(), words = document.createElement("span");
  button.type = "button";
  button.className = "quiet";
  if (place === index) button.setAttribute("aria-current", "true");
  picture.alt = "";
  picture.src = thumbnailAddress(row.id);
  words.textContent = `${row.label} or ${row.read}?`;
  button.append(picture, words);
  button.addEventListener("click", () => show(place));
  line.append(button);
  return line;
}

async function settle(state) {
  const row = rows[index], { id, seen, file } = row, typed = text.value.trim();
  const kept = state === "labelled" && typed === row.label;
  const label = state === "labelled" ? typed : "";
  try {
    const answer = kept ? await post("keep", { id, label })
      : await post("label", { id, state, label, seen });
    const words = kept ? `Kept: ${label}` : label ? `Corrected: ${answer.saved.label}`
      : "Nobody can read";
    $("doubt-saved").textContent = `${words} (${file})`;
    rows.splice(index, 1);
    show(index === rows.length ? 0 : index);
    showProgress(answer.state);
    if (!rows.length) $("show-one").focus();
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    if (error.current) row.seen = error.current.seen;
    $("doubt-message").textContent = error.message;
  }
}

function take() {
  text.value = rows[index].read;
  return settle("labelled");
}

const KEYS = { Escape: () => show(index + 1), F2: () => settle("unreadable"), F4: take };

document.addEventListener("keydown", event => {
  const action = KEYS[event.key];
  if (!action || event.repeat || event.isComposing || $("doubts").hidden || !rows.length) return;
  event.preventDefault();
  action();
});
$("doubt-form").addEventListener("submit", event => {
  event.preventDefault();
  settle("labelled");
});
$("doubt-take").addEventListener("click", take);
$("doubt-unreadable").addEventListener("click", KEYS.F2);
$("doubt-later").addEventListener("click", KEYS.Escape);
