// CTC decoding, as ocr/reading/ctc.py does it. Blank is index 0. Log-probabilities are an array of
// frames, one a time step, each an array of numbers, one a class; a label is an array of indices.

export const BLANK = 0;

export const argmax = values => {
  let best = 0;
  for (let i = 1; i < values.length; i++) if (values[i] > values[best]) best = i;
  return best;
};

export function logSoftmax(logits) {
  const most = logits.reduce((a, b) => Math.max(a, b), -Infinity);
  const total = logits.reduce((sum, value) => sum + Math.exp(value - most), 0);
  return Array.from(logits, value => value - most - Math.log(total));
}

function collapse(path) {
  return path.filter((symbol, i) => symbol !== BLANK && symbol !== path[i - 1]);
}

const fits = (length, [low, high]) => low <= length && length <= high;

// The greedy label, or that of the best path with one of the lengths.
export function best(frames, lengths) {
  const found = collapse(frames.map(argmax));
  return !lengths || fits(found.length, lengths) ? found : bestPath(frames, ...lengths);
}

// Viterbi over scores[time][length][class], see ctc.best_path.
function bestPath(frames, low, high) {
  const classes = frames[0].length;
  high = Math.min(high, frames.length);
  const none = () => Array.from({ length: high + 1 }, () => Array(classes).fill(-Infinity));
  const scores = [none()];
  scores[0][0][BLANK] = frames[0][BLANK];
  if (high) for (let c = 1; c < classes; c++) scores[0][1][c] = frames[0][c];
  for (const frame of frames.slice(1)) {
    const before = scores.at(-1), after = none();
    const top = before.map(row => [...row].sort((a, b) => b - a));
    for (let n = 0; n <= high; n++) {
      after[n][BLANK] = top[n][0] + frame[BLANK];
      for (let c = 1; n && c < classes; c++) {
        const other = before[n - 1][c] === top[n - 1][0] ? top[n - 1][1] : top[n - 1][0];
        after[n][c] = Math.max(before[n][c], other) + frame[c];
      }
    }
    scores.push(after);
  }
  let length = low;
  const final = scores.at(-1), most = row => Math.max(...row);
  for (let n = low; n <= high; n++) if (most(final[n]) > most(final[length])) length = n;
  return collapse(backtrack(scores, length, argmax(final[length])));
}

function backtrack(scores, length, last) {
  const path = [last];
  for (let t = scores.length - 2; t >= 0; t--) {
    const score = scores[t];
    if (last === BLANK) {
      last = argmax(score[length]);
    } else {
      const stay = score[length][last];
      score[length - 1][last] = -Infinity;
      const other = argmax(score[length - 1]);
      if (score[length - 1][other] > stay) [length, last] = [length - 1, other];
    }
    path.push(last);
  }
  return path.reverse();
}

// log(exp(a) + exp(b))
function add(a, b) {
  if (a < b) [a, b] = [b, a];
  return b === -Infinity ? a : a + Math.log1p(Math.exp(b - a));
}

// A prefix of labels, in a tree: each node adds a symbol to its parent's. blank and end are the
// log-probabilities of its paths that end in blank, and in its symbol; `step` is that of `grown`.
const node = (parent, symbol) => ({
  parent, symbol, length: parent ? parent.length + 1 : 0, children: new Map(), step: -1,
  blank: -Infinity, end: -Infinity, total: 0, grown: { blank: 0, end: 0 },
});

function labelOf(prefix) {
  const label = [];
  for (; prefix.parent; prefix = prefix.parent) label.unshift(prefix.symbol);
  return label;
}

// The most probable labels, best first, by prefix beam search; lengths or places (sets of indices)
// constrain them, see ctc.prefix_beam.
export function prefixBeam(frames, width, top, { lengths = null, places = null } = {}) {
  if (places) lengths = [places.length, places.length];
  const [low, high] = lengths ?? [0, frames.length], root = node(null, BLANK);
  root.blank = 0;
  let beams = [root];
  frames.forEach((frame, step) => {
    const order = Array.from(frame, (_, c) => c).sort((a, b) => frame[b] - frame[a]);
    const choices = places?.map(place => order.filter(c => place.has(c)).slice(0, width));
    beams = extend(beams, frame, step, ({ length }) => {
      return length === high ? [] : choices ? choices[length] : order.slice(0, width);
    });
    beams = prune(beams, width, lengths !== null);
  });
  return beams
    .filter(({ length, total }) => fits(length, [low, high]) && total > -Infinity)
    .sort((a, b) => b.total - a.total)
    .slice(0, top)
    .map(labelOf);
}

