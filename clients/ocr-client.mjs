// Call the server from JavaScript: one module to copy, for browsers, Node 18 or newer, Deno and Bun.
//
//   import { Client } from "./ocr-client.mjs";
//   const readings = await new Client().read([file], { reader: "numbers", pattern: "dddddd" });

/**
 * What was read in one image; `problem` says why nothing was, then the rest may be missing.
 * @typedef {object} Reading
 * @property {string} name
 * @property {string} [text]
 * @property {number} [confidence] the probability that the text is right, from 0 to 1
 * @property {boolean} [trusted] whether the confidence reaches the reader's threshold
 * @property {{text: string, confidence: number}[]} [alternatives] best first
 * @property {[number, number][]} [spans] where each character is, from and to, in pixels
 * @property {string} [problem]
 */

/** The server has refused a request; `status` is its HTTP status, the message its reason. */
export class OcrError extends Error {
  constructor(status, detail) {
    super(`${status}: ${detail}`);
    this.status = status;
  }
}

export class Client {
  /** @param {{address?: string, token?: string, timeout?: number}} [server] timeout: in ms */
  constructor({ address = "http://127.0.0.1:8000", token, timeout = 30_000 } = {}) {
    Object.assign(this, { address: address.replace(/\/+$/, ""), token, timeout });
  }

  /**
   * Read images: one answer each, in their order.
   * @param {Iterable<Blob>} images Blobs, or Files, which have a name
   * @param {Record<string, string | number>} [options] reader, pattern, top, script ...
   * @returns {Promise<Reading[]>}
   */
  read(images, options = {}) {
    return this.#post("/api/read", images, options);
  }

  /** Read a scan of a form that the server knows: its `status` and `fields`. */
  readForm(form, scan) {
    return this.#post(`/api/forms/${encodeURIComponent(form)}`, [scan], {});
  }

  async #post(path, images, options) {
    const body = new FormData();
    for (const image of images) body.append("file", image, image.name ?? "image");
    const answer = await fetch(`${this.address}${path}?${new URLSearchParams(options)}`, {
      method: "POST",
      body,
      headers: this.token ? { Authorization: `Bearer ${this.token}` } : {},
      signal: AbortSignal.timeout(this.timeout),
    });
    if (answer.ok) return answer.json();
    const problem = await answer.json().catch(() => ({}));
    throw new OcrError(answer.status, problem.detail ?? answer.statusText);
  }
}
