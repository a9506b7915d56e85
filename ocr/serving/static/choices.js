// What to read: the reader, the format of the text, the script.

import { $, element, embedded } from "./common.js";
import { EXAMPLES, exampleSource } from "./requests.js";
import { count, onLanguage, word } from "./words.js";

export const ANY = "any";
const readers = embedded("readers-known");
const offered = readers.filter(reader => !reader.same_as);
const FORMATS = {  // value: the pattern, or what a text must look like
  free: {}, "dd/dd/dddd": {}, "dd.dd.dddd": {}, "dddd-dd-dd": {},
  amount: { like: /^-?\d{1,3}([., ]?\d{3})*([.,]\d{1,2})?$|^-?\d+([.,]\d{1,2})?$/ },
  digits: { like: /^\d+$/ }, own: {},
};
const SAMPLES = { "dd/dd/dddd": "31/12/2026", "dd.dd.dddd": "31.12.2026", "dddd-dd-dd": "2026-12-31" };

// What a reader reads, in words.
export function title(name) {
  const reader = readers.find(each => each.name === name);
  if (!reader) return word(name === ANY ? "reads.any" : "reads.none");
  const [least, most] = reader.lengths ?? [];
  const length = least === most ? count(most ?? 0) : `${count(least)}–${count(most)}`;
  const key = reader.reads === "code" && !reader.lengths ? "reads.text" : `reads.${reader.reads}`;
  const text = word(key, { length });
  const alike = offered.filter(each => each.reads === reader.reads);
  return alike.length > 1 ? `${text} (${name})` : text;
}

function tested({ scores }) {
  if (!scores.length) return word("tested.never");
  const rights = scores.map(score => score.exact), n = scores.reduce((sum, each) => sum + each.n, 0);
  const [low, high] = [Math.min(...rights), Math.max(...rights)].map(one => Math.floor(100 * one));
  const right = low === high ? count(high) : word("tested.range", { low: count(low), high: count(high) });
  return word("tested", { right, of: count(100), n: count(n) });
}

function card(name, details) {
  const example = EXAMPLES.find(([reader]) => reader === name)?.[1];
  const input = element("input", { type: "radio", name: "reader", value: name });
  input.addEventListener("change", describe);
  const image = example && element("img", { src: exampleSource(example), alt: "" });
  const about = element("span", {}, element("b", { textContent: title(name) }),
    element("small", { textContent: details, className: "hint" }));
  return element("label", { className: "card" }, input, about, ...(image ? [image] : []));
}

export const reader = () => $("readers").querySelector(":checked").value;

export function chooseReader(name) {
  const known = readers.find(each => each.name === name);
  $("readers").querySelector(`[value="${known?.same_as ?? name}"]`).checked = true;
  describe();
}

export const offers = () => [...(offered.length > 1 ? [ANY] : []), ...offered.map(each => each.name)];

function describe() {
  const chosen = readers.find(each => each.name === reader());
  const scripts = chosen?.scripts ?? offered.find(each => each.scripts.length)?.scripts ?? [];
  const kept = $("script").value, format = $("format").value;
  $("chosen").textContent = title(reader());
  $("script").replaceChildren(
    element("option", { value: "", textContent: word("script.any") }),
    ...scripts.map(name => element("option", { value: name, textContent: word(`script.${name}`) })));
  $("script").value = scripts.includes(kept) ? kept : "";
  $("script-choice").hidden = !scripts.length;
  $("count-choice").hidden = format !== "digits";
  $("pattern-choice").hidden = $("pattern-hint").hidden = format !== "own";
}

function pattern(format) {
  if (format === "own") return $("pattern").value.trim();
  if (format === "digits") return "d".repeat(Math.min(16, Math.max(0, Number($("count").value) || 0)));
  return format in SAMPLES ? format : "";
}

// The parameters of a request, and what its texts must look like.
export function chosenOptions() {
  const format = $("format").value;
  return {
    reader: reader(), pattern: pattern(format), script: $("script").value,
    split: $("lines").checked ? "true" : "", format,
  };
}

// Is a text not of the format that was chosen? Of a date: is it none of the calendar?
export function mismatches(text, format) {
  if (format in SAMPLES) {
    const [a, b, c] = text.split(/\D/).map(Number);
    const [day, month] = format.startsWith("dddd") ? [c, b] : [a, b];
    const real = (d, m) => d >= 1 && d <= 31 && m >= 1 && m <= 12;
    return !real(day, month) && !(format === "dd/dd/dddd" && real(month, day));
  }
  return FORMATS[format]?.like ? !FORMATS[format].like.test(text) : false;
}

onLanguage(() => {
  const before = $("readers").querySelector(":checked")?.value ?? offers()[0];
  const legend = $("readers").querySelector("legend"), format = $("format").value || "free";
  $("readers").replaceChildren(legend, ...offers().map(name => {
    const known = readers.find(each => each.name === name);
    return card(name, known ? tested(known) : word("tested.any"));
  }));
  $("format").replaceChildren(...Object.keys(FORMATS).map(value => {
    const date = SAMPLES[value] && word("format.date", { sample: SAMPLES[value] });
    return element("option", { value, textContent: date ?? word(`format.${value}`) });
  }));
  $("format").value = format;
  chooseReader(before);
});
$("format").addEventListener("change", describe);
