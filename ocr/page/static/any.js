// "Any": choose the reader whose reading suits a picture, as ocr/reading/anything.py has it.

const HALF = 0.5;   // confidence from which a reading is more likely right than wrong
const SHAPE = 0.1;  // by which a picture's shape may differ from that of a code's reader
const WIDE = 2;     // times as wide as high: the most that a picture of one character is

// Is it a number in Arabic-Indic or Persian digits?
const isEastern = view => (view.reading.script ?? "western") !== "western";

export const UNKNOWN = "none of the readers knows this kind of picture";

// Does a picture of this size, {width, height}, suit the input of a contract?
function shaped({ fit, width, height }, size) {
  return fit !== "picture" || Math.abs(size.width / size.height / (width / height) - 1) <= SHAPE;
}

// views: [{name, reads, input, reading}] of one picture. Returns {name, trusted}, name null where
// no reader suits.
export function choose(views, size) {
  const single = size.width / size.height <= WIDE, found = {};
  const readable = views.filter(view => view.reading.text);
  const isCharacter = view => ["handwriting", "character"].includes(view.reads);
  const seen = text => {
    const same = view => view.reading.text.toLowerCase() === text.toLowerCase();
    return single ? readable.filter(view => isCharacter(view) && same(view)).length : 0;
  };
  for (const view of readable.toSorted((a, b) => a.reading.confidence - b.reading.confidence)) {
    const { text, confidence, trusted } = view.reading, sure = confidence >= HALF;
    if (view.reads === "code") {
      if (sure && shaped(view.input, size)) found.code = view;
    } else if (view.reads === "number") {
      if (text.length === 1 && !seen(text) ? trusted : sure) found.number = view;
    } else if (single && (trusted || (sure && seen(text) > 1))) {
      found.character = view;
    }
  }
  const { code, number, character } = found;
  let best = code ?? number ?? character;
  if (number && character && !code) {
    const { text, confidence } = number.reading;
    const first = text.length === 1 ? seen(text) : confidence >= character.reading.confidence;
    best = first ? number : character;
  }
  if (!best) return { name: null, trusted: false };
  const characters = single ? readable.filter(isCharacter) : [];
  return { name: best.name, trusted: best.reading.trusted && !doubtful(best, number, characters) };
}

// Is it one sign that readers of numbers and of characters see differently?
function doubtful(best, number, characters) {
  if (number?.reading.text.length !== 1) return false;
  if (best !== number) return isEastern(number) && number.reading.trusted;
  if (isEastern(number)) return characters.some(view => view.reading.confidence >= HALF);
  return !characters.some(view => view.reading.text === number.reading.text);
}
