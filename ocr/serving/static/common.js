// What the modules of the page share.

export const $ = id => document.getElementById(id);
export const embedded = id => JSON.parse($(id)?.textContent ?? "null");

export function element(name, properties = {}, ...children) {
  const { dataset = {}, ...rest } = properties;
  const made = Object.assign(document.createElement(name), rest);
  Object.assign(made.dataset, dataset);
  made.append(...children);
  return made;
}

// Take dropped files; event.stopPropagation keeps them from the whole window.
export function acceptDrops(target, take, marked = target) {
  for (const kind of ["dragenter", "dragover"]) {
    target.addEventListener(kind, event => {
      event.preventDefault();
      marked.classList.add("over");
    });
  }
  for (const kind of ["dragleave", "drop"]) {
    target.addEventListener(kind, () => marked.classList.remove("over"));
  }
  target.addEventListener("drop", event => {
    event.preventDefault();
    event.stopPropagation();
    take([...event.dataTransfer.files]);
  });
}

export function download(name, text) {
  const link = element("a", { download: name });
  link.href = URL.createObjectURL(new Blob(["\ufeff", text], { type: "text/csv" }));
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href));
}
