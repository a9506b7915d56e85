// One image at a time: type, Enter, next.

import { $, Refusal, get, imageAddress, post, thumbnailAddress } from "./api.js";
import { refreshCurve } from "./curve.js";
import { hideDoubts, showDoubts } from "./doubts.js";
import { hideMany, showMany } from "./many.js";
import { showProgress } from "./progress.js";

const AHEAD = 4;  // images loaded before they are needed
const POLL = 2000;  // milliseconds between questions while guesses are being made

const field = $("text");
const pictures = new Map();  // id -> image element, loaded or loading
let coming = [];
let item = null;  // the image shown
let at = null;  // number of the entry shown where it is an earlier one, null in the queue
let turning = Promise.resolve();  // requests are made one after another
let sent = false;  // is an answer on its way, and the field empty for the next image?
let initial = "";  // what was put into the field
const given = new Map();  // id -> label typed here, to be there again after an undo

function load(id) {
  if (!pictures.has(id)) {
    const picture = new Image();
    picture.src = imageAddress(id);
    picture.decode().catch(() => {});  // a failure is handled where it is shown
    pictures.set(id, picture);
  }
  return pictures.get(id);
}

function show(next, earlier = null) {
  const same = item && next && item.id === next.id && at === earlier;
  item = next;
  at = earlier;
  $("work").hidden = !item;
  $("done").hidden = Boolean(item);
  $("forward").hidden = at === null;
  if (!item) return;
  const picture = load(item.id);
  picture.alt = `Image to label: ${item.file}`;
  picture.onerror = () => passOver(item, picture);
  if (picture.complete && !picture.naturalWidth) passOver(item, picture);
  $("picture").replaceChildren(picture);
  $("place").textContent = item.file + (at === null ? "" : ": answered before");
  fill(item.state === "labelled" ? item.label : given.get(item.id) ?? item.guess, same);
}

// Put a text into the field; what was typed for this image in the meantime stays.
function fill(text, same) {
  const typed = sent ? field.value !== "" : same && field.value !== initial;
  initial = text;
  if (!typed) {
    field.value = text;
    field.select();
  }
  const sure = item.guess && item.state !== "labelled";
  $("sure").textContent = sure ? `guessed, confidence ${Math.round(100 * item.confidence)} %` : "";
  if (document.activeElement === document.body) field.focus();
}

async function passOver(broken, picture) {
  if (broken !== item || picture.passedOver) return;
  picture.passedOver = true;
  pictures.delete(broken.id);
  $("message").textContent = `${broken.file} cannot be shown any more: passed over`;
  await refresh();
}

function take(answer) {
  coming = answer.coming;
  showProgress(answer.state);
  show(coming[0] ?? null);
  const ahead = coming.slice(0, AHEAD).map(each => each.id);
  for (const id of pictures.keys()) {
    if (!ahead.includes(id)) pictures.delete(id);
  }
  ahead.forEach(load);
  requestAnimationFrame(showComing);
}

function showComing() {
  const box = $("coming"), there = new Map([...box.children].map(li => [li.dataset.id, li]));
  box.replaceChildren(...coming.slice(1).map(each => {
    const id = String(each.id);
    if (there.has(id)) return there.get(id);
    const line = document.createElement("li"), picture = new Image();
    picture.alt = each.file;
    picture.src = thumbnailAddress(each.id);
    line.dataset.id = id;
    line.append(picture);
    return line;
  }));
}

// Make a request when those before it are done; its answer brings the next images. `then` sees the
// answer, null where it was refused.
function act(request, then = () => {}) {
  turning = turning.then(async () => {
    try {
      const answer = await request();
      take(answer);
      then(answer);
    } catch (error) {
      refuse(error);
      then(null);
    }
  });
  return turning;
}

const refresh = () => act(() => get("next"));

function refuse(error) {
  if (!(error instanceof Refusal)) throw error;
  $("message").textContent = error.message;
  if (error.status === 409 && error.current) {
    const { current } = error;
    const now = current.state === "labelled" ? `“${current.label}”` : current.state || "undone";
    $("message").textContent = `${error.message}: ${now}. Enter saves what is in the field now.`;
    if (item && current.id === item.id) item = current;
  } else if (error.status === 507 || error.status === 0) {
    $("problem").textContent = error.message;
    $("problem").hidden = false;
  }
}

