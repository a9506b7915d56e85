// Patterns such as dd/dd/dddd, as ocr/reading/constraints.py has them.

const WILDCARDS = { d: /^\p{Nd}$/u, a: /^\p{L}$/u, x: /^[\p{L}\p{N}]$/u };
const MISSING = { d: "no digit", a: "no letter", x: "neither digits nor letters" };

// The indices (from 1) that each place allows, as sets; alphabet: an array of symbols. Throws an
// Error where the alphabet has none, or the network too few time steps.
export function parsePattern(text, alphabet, steps) {
  const places = [...text.matchAll(/(\\?)(.)/gsu)].map(([, escape, symbol]) => {
    const wildcard = escape ? null : WILDCARDS[symbol];
    const fits = known => (wildcard ? wildcard.test(known) : known === symbol);
    const allowed = new Set(alphabet.flatMap((known, i) => (fits(known) ? [i + 1] : [])));
    if (!allowed.size) {
      const what = wildcard ? MISSING[symbol] : `no '${symbol}'`;
      throw new Error(`pattern '${text}': the alphabet '${alphabet.join("")}' has ${what}`);
    }
    return allowed;
  });
  const meets = (a, b) => [...a].some(index => b.has(index));
  const needed = places.length + places.filter((a, i) => i && meets(a, places[i - 1])).length;
  if (needed > steps) {
    const why = steps === 1 ? "this reader reads one character"
      : `it needs ${needed} time steps, the network has ${steps}`;
    throw new Error(`'${text}' is too long: ${why}`);
  }
  return places;
}
