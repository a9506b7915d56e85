// One field at a time: Enter accepts what was read, typing replaces it.

import { $, Refusal, element, get, post } from "./api.js";

const field = $("text"), session = document.body.dataset.session;
const pictures = new Map();  // key -> image element, loaded or loading
let item = null;  // the field shown
let again = false;  // was this answer refused because it breaks a rule?
let turning = Promise.resolve();  // requests are made one after another
let initial = "";  // what was put into the text field

const keyOf = ({ row, field: name }) => `${row}/${encodeURIComponent(name)}`;

function load(next) {
  const key = keyOf(next);
  if (!pictures.has(key)) {
    const picture = new Image();
    picture.src = `cutout/${session}/${key}`;
    picture.alt = `The field ${next.field} on ${next.file}`;
    picture.onerror = () => { $("problem").textContent = `${next.file} cannot be shown`; };
    pictures.set(key, picture);
  }
  return pictures.get(key);
}

function show(next, how = {}) {
  const same = item && next && keyOf(item) === keyOf(next) && !how.fresh;
  item = next;
  $("work").hidden = !item;
  $("done").hidden = Boolean(item);
  if (!item || same) return;
  again = false;
  hidePage();
  $("picture").replaceChildren(load(item));
  $("field").textContent = item.field.replaceAll("_", " ");
  $("place").textContent = item.file;
  $("why").textContent = item.problem ?? "";
  $("sure").textContent = `read with confidence ${Math.round(100 * item.confidence)} %`;
  $("may").textContent = item.may;
  const others = item.alternatives.filter(text => text !== item.text);
  $("others").textContent = others.length ? `or: ${others.join(", ")}` : "";
  $("other").hidden = !others.length;
  initial = item.text || item.read;
  field.value = initial;
  field.select();
  if (document.activeElement === document.body) field.focus();
}

function take({ state, coming }, next = coming[0] ?? null, how = {}) {
  const fields = `${state.waiting} field${state.waiting === 1 ? "" : "s"}`;
  $("counts").textContent = `${fields} on ${state.pages} pages to see; `
    + `${state.answered} answered, ${state.corrected} of them corrected`;
  $("problem").textContent = "";
  const keep = [next, ...coming].filter(Boolean);
  for (const key of pictures.keys()) {
    if (!keep.some(each => keyOf(each) === key)) pictures.delete(key);
  }
  show(next, how);
  coming.forEach(load);
}

// Make a request when those before it are done.
function act(request) {
  turning = turning.then(async () => {
    try {
      await request();
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      again = Boolean(error.answer.again);
      $(again || error.status === 422 ? "message" : "problem").textContent = error.message;
    }
  });
}

function answer(state) {
  if (!item) return;
  const { row, field: name, file } = item, text = state === "answered" ? field.value : "";
  $("message").textContent = "";
  const insists = Number(again && text === field.value);
  act(async () => {
    const taken = await post("api/answer", { row, field: name, state, text, again: insists });
    const said = state === "answered" ? taken.saved.text || "nothing" : "nobody can read it";
    $("saved").textContent = `Saved: ${name} ${said} (${file})`;
    take(taken);
    field.focus();
  });
}

function later() {
  if (!item) return;
  $("message").textContent = "";
  act(async () => take(await post("api/later", { row: item.row, field: item.field })));
}

function undo() {
  $("message").textContent = "";
  act(async () => {
    const taken = await post("api/undo", {});
    if (taken.undone) take(taken, taken.undone, { fresh: true });
    $("saved").textContent = taken.undone ? `Undone: ${taken.undone.field}` : "Nothing to undo.";
  });
}

function nextAlternative(step = 1) {
  const texts = [...new Set([item.read, ...item.alternatives])];
  const at = texts.indexOf(field.value);
  field.value = texts[(at + step + texts.length) % texts.length];
}

function hidePage() {
  $("page").replaceChildren();
  $("whole").setAttribute("aria-expanded", "false");
}

function togglePage() {
  if ($("page").firstChild) return hidePage();
  const src = `whole/${session}/${keyOf(item)}`;
  $("page").append(element("img", { src, alt: `The page ${item.file}, the field marked` }));
  return $("whole").setAttribute("aria-expanded", "true");
}

// --- keys and buttons

const KEYS = {
  Escape: later, F2: () => answer("unreadable"), F4: togglePage, ArrowDown: () => nextAlternative(),
  ArrowUp: () => nextAlternative(-1),
};

document.addEventListener("keydown", event => {
  if (event.isComposing || event.altKey) return;
  const typing = event.target === field && field.value !== initial;  // the browser's own undo
  let action = item ? KEYS[event.key] : null;
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z" && !typing) action = undo;
  if (!action) return;
  event.preventDefault();
  if (!event.repeat) action();
});
field.addEventListener("keydown", event => {
  if (event.key === "Enter" && event.repeat) event.preventDefault();  // a key held down
});
field.addEventListener("input", () => {
  again = false;
  $("message").textContent = "";
});
$("form").addEventListener("submit", event => {
  event.preventDefault();
  answer("answered");
});
for (const [id, action] of Object.entries({
  later, undo, whole: togglePage, other: () => nextAlternative(),
  unreadable: () => answer("unreadable"),
})) {
  $(id).addEventListener("click", () => {
    action();
    field.focus();
  });
}

take(await get("api/next"));
field.focus();
