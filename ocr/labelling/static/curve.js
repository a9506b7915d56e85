// The learning curve: labels against exact match on the gold set, as a picture, in words, a table.

import { $, get } from "./api.js";

const HEIGHT = 190, LEFT = 48, RIGHT = 14, TOP = 10, BOTTOM = 38;  // pixels
const number = count => count.toLocaleString("en");
const percent = share => `${Math.round(100 * share)} %`;
let shown = "";  // what the answer depends on
let answer = null;

export async function refreshCurve(state) {
  const key = `${state.guesser.version} ${state.labelled}`;
  if (state.guesser.version === undefined || key === shown) return;
  shown = key;
  answer = await get("curve");
  $("learning").hidden = !answer.points.length;
  if (!answer.points.length) return;
  const words = answer.words.join(" ");
  if ($("learning-words").textContent !== words) $("learning-words").textContent = words;
  $("trainings").replaceChildren(...answer.points.map(row));
  draw();
}

function row({ labels, trained, hits, n, low, high, saved }) {
  const line = document.createElement("tr");
  const cells = [
    number(labels), number(trained), `${number(hits)} of ${number(n)}`,
    `${percent(low)} to ${percent(high)}`, saved ? "took its place" : "not better: left",
  ];
  line.append(...cells.map(text => {
    const cell = document.createElement("td");
    cell.textContent = text;
    return cell;
  }));
  return line;
}

function make(name, attributes, text = "") {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.textContent = text;
  return element;
}

function draw() {
  const width = Math.floor($("curve").clientWidth);
  if (!answer?.points.length || width < 100) return;
  const { points, forecast, words } = answer;
  const most = Math.max(...points.map(each => each.labels), ...forecast.map(([labels]) => labels));
  const x = labels => LEFT + (width - LEFT - RIGHT) * labels / most;
  const y = share => TOP + (HEIGHT - TOP - BOTTOM) * (1 - share);
  const svg = make("svg", {
    width, height: HEIGHT, viewBox: `0 0 ${width} ${HEIGHT}`, role: "img",
    "aria-labelledby": "curve-title curve-text",
  });
  svg.append(
    make("title", { id: "curve-title" }, "Learning curve: labels against exact match"),
    make("desc", { id: "curve-text" }, describe(points, words)),
    ...axes(x, y, most, width),
    make("path", { class: "likely", d: path(band(forecast).map(([n, share]) => [x(n), y(share)])) }),
    make("path", { class: "forecast", d: path(forecast.map(([n, share]) => [x(n), y(share)])) }),
    make("path", { class: "line", d: path(points.map(each => [x(each.labels), y(each.share)])) }),
  );
  for (const { labels, share, low, high, saved } of points) {
    const at = x(labels);
    svg.append(
      make("line", { class: "interval", x1: at, x2: at, y1: y(low), y2: y(high) }),
      make("circle", { class: saved ? "point" : "point left", cx: at, cy: y(share), r: 4 }),
    );
  }
  $("curve").replaceChildren(svg);
}

function describe(points, words) {
  const each = points.map(({ labels, share, low, high }) => (
    `${number(labels)} labels: ${percent(share)} (${percent(low)} to ${percent(high)})`
  ));
  return `${each.join("; ")}. ${words.join(" ")}`;
}

const band = forecast => [  // up along the low ends of the intervals, back along the high ones
  ...forecast.map(([n, , low]) => [n, low]),
  ...forecast.map(([n, , , high]) => [n, high]).reverse(),
];

const path = places => places.map(([x, y], k) => `${k ? "L" : "M"}${x} ${y}`).join("");

function axes(x, y, most, width) {
  const parts = [];
  for (const share of [0, 0.5, 1]) {
    parts.push(
      make("line", { class: "grid", x1: LEFT, x2: width - RIGHT, y1: y(share), y2: y(share) }),
      make("text", { x: LEFT - 6, y: y(share) + 4, "text-anchor": "end" }, percent(share)),
    );
  }
  const step = 10 ** Math.floor(Math.log10(most));
  const every = [1, 2, 5, 10].map(k => k * step / 5).find(each => most / each <= 5) ?? step;
  for (let labels = every; labels <= most; labels += every) {
    const text = number(Math.round(labels));
    parts.push(make("text", { x: x(labels), y: y(0) + 16, "text-anchor": "middle" }, text));
  }
  const middle = (LEFT + width - RIGHT) / 2;
  parts.push(make("text", { x: middle, y: HEIGHT - 6, "text-anchor": "middle" }, "labels"));
  return parts;
}

new ResizeObserver(draw).observe($("curve"));
