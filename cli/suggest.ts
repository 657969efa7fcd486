/**
 * "Did you mean": the known word nearest to a mistyped one.
 *
 * @module
 */

/**
 * The number of letters to insert, delete, replace, or swap with their
 * neighbour to make one word of the other.
 */
export function editDistance(from: string, to: string): number {
  let older: number[] = [];
  let last = Array.from({ length: to.length + 1 }, (_, i) => i);
  for (let i = 1; i <= from.length; i++) {
    const row = [i];
    for (let j = 1; j <= to.length; j++) {
      const same = from[i - 1] === to[j - 1];
      let cost = Math.min(
        at(last, j) + 1,
        at(row, j - 1) + 1,
        at(last, j - 1) + (same ? 0 : 1),
      );
      const swapped = from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1];
      if (i > 1 && j > 1 && swapped) {
        cost = Math.min(cost, at(older, j - 2) + 1);
      }
      row.push(cost);
    }
    older = last;
    last = row;
  }
  return at(last, to.length);
}

function at(row: readonly number[], index: number): number {
  return row[index] ?? Infinity;
}

/** The nearest of the known words, if any is near enough to be meant. */
export function nearestWord(
  word: string,
  known: Iterable<string>,
): string | undefined {
  // A third of the letters may be wrong: "gte" is "get", "frob" is nothing.
  const limit = Math.max(1, Math.floor(word.length / 3));
  let best: { name: string; distance: number } | undefined;
  for (const name of known) {
    const distance = editDistance(word, name);
    if (distance > limit || distance >= name.length) continue;
    if (!best || distance < best.distance) best = { name, distance };
  }
  return best?.name;
}

/** The sentence to add to an error, or an empty text. */
export function didYouMean(word: string, known: Iterable<string>): string {
  const name = nearestWord(word, known);
  return name === undefined ? "" : `; did you mean "${name}"?`;
}
