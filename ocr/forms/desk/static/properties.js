// The panel with a field's properties.

import { $, element } from "./api.js";

const TEXTS = ["reader", "type", "format", "script", "check", "pattern"];  // left out where empty
const FORMATS = { date: "dd/mm/yyyy", amount: "any; 0.00: always two decimals" };  // examples
const CHECK_BOX = "check";

export function setUpProperties({ readers, scripts, checks }, changed) {
  $("reader").append(...readers.map(name => element("option", { value: name },
    name === CHECK_BOX ? "check: a box that is ticked or not" : name)));
  $("script").append(...scripts.map(name => element("option", {}, name)));
  $("checks").append(...checks.map(name => element("option", { value: name })));
  $("field").addEventListener("change", changed);
  $("field").addEventListener("submit", event => event.preventDefault());
}

export function showProperties(field) {
  $("field-title").textContent = `Field ${field.name}`;
  $("name").value = field.name;
  if (![...$("reader").options].some(option => option.value === field.reader)) {
    $("reader").append(element("option", { value: field.reader }, field.reader));
  }
  for (const name of TEXTS) $(name).value = field[name] ?? "";
  $("boxes").value = field.boxes ?? "";
  $("lexicon").value = (field.lexicon ?? []).join("\n");
  $("required").checked = field.required ?? false;
  showFitting();
}

function showFitting() {
  $("constraints").hidden = $("reader").value === CHECK_BOX;
  const type = $("type").value;
  $("format-choice").hidden = !(type in FORMATS);
  $("format").placeholder = FORMATS[type] ?? "";
}

// Read the panel into a field; what is empty is left out.
export function readProperties(field) {
  showFitting();
  const isText = $("reader").value !== CHECK_BOX;
  const lexicon = $("lexicon").value.split("\n").map(word => word.trim()).filter(Boolean);
  const cells = Number($("boxes").value);
  const values = { name: $("name").value.trim(), reader: $("reader").value };
  for (const name of TEXTS.slice(1)) values[name] = isText ? $(name).value.trim() : "";
  if (!(values.type in FORMATS)) values.format = "";
  values.boxes = isText && cells ? cells : "";
  values.lexicon = isText && lexicon.length ? lexicon : "";
  values.required = $("required").checked;
  for (const [key, value] of Object.entries(values)) {
    if (value || key === "name") field[key] = value;
    else delete field[key];
  }
  $("field-title").textContent = `Field ${field.name}`;
}
