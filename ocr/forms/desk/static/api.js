// Talk to the server.

export const $ = id => document.getElementById(id);

// An answer that was not taken: its status (0: none came), and the answer's other members.
export class Refusal extends Error {
  constructor(status, answer) {
    super(answer.problem ?? `error ${status}`);
    this.status = status;
    this.answer = answer;
  }
}

async function request(path, options) {
  let response, answer;
  try {
    response = await fetch(path, { cache: "no-store", ...options });
    answer = await response.json();
  } catch {
    const problem = "no answer from the server: start it again with the same command; "
      + "all that was saved is there";
    throw new Refusal(0, { problem });
  }
  if (!response.ok) throw new Refusal(response.status, answer);
  return answer;
}

export const get = path => request(path);
export const post = (path, body) => request(path, {
  method: "POST", body: JSON.stringify(body), headers: { "Content-Type": "application/json" },
});

export function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}
