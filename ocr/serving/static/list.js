// The list of readings: newest first, filtered, sorted, walked through by keys. Rows off the screen
// are not laid out (content-visibility in style.css), so that 5,000 stay quick.

import { $, element } from "./common.js";
import { rows, toCheck, verdict } from "./rows.js";
import { count, onLanguage, word } from "./words.js";

const ORDERS = {
  newest: (a, b) => b.group - a.group || a.id - b.id,
  unsure: (a, b) => toCheck(b) - toCheck(a) || a.confidence - b.confidence || a.id - b.id,
  name: (a, b) => a.name.localeCompare(b.name, undefined, { numeric: true }) || a.id - b.id,
};
const items = new Map(), owners = new WeakMap();  // row -> its li, and back
let current = null, onlyCheck = false, picked = () => {};

export const selected = () => current;

// Call `act` with each row that is selected, null for none.
export function onPick(act) {
  picked = act;
}

function make(row) {
  const image = element("img", { alt: "", loading: "lazy", decoding: "async" });
  if (row.file) image.src = URL.createObjectURL(row.file);
  image.addEventListener("error", () => image.removeAttribute("src"), { once: true });
  const button = element("button", { type: "button", className: "item", tabIndex: -1 },
    image, element("span", { className: "text", dir: "auto" }),
    element("span", { className: "state" }), element("span", { className: "name hint", dir: "auto" }));
  button.addEventListener("click", () => select(row));
  const item = element("li", {}, button);
  items.set(row, item);
  owners.set(item, row);
  return item;
}

function write(row) {
  const item = items.get(row), state = verdict(row), part = name => item.querySelector(name);
  item.dataset.state = state;
  part(".text").textContent = row.text || "–";
  part(".state").textContent = word(`verdict.${state}`);
  part(".name").textContent = row.name;
}

// Add the rows of one selection of files, on top of those before.
export function addItems(added) {
  const newest = $("sort").value === "newest";
  for (const row of added) {
    const item = make(row);
    write(row);
    item.hidden = onlyCheck && !toCheck(row);
    if (!newest) $("results").append(item);
    else if (items.get(row.after)) items.get(row.after).after(item);
    else $("results").prepend(item);
  }
  countAll();
}

// Show a row that has changed; picture: has it another picture, too?
export function refresh(row, picture = false) {
  if (picture) {
    const image = items.get(row).querySelector("img");
    URL.revokeObjectURL(image.src);
    image.src = URL.createObjectURL(row.file);
  }
  write(row);
  countAll();
}

export function removeItem(row) {
  const item = items.get(row);
  URL.revokeObjectURL(item.querySelector("img").src);
  item.remove();
  items.delete(row);
  if (current === row) current = null;
  countAll();
}

function countAll() {
  const doubtful = rows.filter(toCheck).length;
  $("show-all").textContent = word("filter.all", { n: count(rows.length) });
  $("show-check").textContent = word("filter.check", { n: count(doubtful) });
  $("take").hidden = !rows.length;
  $("keys").hidden = rows.length < 2;
  document.body.classList.toggle("has-results", rows.length > 0);
}

// Sort and filter anew; the selected row stays, so that correcting it does not move the rest.
export function arrange() {
  const order = ORDERS[$("sort").value];
  $("results").replaceChildren(...[...items.keys()].sort(order).map(row => {
    items.get(row).hidden = onlyCheck && !toCheck(row);
    return items.get(row);
  }));
  $("show-all").setAttribute("aria-pressed", String(!onlyCheck));
  $("show-check").setAttribute("aria-pressed", String(onlyCheck));
}

const rowOf = item => owners.get(item) ?? null;

export function select(row, { scroll = true, focus = false } = {}) {
  const before = items.get(current)?.firstChild, button = items.get(row)?.firstChild;
  before?.removeAttribute("aria-current");
  if (before) before.tabIndex = -1;
  current = row;
  if (button) {
    button.setAttribute("aria-current", "true");
    button.tabIndex = 0;
    if (scroll) button.scrollIntoView({ block: "nearest" });
    if (focus) button.focus({ preventScroll: true });
  }
  picked(row);
}

// The row `steps` further in the list as it is shown; doubtful: count only those to check.
export function neighbour(steps, doubtful = false) {
  let item = items.get(current), found = null;
  const next = steps < 0 ? "previousElementSibling" : "nextElementSibling";
  for (let left = Math.abs(steps); left && (item = item?.[next]);) {
    if (item.hidden || (doubtful && !["check", "unreadable"].includes(item.dataset.state))) continue;
    found = item;
    left--;
  }
  return found && rowOf(found);
}

const STEPS = { ArrowDown: 1, ArrowUp: -1, j: 1, k: -1, PageDown: 10, PageUp: -10 };

export function walk(event) {
  const steps = STEPS[event.key];
  if (!steps || event.ctrlKey || event.altKey || event.metaKey || !rows.length) return;
  const row = neighbour(steps);
  event.preventDefault();
  if (row) select(row, { focus: $("results").contains(document.activeElement) });
}

$("results").addEventListener("keydown", walk);
$("sort").addEventListener("change", arrange);
for (const [id, only] of [["show-all", false], ["show-check", true]]) {
  $(id).addEventListener("click", () => {
    onlyCheck = only;
    arrange();
    const first = $("results").querySelector("li:not([hidden])");
    if (only && first) select(rowOf(first));
  });
}
onLanguage(() => {
  const kept = $("sort").value || "newest";
  $("sort").replaceChildren(...Object.keys(ORDERS).map(each => {
    return element("option", { value: each, textContent: word(`sort.${each}`) });
  }));
  $("sort").value = kept;
  rows.forEach(write);
  countAll();
});
