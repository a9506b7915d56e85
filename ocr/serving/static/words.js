// The words of the page, in the visitor's language: static/words has a file for each.

import { $, element, embedded } from "./common.js";

const WORDS = embedded("words");  // {language: {key: text}}
const NAMES = { en: "English", ar: "العربية", fa: "فارسی" };
const RIGHT_TO_LEFT = ["ar", "fa"];
const listeners = [];
let language = chosen();

function chosen() {
  let kept = null;
  try {
    kept = localStorage.getItem("language");
  } catch { /* a file has no storage in some browsers */ }
  const wanted = [kept, ...navigator.languages].map(each => each?.slice(0, 2));
  return wanted.find(each => each in WORDS) ?? "en";
}

// The text of a key; {name} in it is replaced by a value.
export function word(key, values = {}) {
  const text = WORDS[language][key] ?? WORDS.en[key] ?? key;
  return text.replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

export const count = number => number.toLocaleString(language);

export function percent(share) {
  const digits = share > 0.9995 || share === 0 ? 0 : 1;
  return share.toLocaleString(language, { style: "percent", maximumFractionDigits: digits });
}

// Put the words into all elements with data-word (text), data-label (aria-label), data-alt.
export function translate(root = document) {
  root.querySelectorAll("[data-word]").forEach(each => {
    each.textContent = word(each.dataset.word);
  });
  root.querySelectorAll("[data-label]").forEach(each => {
    each.setAttribute("aria-label", word(each.dataset.label));
  });
  root.querySelectorAll("[data-alt]").forEach(each => { each.alt = word(each.dataset.alt); });
}

// Call `act` now, and whenever the language changes.
export function onLanguage(act) {
  listeners.push(act);
  act();
}

function speak() {
  document.documentElement.lang = language;
  document.documentElement.dir = RIGHT_TO_LEFT.includes(language) ? "rtl" : "ltr";
  translate();
  listeners.forEach(act => act());
}

$("language").append(...Object.keys(WORDS).map(code => {
  return element("option", { value: code, lang: code, textContent: NAMES[code] ?? code });
}));
$("language").value = language;
$("language").addEventListener("change", () => {
  language = $("language").value;
  try {
    localStorage.setItem("language", language);
  } catch { /* chosen again at the next visit */ }
  speak();
});
speak();
