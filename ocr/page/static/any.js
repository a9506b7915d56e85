// "Any": choose the reader whose reading suits a picture, as ocr/reading/anything.py has it.

const HALF = 0.5;     // confidence from which a reading is more likely right than wrong
const SHAPE = 0.1;    // by which a picture's shape may differ from that of a code's reader
const WIDE = 2;       // times as wide as high: the most that a picture of one character is
const LEAST = 0.01;   // confidences are taken to be at least so far from 0 and 1
const KNOWN = [0.82, 0.74, 0.49, -1.75, 0.61];
const NUMBERS = [1.23, 0.53, -1.10, -0.65, 0.79];
const CERTAIN = 1;    // log-odds from which a reader's trust counts

export const UNKNOWN = "none of the readers knows this kind of picture";

// Does a picture of this size, {width, height}, suit the input of a contract?
function shaped({ fit, width, height }, size) {
  return fit !== "picture" || Math.abs(size.width / size.height / (width / height) - 1) <= SHAPE;
}

const isCharacter = view => ["handwriting", "character"].includes(view.reads);
const log = probability => Math.log(Math.max(LEAST / 10, probability));
const isDigit = view => view?.reading.text.length === 1;

function surest(views) {
  return views.reduce((best, view) => {
    return best && best.reading.confidence >= view.reading.confidence ? best : view;
  }, undefined);
}

function logOdds(view) {
  const within = Math.min(Math.max(view?.reading.confidence ?? 0, LEAST), 1 - LEAST);
  return Math.log(within / (1 - within));
}

const weigh = (weights, evidence) => {
  return evidence.reduce((sum, value, k) => sum + weights[k] * value, weights.at(-1));
};

// views: [{name, reads, input, reading}] of one picture; kinds: the probabilities that it is a
// number, a character, neither. Returns {name, trusted}, name null where no reader suits.
export function choose(views, size, kinds) {
  const single = size.width / size.height <= WIDE;
  const readable = views.filter(view => view.reading.text);
  const code = surest(readable.filter(view => {
    return view.reads === "code" && shaped(view.input, size) && view.reading.confidence >= HALF;
  }));
  if (code) return { name: code.name, trusted: code.reading.trusted };
  const characters = single ? readable.filter(isCharacter) : [];
  const number = surest(readable.filter(view => view.reads === "number"));
  const character = surest(characters), [aNumber, aCharacter, neither] = kinds;
  const odds = [logOdds(number), logOdds(character), isDigit(number)];
  const known = weigh(KNOWN, [log(aNumber + aCharacter) - log(neither), ...odds]);
  const rather = weigh(NUMBERS, [log(aNumber) - log(aCharacter), ...odds]);
  const agreed = isDigit(number) && characters.some(v => v.reading.text === number.reading.text);
  const best = !character || agreed || (number && rather > 0) ? number : character;
  if (!best || known < 0) return { name: null, trusted: false };
  const clear = agreed || !number || !character || Math.abs(rather) >= CERTAIN;
  return { name: best.name, trusted: best.reading.trusted && clear && known >= CERTAIN };
}
