// Send pictures to the API.

import { $, embedded } from "./common.js";

const LONGEST_SIDE = 1200;  // pixels; larger photographs are scaled down before they are sent

export const EXAMPLES = [  // [reader, file]
  ["numbers", "western.png"], ["numbers", "arabic.png"],
  ["numbers", "hand.png"], ["char_cnn", "character.png"], ["dual_input", "sign.png"],
];
export const exampleSource = file => `static/examples/${file}`;

export async function exampleFile(file) {
  const data = await (await fetch(exampleSource(file))).blob();
  return new File([data], file, { type: "image/png" });
}

export async function scaleDown(file, longest = LONGEST_SIDE) {
  if (!file.type.startsWith("image/")) return file;
  const picture = await createImageBitmap(file).catch(() => null);
  if (!picture) return file;  // the server will say what is wrong with it
  const scale = longest / Math.max(picture.width, picture.height);
  if (scale >= 1) return file;
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(picture.width * scale));
  canvas.height = Math.max(1, Math.round(picture.height * scale));
  const pen = canvas.getContext("2d");
  pen.fillStyle = "#fff";
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.drawImage(picture, 0, 0, canvas.width, canvas.height);
  const blob = await new Promise(done => canvas.toBlob(done, "image/jpeg", 0.92));
  return new File([blob], file.name, { type: "image/jpeg" });
}

$("token-choice").hidden = !embedded("setup").token;
$("lines-choice").hidden = false;

// Send files; errors have a key of static/words, or the server's own words. options: the API's
// parameters; empty ones are left out. A server that is busy is asked again, after a second each.
export async function post(address, files, options = {}, tries = 3) {
  const body = new FormData(), token = $("token").value;
  for (const file of files) body.append("file", file, file.name || "picture.png");
  for (const [key, value] of Object.entries(options)) if (value) body.append(key, value);
  const headers = token ? { Authorization: `Bearer ${token}` } : {};
  let response, answer;
  try {
    response = await fetch(address, { method: "POST", body, headers });
    answer = await response.json();
  } catch {
    throw new Error("error.offline");
  }
  if (response.ok) return answer;
  if (response.status === 503 && tries > 1) {
    await new Promise(done => setTimeout(done, 1000));
    return post(address, files, options, tries - 1);
  }
  if (answer.images) return answer.images;
  throw new Error(answer.detail);
}

export const requestReadings = (files, options) =>
  post("api/read", files, { ...options, top: "3", seen: "true" });
