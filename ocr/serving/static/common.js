// What the list and the form share.

export const $ = id => document.getElementById(id);
export const percent = share => `${(100 * share).toFixed(share > 0.9995 ? 0 : 1)} %`;

export function sureness(row) {
  return (row.trusted ? "sure" : "please check") + ` (confidence ${percent(row.confidence)})`;
}

export function acceptDrops(element, take) {
  for (const kind of ["dragenter", "dragover"]) {
    element.addEventListener(kind, event => {
      event.preventDefault();
      element.classList.add("over");
    });
  }
  for (const kind of ["dragleave", "drop"]) {
    element.addEventListener(kind, () => element.classList.remove("over"));
  }
  element.addEventListener("drop", event => {
    event.preventDefault();
    event.stopPropagation();
    take(event.dataTransfer.files);
  });
}
