// The form: each field reads the picture that is dropped, pasted or chosen for it.

import { acceptDrops, sureness } from "./common.js";
import { requestReadings, scaleDown } from "./requests.js";

function fillFromPictures(field) {
  const input = field.querySelector("input"), pick = field.querySelector("input[type=file]");
  const note = field.querySelector(".note");
  let turn = 0;  // of the last picture or keystroke; answers to earlier ones are dropped

  function setNote(message, check) {
    note.textContent = message;
    field.classList.toggle("check", check);
    input.setAttribute("aria-invalid", String(check));
  }

  async function fill(files) {
    if (!files.length) return;
    const mine = ++turn;
    input.value = "";
    setNote("reading ...", false);
    let row;
    try {
      const file = await scaleDown(files[0]);
      const { reader, pattern } = field.dataset;
      [row] = await requestReadings([file], { reader, pattern });
    } catch (error) {
      row = { problem: error.message };
    }
    if (mine !== turn) return;
    input.value = row.text ?? "";
    if (row.problem) setNote(`not read: ${row.problem}`, true);
    else setNote(sureness(row), !row.trusted);
  }

  acceptDrops(field, fill);
  field.addEventListener("paste", event => {
    if (!event.clipboardData.files.length) return;
    event.preventDefault();
    event.stopPropagation();
    fill(event.clipboardData.files);
  });
  pick.addEventListener("change", () => fill(pick.files).then(() => { pick.value = ""; }));
  input.addEventListener("input", () => {
    turn++;
    setNote("", false);
  });
}

document.querySelectorAll(".field").forEach(fillFromPictures);
