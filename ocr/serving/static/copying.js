// A button beside each line of code, which copies it.

import { element } from "./common.js";
import { onLanguage, word } from "./words.js";

document.querySelectorAll("pre.code").forEach(code => {
  const button = element("button", { type: "button", className: "quiet copy" });
  const name = () => { button.textContent = word("copy.line"); };
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(code.textContent);
      button.textContent = word("copied");
    } catch {
      button.textContent = word("copied.not");
    }
    setTimeout(name, 2000);
  });
  code.dir = "ltr";
  code.tabIndex = 0;
  const frame = element("div", { className: "code-frame" });
  code.replaceWith(frame);
  frame.append(code, button);
  onLanguage(name);
});
