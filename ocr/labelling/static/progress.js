// Show the progress: counts, minutes, problems, images that cannot be shown.

import { $ } from "./api.js";

const number = count => count.toLocaleString("en");
let shownFaults = -1;

export function showProgress(state) {
  const parts = [
    `${number(state.labelled)} labelled`,
    ...(state.gold ? [`${number(state.gold)} of them to measure with`] : []),
    `${number(state.left)} left`,
    ...(state.put_off ? [`${number(state.put_off)} put off`] : []),
    ...(state.unreadable ? [`${number(state.unreadable)} unreadable`] : []),
    `${state.minutes.toFixed(state.minutes < 10 ? 1 : 0)} minutes`,
    ...(state.rate ? [`${state.rate} labels a minute`] : []),
  ];
  $("counts").textContent = parts.join(" · ");
  showTraining(state.guesser);
  show($("problem"), state.problem);
  showNotices(state.notices);
  if (state.faulty !== shownFaults) showFaults(state);
}

function showTraining({ text, share, training, problem, doubts }) {
  show($("guesser"), text);
  show($("fault"), problem ?? "");
  $("progress").hidden = !training;
  if (training) $("progress").value = share;
  show($("show-doubts"), doubts ? `Second look (${number(doubts)})` : "");
}

function show(element, text) {
  if (element.textContent !== text) element.textContent = text;
  element.hidden = !text;
}

function showNotices(notices) {
  const lines = notices.map(notice => {
    const line = document.createElement("p");
    line.textContent = notice;
    return line;
  });
  if ($("notices").textContent !== notices.join("")) $("notices").replaceChildren(...lines);
}

function showFaults(state) {
  shownFaults = state.faulty;
  const box = $("faults");
  box.hidden = !state.faulty;
  box.firstElementChild.textContent = `${number(state.faulty)} images are passed over`;
  box.lastElementChild.replaceChildren(...state.faults.map(({ file, problem }) => {
    const line = document.createElement("li");
    line.textContent = `${file}: ${problem}`;
    return line;
  }));
}
