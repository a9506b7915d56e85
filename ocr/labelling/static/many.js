// Check many at once: thumbnails sorted by text, in a list that holds only what is in view.

import { $, Refusal, get, imageAddress, post, thumbnailAddress } from "./api.js";
import { showProgress } from "./progress.js";

const MARGIN = 3;  // rows kept above and below the view
const MARKS = { label: "✓", guess: "?" };

const grid = $("grid"), tiles = $("tiles"), editor = $("editor");
const drawn = new Map();  // index -> tile
let rows = [];  // objects {id, file, text, kind, seen, confidence}, all images
let shown = [];  // those that the choice shows
let selected = 0;
let tile = { width: 160, height: 112 };  // pixels, measured
let columns = 1;

export async function showMany() {
  await sort();
  grid.focus();
}

export function hideMany() {
  clear();
  rows = shown = [];
}

async function sort() {
  const answer = await get("list");
  rows = answer.rows.map(([id, file, text, kind, seen, confidence]) => (
    { id, file, text, kind, seen, confidence }
  ));
  choose();
}

function choose() {
  const which = $("which").value;
  shown = which === "all" ? rows : rows.filter(row => row.kind === which);
  $("many-count").textContent = `${shown.length.toLocaleString("en")} images`;
  selected = 0;
  grid.scrollTop = 0;
  layOut();
}

function clear() {
  drawn.forEach(each => each.remove());
  drawn.clear();
}

function layOut() {
  clear();
  const rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
  tile = { width: 9.5 * rem, height: 6.5 * rem };
  columns = Math.max(1, Math.floor(grid.clientWidth / tile.width));
  tiles.style.height = `${Math.ceil(shown.length / columns) * tile.height}px`;
  draw();
}

function draw() {
  const first = Math.max(0, Math.floor(grid.scrollTop / tile.height) - MARGIN);
  const last = Math.ceil((grid.scrollTop + grid.clientHeight) / tile.height) + MARGIN;
  const from = first * columns, to = Math.min(shown.length, last * columns);
  for (const [index, each] of drawn) {
    if (index < from || index >= to) {
      each.remove();
      drawn.delete(index);
    }
  }
  for (let index = from; index < to; index++) {
    if (!drawn.has(index)) {
      drawn.set(index, make(index));
      tiles.append(drawn.get(index));
    }
  }
  mark();
}

function make(index) {
  const row = shown[index], box = document.createElement("div"), picture = new Image();
  box.id = `tile-${index}`;
  box.setAttribute("role", "option");
  box.setAttribute("aria-setsize", shown.length);
  box.setAttribute("aria-posinset", index + 1);
  box.style.left = `${(index % columns) * tile.width}px`;
  box.style.top = `${Math.floor(index / columns) * tile.height}px`;
  picture.alt = "";
  picture.src = thumbnailAddress(row.id);
  box.append(picture, document.createElement("span"));
  box.addEventListener("click", () => {
    select(index);
    edit();
  });
  describe(box, row);
  return box;
}

function describe(box, row) {
  box.className = `tile ${row.kind}`;
  box.lastElementChild.textContent = row.text ? `${MARKS[row.kind]} ${row.text}` : "–";
  const kind = { label: "label", guess: "guess" }[row.kind] ?? "no text";
  box.setAttribute("aria-label", `${row.text} ${kind}, ${row.file}`.trim());
}

function mark() {
  for (const [index, each] of drawn) each.setAttribute("aria-selected", index === selected);
  if (drawn.has(selected)) grid.setAttribute("aria-activedescendant", `tile-${selected}`);
  else grid.removeAttribute("aria-activedescendant");
}

function select(index) {
  selected = Math.min(Math.max(index, 0), shown.length - 1);
  const top = Math.floor(selected / columns) * tile.height;
  if (top < grid.scrollTop) grid.scrollTop = top;
  const lowest = top + tile.height - grid.clientHeight;
  if (lowest > grid.scrollTop) grid.scrollTop = lowest;
  draw();
}

grid.addEventListener("keydown", event => {
  const page = Math.max(1, Math.floor(grid.clientHeight / tile.height)) * columns;
  const moves = {
    ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns,
    PageDown: page, PageUp: -page, Home: -shown.length, End: shown.length,
  };
  if (event.key in moves) select(selected + moves[event.key]);
  else if (event.key === "Enter" || event.key === " ") edit();
  else return;
  event.preventDefault();
});
grid.addEventListener("scroll", () => requestAnimationFrame(draw), { passive: true });
new ResizeObserver(() => shown.length && layOut()).observe(grid);
$("which").addEventListener("change", choose);
$("sort").addEventListener("click", sort);

// --- correct one

function edit() {
  const row = shown[selected];
  if (!row) return;
  const picture = new Image();
  picture.alt = `Image to label: ${row.file}`;
  picture.src = imageAddress(row.id);
  $("editor-picture").replaceChildren(picture);
  $("editor-title").textContent = row.file;
  $("editor-text").value = row.text;
  $("editor-message").textContent = "";
  editor.showModal();
  $("editor-text").select();
}

async function save(state) {
  const row = shown[selected], label = state === "labelled" ? $("editor-text").value : "";
  try {
    const { saved, state: progress } = await post(
      "label", { id: row.id, state, label, seen: row.seen },
    );
    Object.assign(row, { text: saved.label, kind: saved.label ? "label" : "", seen: saved.seen });
    if (drawn.has(selected)) describe(drawn.get(selected), row);
    showProgress(progress);
    $("saved").textContent = `Saved: ${saved.label || "nobody can read"} (${row.file})`;
    editor.close();
    select(selected + 1);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    $("editor-message").textContent = error.message;
    if (error.current) {
      row.seen = error.current.seen;
      const now = error.current.label || error.current.state || "undone";
      $("editor-message").textContent = `${error.message}: ${now}. Enter saves this one.`;
    }
  }
}

$("editor-form").addEventListener("submit", event => {
  event.preventDefault();
  save("labelled");
});
editor.addEventListener("keydown", event => {
  if (event.key !== "F2") return;
  event.preventDefault();
  save("unreadable");
});
$("editor-unreadable").addEventListener("click", () => save("unreadable"));
$("editor-close").addEventListener("click", () => editor.close());
editor.addEventListener("close", () => grid.focus());
