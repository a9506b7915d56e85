// The places of the page beside the one to read: what is shown, lines to copy, and the forms.

import { $, acceptDrops, element, embedded } from "./common.js";
import { post, scaleDown } from "./requests.js";
import { onLanguage, percent, word } from "./words.js";

const LONGEST_SIDE = 2400;  // pixels of a scan, A4 at 200 dpi
const forms = embedded("forms-known") ?? [];
let turn = 0, say = null;  // turn: of the last scan; answers to earlier ones are dropped

function show() {
  const wanted = location.hash.slice(1), known = ["read", "teach", "forms"];
  const place = known.includes(wanted) ? wanted : "read";
  for (const each of known) $(each).hidden = each !== place;
  document.querySelectorAll("[data-place]").forEach(link => {
    if (link.dataset.place === place) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  });
}

addEventListener("hashchange", () => {
  show();
  scrollTo(0, 0);
});
show();

// --- forms

function status(key, values) {
  say = key && [key, values];
  $("form-status").textContent = say ? word(...say) : "";
}

// Show the fields of the chosen form, empty.
function showFields() {
  turn++;
  const form = forms.find(each => each.name === $("form-name").value);
  status(null);
  $("form-fields").replaceChildren(...form.fields.map(({ name, check }) => {
    const id = `field-${name}`, note = element("span", { id: `note-${name}`, className: "note" });
    const input = element("input", check ? { id, type: "checkbox" } : { id, autocomplete: "off", dir: "auto" });
    input.setAttribute("aria-describedby", note.id);
    const label = element("label", { htmlFor: id }, name.replaceAll("_", " "));
    const field = element("div", { className: "field", dataset: { name } }, label, input, note);
    input.addEventListener("input", () => mark(field, "", false));
    return field;
  }));
}

function mark(field, text, check) {
  field.querySelector(".note").replaceChildren(text);
  field.classList.toggle("check", check);
  field.querySelector("input").setAttribute("aria-invalid", String(check));
}

function fill(field, read) {
  const input = field.querySelector("input");
  if (input.type === "checkbox") input.checked = read.text === "1";
  else input.value = read.text;
  const why = read.problem ?? (read.accepted ? "" : word("verdict.check"));
  mark(field, read.accepted ? "" : `${why} (${percent(read.confidence)})`, !read.accepted);
  if (read.cutout) {
    const alt = word("form.cutout", { name: read.name });
    field.querySelector(".note").prepend(element("img", { src: read.cutout, alt }));
  }
}

async function read(files) {
  if (!files.length) return;
  showFields();
  const mine = turn, name = $("form-name").value;
  status("reading.again", { name: files[0].name });
  try {
    const page = await post(`api/forms/${name}`, [await scaleDown(files[0], LONGEST_SIDE)]);
    if (mine !== turn) return;
    for (const each of page.fields) {
      fill($("form-fields").querySelector(`[data-name="${each.name}"]`), each);
    }
    const unsure = page.fields.filter(each => !each.accepted).length;
    status("form.read", { all: page.fields.length, check: unsure });
  } catch (error) {
    if (mine === turn) status("said.none", { problem: word(error.message) });
  }
}

if (forms.length) {
  $("form-name").append(...forms.map(({ name }) => element("option", {}, name)));
  $("form-name").addEventListener("change", showFields);
  acceptDrops($("forms"), read, $("form-drop"));
  $("forms").addEventListener("paste", event => {
    if (!event.clipboardData.files.length) return;
    event.preventDefault();
    event.stopPropagation();
    read(event.clipboardData.files);
  });
  $("form-file").addEventListener("change", () => {
    read([...$("form-file").files]).then(() => { $("form-file").value = ""; });
  });
  showFields();
}
$("form-room").hidden = !forms.length;
$("form-none").hidden = forms.length > 0;
onLanguage(() => { if (say) status(...say); });
