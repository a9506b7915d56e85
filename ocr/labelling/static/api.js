// Talk to the server.

export const $ = id => document.getElementById(id);

const session = document.body.dataset.session;
export const imageAddress = id => `image/${session}/${id}`;
export const thumbnailAddress = id => `thumbnail/${session}/${id}`;

const GONE = "no answer from the server: is `ocr label` still running? "
  + "Start it again with the same command; all that was saved is there.";

// An answer that was not taken: `status`, and what is there now where another was faster.
export class Refusal extends Error {
  constructor(status, answer) {
    super(answer.problem ?? `error ${status}`);
    this.status = status;
    this.current = answer.current ?? null;
  }
}

async function request(path, options) {
  let response, answer;
  try {
    response = await fetch(`api/${path}`, { cache: "no-store", ...options });
    answer = await response.json();
  } catch {
    throw new Refusal(0, { problem: GONE });
  }
  if (!response.ok) throw new Refusal(response.status, answer);
  return answer;
}

export const get = path => request(path);
export const post = (path, body) => request(path, {
  method: "POST", body: JSON.stringify(body), headers: { "Content-Type": "application/json" },
});