function answer(state) {
  if (!item || sent) return;
  const { id, file, seen } = item, typed = field.value;
  const label = state === "labelled" ? typed : "";
  $("message").textContent = "";
  field.value = "";
  sent = true;
  act(() => post("label", { id, state, label, seen }), taken => {
    sent = false;
    if (taken) {
      if (label) given.set(id, taken.saved.label);
      $("saved").textContent = state === "labelled" ? `Saved: ${taken.saved.label} (${file})`
        : state === "skipped" ? `Put off: ${file}` : `Nobody can read: ${file}`;
    } else if (field.value === "") {
      field.value = typed || item.label;
      field.select();
    }
  });
}

function undo() {
  $("message").textContent = "";
  act(() => post("undo", {}), taken => {
    if (!taken) return;
    if (!taken.undone) {
      $("message").textContent = "There is nothing to undo.";
      return;
    }
    show(taken.undone);
    $("saved").textContent = `Undone: ${taken.undone.file}`;
  });
}

function previous() {
  turning = turning.then(turnBack);
}

async function turnBack() {
  const before = at === null ? "" : `?before=${at}`;
  try {
    const { item: earlier } = await get(`previous${before}`);
    if (earlier) show(earlier, earlier.at);
    else $("message").textContent = "There is nothing before this.";
  } catch (error) {
    refuse(error);
  }
}

// --- keys

const KEYS = {
  Escape: () => answer("skipped"),
  F2: () => answer("unreadable"),
  PageUp: previous,
  PageDown: refresh,
};

function onKey(event) {
  if (event.isComposing || $("one").hidden) return;
  const { key, ctrlKey, metaKey, altKey, shiftKey } = event;
  let action = KEYS[key];
  if (key === "Tab" && !shiftKey && event.target === field) action = KEYS.Escape;
  if (altKey && key === "ArrowLeft") action = previous;
  if (altKey && key === "ArrowRight") action = refresh;
  const typing = event.target === field && field.value !== initial;  // the browser's own undo
  if ((ctrlKey || metaKey) && key.toLowerCase() === "z" && !typing) action = undo;
  if (!action || (key === "Escape" && !item)) return;
  event.preventDefault();
  if (!event.repeat) action();
}

document.addEventListener("keydown", onKey);
field.addEventListener("keydown", event => {
  if (event.key === "Enter" && event.repeat) event.preventDefault();  // a key held down
});
$("form").addEventListener("submit", event => {
  event.preventDefault();
  answer("labelled");
  field.focus();
});
for (const [id, action] of Object.entries({
  later: KEYS.Escape, unreadable: KEYS.F2, undo, previous, forward: refresh,
})) {
  $(id).addEventListener("click", () => {
    action();
    field.focus();
  });
}

// --- views

const VIEWS = ["one", "many", "doubts"];

function choose(view) {
  for (const each of VIEWS) {
    $(each).hidden = each !== view;
    $(`show-${each}`).setAttribute("aria-pressed", String(each === view));
  }
  if (view === "many") return showMany();
  hideMany();
  if (view === "doubts") return showDoubts();
  hideDoubts();
  field.focus();
  return refresh();
}
VIEWS.forEach(view => $(`show-${view}`).addEventListener("click", () => choose(view)));

// --- guesses that arrive while the image is in view

async function poll() {
  try {
    const { state } = await get("state");
    showProgress(state);
    await refreshCurve(state);
    const waiting = () => item && !item.guess && !item.state && !sent && field.value === "";
    if (waiting()) {
      const shown = item, { item: now } = await get(`item/${shown.id}`);
      if (shown === item && waiting() && now.guess) {
        item = now;
        fill(now.guess, true);
      }
    }
    schedule(state);
  } catch {
    setTimeout(poll, 5 * POLL);
  }
}

function schedule(state) {
  const { share } = state.guesser;
  setTimeout(poll, share !== null && share < 1 ? POLL : 5 * POLL);
}

const { state, alphabet } = await get("state");
if (alphabet) $("alphabet").textContent = `Alphabet: ${alphabet}`;
await refresh();
field.focus();
await refreshCurve(state);
schedule(state);
