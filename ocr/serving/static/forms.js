// A form that fills itself: choose a form, drop a scan; fields that need a person show their
// cut-out.

import { $, acceptDrops, percent } from "./common.js";
import { scaleDown } from "./requests.js";

const LONGEST_SIDE = 2400;  // pixels of a scan, A4 at 200 dpi
const forms = JSON.parse($("forms").textContent);
let turn = 0;  // of the last scan; answers to earlier ones are dropped

function element(name, properties, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

// Show the fields of the chosen form, empty.
function showFields() {
  turn++;
  const form = forms.find(each => each.name === $("form-name").value);
  $("form-status").textContent = "";
  $("form-fields").replaceChildren(...form.fields.map(({ name, check }) => {
    const id = `field-${name}`, note = element("span", { id: `note-${name}`, className: "note" });
    const input = element("input", check ? { id, type: "checkbox" } : { id, autocomplete: "off" });
    input.setAttribute("aria-describedby", note.id);
    const label = element("label", { htmlFor: id }, name.replaceAll("_", " "));
    const field = element("div", { className: "field" }, label, input, note);
    field.dataset.name = name;
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
  const why = read.problem ?? (read.accepted ? "" : "please check");
  const sure = `confidence ${percent(read.confidence)}`;
  mark(field, read.accepted ? "" : `${why} (${sure})`, !read.accepted);
  if (read.cutout) {
    const alt = `What is written in ${read.name}`;
    field.querySelector(".note").prepend(element("img", { src: read.cutout, alt }));
  }
}

async function request(name, file) {
  const body = new FormData(), token = $("token")?.value;
  body.append("file", file, file.name || "scan.png");
  const headers = token ? { Authorization: `Bearer ${token}` } : {};
  let response, answer;
  try {
    response = await fetch(`api/forms/${name}`, { method: "POST", body, headers });
    answer = await response.json();
  } catch {
    throw new Error("no answer from the server: is it running?");
  }
  if (!response.ok) throw new Error(answer.detail);
  return answer;
}

async function read(files) {
  if (!files.length) return;
  showFields();
  const mine = turn, name = $("form-name").value;
  $("form-status").textContent = `Reading ${files[0].name} ...`;
  try {
    const page = await request(name, await scaleDown(files[0], LONGEST_SIDE));
    if (mine !== turn) return;
    for (const each of page.fields) {
      fill($("form-fields").querySelector(`[data-name="${each.name}"]`), each);
    }
    const unsure = page.fields.filter(each => !each.accepted).length;
    $("form-status").textContent = `Read ${page.fields.length} fields, ${unsure} to check.`;
  } catch (error) {
    if (mine === turn) $("form-status").textContent = `Not read: ${error.message}`;
  }
}

$("form-name").addEventListener("change", showFields);
$("form-name").append(...forms.map(({ name }) => element("option", {}, name)));
acceptDrops($("form-drop"), read);
$("form-drop").addEventListener("paste", event => {
  if (!event.clipboardData.files.length) return;
  event.preventDefault();
  event.stopPropagation();
  read(event.clipboardData.files);
});
$("form-file").addEventListener("change", () => {
  read([...$("form-file").files]).then(() => { $("form-file").value = ""; });
});
showFields();
