// From log-probabilities to a text with confidence, alternatives and spans, as
// ocr/reading/decoders.py does it. A reading is {text, confidence, trusted, script, alternatives:
// [{text, confidence}], spans: [[left, right]]}.

import { align, argmax, best, BLANK, confidence, prefixBeam } from "./ctc.js";
import { characterSpan, span } from "./inputs.js";
import { parsePattern } from "./pattern.js";
import { Signs } from "./signs.js";

const BEAM = 10;  // prefixes kept by a beam search, at least
export const REFUSED = {
  text: "", confidence: 0, trusted: false, script: null, alternatives: [], spans: [],
};

function ranked(texts) {
  return texts.sort((a, b) => b.confidence - a.confidence);
}

export class StringDecoder {
  constructor(contract, rules) {
    this.signs = new Signs(contract, rules);
    this.alphabet = this.signs.alphabet;
    ({ time_steps: this.steps, lengths: this.lengths } = contract.decoding);
    this.stride = contract.input.width / this.steps;
  }

  // logProbs: an array of frames. options: {top, pattern, script}.
  decode(logProbs, prepared, { top = 1, pattern, script }) {
    const [frames, likelier] = this.signs.frames(logProbs, script || null);
    const labels = new Map();  // a text's indices, without unreadable ink -> its label
    for (const label of this.labels(frames, top, pattern)) {
      const key = this.readable(label).join();
      if (key && !labels.has(key)) labels.set(key, label);
    }
    const texts = ranked([...labels.values()].slice(0, top).map(label => {
      return { label, confidence: confidence(frames, this.readable(label)) };
    }));
    if (!texts.length) return REFUSED;
    const { label } = texts[0], steps = align(frames, label);
    const alternatives = texts.map(each => {
      return { text: this.signs.text(each.label), confidence: each.confidence };
    });
    const seen = label.map((symbol, i) => [symbol, steps[i]]);
    return {
      ...alternatives[0],
      trusted: this.whole(logProbs, frames, label),
      script: this.signs.name(likelier, logProbs, label, steps),
      alternatives: top > 1 ? alternatives : [],
      spans: seen.filter(([symbol]) => symbol !== this.signs.unreadable).map(([, [from, to]]) => {
        return span(prepared, from * this.stride, to * this.stride);
      }),
    };
  }

  labels(frames, top, pattern) {
    const width = Math.max(BEAM, top);
    if (pattern) {
      const places = parsePattern(pattern, this.alphabet, this.steps);
      return prefixBeam(frames, width, top, { places });
    }
    const first = best(frames, this.lengths);
    if (top === 1 || !this.readable(first).length) return [first];
    return [...prefixBeam(frames, width, width, { lengths: this.lengths }), first];
  }

  readable(label) {
    return label.filter(symbol => symbol !== this.signs.unreadable);
  }

  // Is no ink unreadable, and do no other signs interrupt the text?
  whole(logProbs, frames, label) {
    const { unreadable, other } = this.signs;
    if (unreadable && [...frames.map(argmax), ...label].includes(unreadable)) return false;
    if (!other) return true;
    const path = logProbs.map(argmax), isText = symbol => symbol !== BLANK && symbol !== other;
    return !path.slice(path.findIndex(isText), path.findLastIndex(isText)).includes(other);
  }
}

export class CharacterDecoder {
  steps = 1;

  constructor({ alphabet, marks = {}, input }) {
    this.symbols = [...alphabet];
    this.input = input;
    this.alphabet = this.symbols.filter(symbol => !Object.values(marks).includes(symbol));
    this.classes = this.alphabet.map(symbol => this.symbols.indexOf(symbol));
    this.unreadable = this.symbols.indexOf(marks.unreadable);
  }

  // logProbs: one array.
  decode(logProbs, prepared, { top = 1, pattern }) {
    let { classes } = this;
    const most = argmax(logProbs);
    if (pattern) {
      const [first] = parsePattern(pattern, this.alphabet, 1);
      classes = classes.filter((_, i) => first.has(i + 1));
    } else if (!classes.includes(most)) {
      return REFUSED;
    }
    const texts = ranked(classes.map(c => {
      return { text: this.symbols[c], confidence: Math.exp(logProbs[c]) };
    }));
    return {
      ...texts[0],
      trusted: most !== this.unreadable,
      script: null,
      alternatives: top > 1 ? texts.slice(0, top) : [],
      spans: [characterSpan(prepared, this.input)],
    };
  }
}

// Calibrate a reading's confidences, and trust it or not, as the contract says.
export function judge(reading, trust) {
  if (!reading.text) return REFUSED;
  if (!trust) return { ...reading, trusted: false };
  const sure = interpolate(reading.confidence, trust.points);
  return {
    ...reading,
    confidence: sure,
    trusted: reading.trusted && sure >= trust.threshold,
    alternatives: reading.alternatives.map(each => {
      return { ...each, confidence: interpolate(each.confidence, trust.points) };
    }),
  };
}

function interpolate(x, points) {
  const after = points.findIndex(([at]) => at > x);
  if (after === 0) return points[0][1];
  if (after < 0) return points.at(-1)[1];
  const [[x0, y0], [x1, y1]] = [points[after - 1], points[after]];
  return y0 + (x - x0) * (y1 - y0) / (x1 - x0);
}
