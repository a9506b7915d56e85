// The place to read: pictures in, a list of readings out. No library, no other server. `ocr page`
// puts it into a file that reads by itself, with another requests.js: ocr/page/static/requests.js.

import { chooseReader, chosenOptions, mismatches } from "./choices.js";
import { $, acceptDrops, download, element, embedded } from "./common.js";
import { showDetail, startDetail } from "./detail.js";
import {
  addItems, arrange, neighbour, onPick, refresh, removeItem, select, selected, walk,
} from "./list.js";
import { startDrawing } from "./pen.js";
import { EXAMPLES, exampleFile, exampleSource, requestReadings, scaleDown } from "./requests.js";
import { addRow, confirm, csv, forget, labels, rows, toCheck, update, verdict } from "./rows.js";
import { count, onLanguage, word } from "./words.js";

const BATCH = 8;          // pictures in a request
const BATCH_BYTES = 8e6;  // bytes in a request of more than one picture
let queue = Promise.resolve();  // one selection after the other, in the order in which they came
let rereads = Promise.resolve();  // of single pictures, in the order in which they were asked for
let groups = 0, say = ["nothing"];

function status(key, values) {
  say = [key, values];
  $("status").textContent = word(...say);
}

async function ask(files, { format, ...options }) {
  const found = await requestReadings(files, options).catch(error => {  // the next may succeed
    return files.map(file => ({ name: file.name, problem: word(error.message) }));
  });
  return found.map(each => ({ ...each, mismatch: Boolean(each.text) && mismatches(each.text, format) }));
}

function readAll(files, options = chosenOptions()) {
  const all = [...files];
  if (all.length) queue = queue.then(() => readFiles(all, options));
  return queue;
}

async function readFiles(files, options) {
  const bar = $("progress"), done = [], group = ++groups;
  bar.max = files.length;
  bar.value = 0;
  bar.hidden = files.length < 2;
  location.hash = "read";
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
    status("reading", { from: count(i + 1), to: count(i + batch.length), all: count(files.length) });
    const found = await ask(sent, options);
    const added = found.map((each, k) => {
      const row = Object.assign(addRow(batch[k], each), { group, after: done.at(-1) });
      done.push(row);
      return row;
    });
    addItems(added);
    if (!i) {
      select(added[0], { scroll: false });
      bringIntoView();
    }
    bar.value = i + batch.length;
  }
  bar.hidden = true;
  if ($("sort").value !== "newest") arrange();
  sumUp(done);
}

// The answer must be seen where the drop box is above it, on a phone.
function bringIntoView() {
  const { top, bottom } = $("detail").getBoundingClientRect();
  if (top < 0 || Math.min(bottom, top + 220) > innerHeight) {
    $("status").scrollIntoView({ block: "start" });
  }
}

function sumUp(done) {
  if (done.length === 1) {
    const state = verdict(done[0]), { text, problem } = done[0];
    return text ? status("said", { text, state: word(`verdict.${state}`) })
      : status("said.none", { problem });
  }
  const doubtful = done.filter(toCheck).length;
  const unread = done.filter(row => !row.text).length;
  return status("summary", {
    all: count(done.length), read: count(done.length - unread), check: count(doubtful - unread),
    unread: count(unread),
  });
}

startDetail({
  walk,
  accept(row, text) {
    if (!text) return $("text").focus();
    confirm(row, text);
    const next = neighbour(1, true) ?? neighbour(-1, true);
    refresh(row);
    select(next ?? row);
    return status(next ? "accepted" : "accepted.last", { text });
  },
  remove(row) {
    const next = neighbour(1) ?? neighbour(-1);
    forget(row);
    removeItem(row);
    select(next);
    status("removed", { name: row.name });
    (next ? $("text") : $("files")).focus({ preventScroll: true });
  },
  again(row, file, options = {}) {
    status("reading.again", { name: row.name });
    rereads = rereads.then(async () => {
      const [found] = await ask([await scaleDown(file)], { ...chosenOptions(), ...options });
      if (!rows.includes(row)) return;  // removed meanwhile
      update(row, file, found);
      refresh(row, true);
      if (selected() === row) showDetail(row);
      sumUp([row]);
    });
    return rereads;
  },
});
onPick(showDetail);

document.addEventListener("keydown", event => {
  const typing = event.target.closest("input, select, textarea, summary, #crop");
  const other = event.ctrlKey || event.altKey || event.metaKey || event.defaultPrevented;
  if ($("read").hidden || typing || other) return;
  const row = selected(), button = event.target.closest("button:not(.item)");
  if (["j", "k"].includes(event.key)) walk(event);
  else if (!row || button) return;
  else if (event.key === "Delete") $("remove").click();
  else if (event.key === "Enter" && event.target.closest(".item")) {
    event.preventDefault();
    $("text").focus();
    $("text").select();
  }
});

$("csv").addEventListener("click", () => download("readings.csv", csv()));
$("labels").addEventListener("click", () => {
  if (rows.some(row => row.state)) download("labels.csv", labels());
  else status("labels.none");
});
$("copy").addEventListener("click", async () => {
  const texts = rows.map(row => row.text).filter(Boolean).join("\n");
  try {
    await navigator.clipboard.writeText(texts);
    status("copied");
  } catch {
    status("copied.not");
  }
});
$("clear").addEventListener("click", () => {
  for (const row of rows.splice(0)) removeItem(row);
  select(null);
  status("nothing");
  $("files").focus();
});

acceptDrops(document.documentElement, readAll, $("drop"));
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
startDrawing(file => readAll([file]));
onLanguage(() => {
  $("status").textContent = word(...say);
  const known = embedded("readers-known").map(reader => reader.name);
  $("examples").replaceChildren(...EXAMPLES.filter(([name]) => known.includes(name)).map(([name, file]) => {
    const image = element("img", { src: exampleSource(file), alt: word(`example.${file.split(".")[0]}`) });
    const button = element("button", { type: "button", className: "example" }, image);
    button.addEventListener("click", async () => {
      chooseReader(known.length > 1 ? "any" : name);
      readAll([await exampleFile(file)], { ...chosenOptions(), pattern: "", script: "", format: "free" });
    });
    return button;
  }));
  $("try").hidden = !$("examples").children.length;
});
$("settings").open = matchMedia("(min-width: 60rem)").matches;
