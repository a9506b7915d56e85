// One reading, large: its picture with the ink that was read marked, its text to correct.

import { title, offers } from "./choices.js";
import { $, element } from "./common.js";
import { Cropper, cut } from "./crop.js";
import { SURE, UNREADABLE, verdict } from "./rows.js";
import { onLanguage, percent, word } from "./words.js";

const SHOWN = 0.02;  // alternatives of less confidence are left out
let row = null, file = null, act = {};  // file: whose picture is shown

// acts: {accept(row, text), remove(row), again(row, file, options), walk(event)}
export function startDetail(acts) {
  act = acts;
}

export function showDetail(next) {
  if (row !== next) cropper.open(false);
  row = next;
  $("detail").hidden = !row;
  if (!row) return;
  if (file !== row.file) {
    file = row.file;
    URL.revokeObjectURL($("picture").src);
    $("picture").src = URL.createObjectURL(file);
    $("stage").hidden = false;
  }
  $("picture").alt = word("picture", { name: row.name });
  $("text").value = row.text;
  $("text").rows = row.text.split("\n").length;
  $("text").placeholder = word("text.placeholder");
  const state = verdict(row);
  $("detail").dataset.state = state;
  $("verdict").textContent = word(`verdict.${state}`);
  $("about").textContent = `${row.reader ? `${title(row.reader)} · ` : ""}\u2068${row.name}\u2069`;
  const why = row.mismatch && !row.state ? word("mismatch") : row.problem;
  $("problem").textContent = why ?? "";
  $("problem").hidden = !why || Boolean(row.state);
  $("whole").hidden = !row.original;
  const confident = row.text ? { confidence: percent(row.confidence) } : null;
  $("number").textContent = confident ? word("number", confident) : word("number.none");
  $("seen").hidden = !row.seen;
  if (row.seen) $("seen").firstElementChild.src = row.seen;
  else $("seen").firstElementChild.removeAttribute("src");
  $("again").value = "";
  showOthers();
  showMarks();
}

function showOthers() {
  const others = (row.alternatives ?? []).filter(each => {
    return each.text !== row.text && each.confidence >= SHOWN;
  });
  const sure = [SURE, UNREADABLE].includes(verdict(row));
  $("others").replaceChildren(...(others.length ? [word(sure ? "others" : "others.check")] : []),
    ...others.map(({ text, confidence }) => {
      const button = element("button", { type: "button", className: "quiet", dir: "ltr", textContent: text });
      button.title = percent(confidence);
      button.addEventListener("click", () => act.accept(row, text));
      return button;
    }));
}

// The characters' spans on the ink of each part; all in pixels of the picture.
function showMarks() {
  const parts = row.parts ?? (row.box ? [row] : []);
  $("marks").replaceChildren(...parts.flatMap(({ box: [left, top, wide, high], spans }) => {
    const place = (x, width, name) => {
      const mark = element("span", { className: name });
      const sides = {
        left: x / row.width, width: width / row.width, top: top / row.height, height: high / row.height,
      };
      for (const [side, share] of Object.entries(sides)) mark.style[side] = `${100 * share}%`;
      return mark;
    };
    return [place(left, wide, "line"), ...spans.map(([from, to]) => place(from, to - from, "sign"))];
  }));
}

const cropper = new Cropper($("crop"), async box => {
  cropper.open(false);
  $("crop-it").setAttribute("aria-pressed", "false");
  $("crop-it").focus();
  if (box) await change(box);
});

async function change(box, quarters) {
  const mine = row;
  mine.original ??= mine.file;
  await act.again(mine, await cut(mine.file, box, quarters));
}

$("crop-it").addEventListener("click", () => {
  const on = $("crop").hidden;
  $("crop-it").setAttribute("aria-pressed", String(on));
  cropper.open(on);
});
$("turn").addEventListener("click", () => change({}, 1));
$("whole").addEventListener("click", () => {
  const { original } = row;
  row.original = null;
  act.again(row, original);
});
$("accept").addEventListener("click", () => act.accept(row, $("text").value.trim()));
$("remove").addEventListener("click", () => act.remove(row));
$("again").addEventListener("change", () => {
  if ($("again").value) act.again(row, row.file, { reader: $("again").value });
});
$("text").addEventListener("keydown", event => {
  if (event.isComposing) return;
  if (event.key === "Enter" && !event.shiftKey) {
    event.preventDefault();
    act.accept(row, $("text").value.trim());
  } else if (event.key === "Escape") $("text").value = row.text;
  else if (["ArrowDown", "ArrowUp"].includes(event.key) && $("text").rows === 1) act.walk(event);
});
$("picture").addEventListener("error", () => { $("stage").hidden = true; });
onLanguage(() => {
  $("again").replaceChildren(
    element("option", { value: "", textContent: word("again") }),
    ...offers().map(name => element("option", { value: name, textContent: title(name) })));
  if (row) showDetail(row);
});
