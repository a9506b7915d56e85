// What the columns of a network mean in texts, as ocr/reading/signs.py has it. A network of several
// scripts has a symbol for each shape, and marks for ink that is no text; a text is of one script.
// rules: the tables of ocr/reading/scripts.py, {numbers, scripts: {name: symbols}, signs: {name:
// {symbol: Western sign}}}.

import { argmax, BLANK } from "./ctc.js";

const EASTERN = "eastern";  // Arabic-Indic or Persian digits, most of which look the same
const TELLING = "456";      // digits whose shapes tell Persian from Arabic-Indic
const TINY = 1e-300;        // probabilities are at least this, so that logarithms are finite

const log = probability => Math.log(Math.max(probability, TINY));
const sum = (frame, group) => group.reduce((total, column) => total + frame[column], 0);

export class Signs {
  constructor({ alphabet, marks = {}, scripts = [] }, rules) {
    this.symbols = [...alphabet];
    this.marks = marks;
    this.scripts = scripts;
    this.rules = rules;
    const order = [...(scripts.length ? rules.numbers : ""), ...this.symbols];
    const signs = [...this.columns(scripts).keys()];
    this.alphabet = signs.sort((a, b) => order.indexOf(a) - order.indexOf(b));
    this.unreadable = marks.unreadable ? this.alphabet.length + 1 : null;
    this.other = marks.other ? 1 + this.symbols.indexOf(marks.other) : null;
    this.shown = ["", ...this.alphabet, ""];
    this.east = scripts.filter(name => name !== "western");
    this.candidates = scripts.includes("western") ? ["western"] : [];
    if (this.east.length) this.candidates.push(EASTERN);
  }

  // The network's columns of each sign, as a Map; symbols of no script belong to all of them.
  columns(scripts) {
    const tables = scripts.map(name => this.rules.signs[name]);
    const known = Object.assign({}, ...tables), skipped = new Set(Object.values(this.marks));
    if (this.scripts.length) {
      const all = Object.values(this.rules.signs).flatMap(Object.keys);
      all.filter(symbol => !(symbol in known)).forEach(symbol => skipped.add(symbol));
    }
    const columns = new Map();
    this.symbols.forEach((symbol, i) => {
      if (skipped.has(symbol)) return;
      const sign = known[symbol] ?? symbol;
      columns.set(sign, [...(columns.get(sign) ?? []), i + 1]);
    });
    return columns;
  }

  // Groups of the network's columns for one candidate or script: those of blank, of each sign, of
  // the mark "unreadable".
  groups(script) {
    const columns = this.columns(script === EASTERN ? this.east : script ? [script] : []);
    const signs = this.alphabet.map(sign => columns.get(sign) ?? []);
    const last = this.marks.unreadable ? [[1 + this.symbols.indexOf(this.marks.unreadable)]] : [];
    return [[BLANK, ...(this.other ? [this.other] : [])], ...signs, ...last];
  }

  // Log-probabilities of one script, and its name: given, else the likelier one's.
  frames(logProbs, given) {
    if (!this.scripts.length && !Object.keys(this.marks).length) return [logProbs, null];
    const shares = logProbs.map(frame => frame.map(Math.exp));
    const script = given ?? (this.scripts.length ? this.likelier(shares) : null);
    const groups = this.groups(script);
    let frames = shares.map(frame => groups.map(group => log(sum(frame, group))));
    if (given) {
      frames = frames.map(frame => {
        const total = Math.log(frame.reduce((all, value) => all + Math.exp(value), 0));
        return frame.map(value => value - total);
      });
    }
    return [frames, script];
  }

  // The script with the likelier best path; Western on a tie. Separators count apart.
  likelier(shares) {
    const scores = this.candidates.map(script => {
      const groups = this.groups(script), last = groups.splice(1 + this.alphabet.length);
      const apart = groups.splice(11).flat().map(column => [column]);
      const all = [...groups, ...apart, ...last];
      const best = frame => Math.max(...all.map(group => sum(frame, group)));
      return shares.reduce((total, frame) => total + log(best(frame)), 0);
    });
    return this.candidates[argmax(scores)];
  }

  text(label) {
    return label.map(i => this.shown[i]).join("");
  }

  // Name an eastern script: Persian where the 4, 5 and 6 of the label are likelier.
  name(script, logProbs, label, steps) {
    if (script !== EASTERN || this.east.length === 1) {
      return script === EASTERN ? this.east[0] : script;
    }
    let score = 0;
    label.forEach((i, k) => {
      const sign = this.shown[i];
      if (!sign || !TELLING.includes(sign)) return;
      const column = name => 1 + this.symbols.indexOf([...this.rules.scripts[name]][Number(sign)]);
      for (const frame of logProbs.slice(...steps[k])) {
        score += frame[column("persian")] - frame[column("arabic")];
      }
    });
    return score > 0 ? "persian" : "arabic";
  }
}