// All prefixes that one more frame makes of some; choicesOf gives the symbols that may follow one.
function extend(beams, frame, step, choicesOf) {
  const all = [];
  const touch = prefix => {
    if (prefix.step !== step) {
      prefix.step = step;
      prefix.grown = { blank: -Infinity, end: -Infinity };
      all.push(prefix);
    }
    return prefix.grown;
  };
  for (const prefix of beams) {
    const { blank, end, symbol, parent, children } = prefix, both = add(blank, end);
    const stay = touch(prefix);
    stay.blank = add(stay.blank, both + frame[BLANK]);
    if (parent) stay.end = add(stay.end, end + frame[symbol]);
    for (const c of choicesOf(prefix)) {
      if (c === BLANK) continue;
      if (!children.has(c)) children.set(c, node(prefix, c));
      const longer = touch(children.get(c));
      longer.end = add(longer.end, frame[c] + (parent && c === symbol ? blank : both));
    }
  }
  for (const prefix of all) {
    ({ blank: prefix.blank, end: prefix.end } = prefix.grown);
    prefix.total = add(prefix.blank, prefix.end);
  }
  return all;
}

// Keep the `width` best prefixes, of each length where byLength; equal ones as they came.
function prune(beams, width, byLength) {
  const groups = new Map();
  for (const prefix of beams) {
    const key = byLength ? prefix.length : 0;
    if (!groups.has(key)) groups.set(key, []);
    const best = groups.get(key);
    let place = best.length;
    while (place && best[place - 1].total < prefix.total) place--;
    if (place < width) best.splice(place, 0, prefix);
    if (best.length > width) best.pop();
  }
  return [...groups.values()].flat();
}

// A blank before, between and after a label's symbols: the states of CTC; and may state s be
// reached from state s - 2?
function extended(label) {
  const states = [BLANK, ...label.flatMap(symbol => [symbol, BLANK])];
  const skips = states.map((state, s) => s > 1 && state !== BLANK && state !== states[s - 2]);
  return { states, skips };
}

// P(label | image), the sum over all its paths, by the forward recursion.
export function confidence(frames, label) {
  const { states, skips } = extended(label);
  let alpha = states.map((state, s) => (s < 2 ? frames[0][state] : -Infinity));
  for (const frame of frames.slice(1)) {
    alpha = states.map((state, s) => {
      let sum = s ? add(alpha[s], alpha[s - 1]) : alpha[s];
      if (skips[s]) sum = add(sum, alpha[s - 2]);
      return sum + frame[state];
    });
  }
  const last = alpha.length - 1;
  return Math.min(1, Math.exp(last ? add(alpha[last], alpha[last - 1]) : alpha[last]));
}

// The [first, last + 1] time steps of each symbol on the label's best path.
export function align(frames, label) {
  let path = frames.map(argmax);
  const greedy = collapse(path);
  if (greedy.length !== label.length || greedy.some((symbol, i) => symbol !== label[i])) {
    path = alignedPath(frames, label);
  }
  const found = [];
  path.forEach((symbol, t) => {
    if (symbol === BLANK) return;
    if (symbol === path[t - 1]) found.at(-1)[1] = t + 1;
    else found.push([t, t + 1]);
  });
  return found;
}

function alignedPath(frames, label) {
  const { states, skips } = extended(label), back = [];
  let score = states.map((state, s) => (s < 2 ? frames[0][state] : -Infinity));
  for (const frame of frames.slice(1)) {
    const came = states.map((_, s) => {
      let from = s;
      if (s && score[s - 1] > score[from]) from = s - 1;
      return skips[s] && score[s - 2] > score[from] ? s - 2 : from;
    });
    back.push(came);
    score = came.map((from, s) => score[from] + frame[states[s]]);
  }
  let s = states.length - 1;
  if (s && score[s - 1] > score[s]) s -= 1;
  const path = [states[s]];
  for (const came of back.reverse()) path.push(states[s = came[s]]);
  return path.reverse();
}
