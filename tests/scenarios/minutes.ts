/**
 * The minutes of a dialogue: what happened at the same moment, in few lines.
 *
 * A message to several receivers is one line; so are the same words of several
 * nodes, and slots that follow each other and hold the same.
 *
 * @module
 */

/** Something that a node did. */
export interface Entry {
  who: string;
  /** In the third person: "sends". */
  verb: string;
  /** The receivers of a message. */
  to?: string;
  /** The words before the number of the slot, and after it. */
  before: string;
  slot?: number;
  after?: string;
}

interface Line {
  readonly who: string[];
  readonly verb: string;
  readonly to: string[];
  readonly before: string;
  readonly first: number | undefined;
  last: number | undefined;
  readonly after: string;
}

/** The entries of one moment as lines of text. */
export function summarize(entries: readonly Entry[]): string[] {
  const lines = entries.map(lineOf);
  const sent = merge(lines, sameButReceivers, (line, { to }) => {
    line.to.push(...to.filter((name) => !line.to.includes(name)));
  });
  const ranged = joinSlots(sent);
  const said = merge(ranged, sameButSpeakers, (line, { who }) => {
    line.who.push(...who);
  });
  return said.map(textOf);
}

function lineOf({ who, verb, to, before, slot, after }: Entry): Line {
  return {
    who: [who],
    verb,
    to: to === undefined ? [] : [to],
    before,
    first: slot,
    last: slot,
    after: after ?? "",
  };
}

/** Each line is added to an earlier one that is like it. */
function merge(
  lines: readonly Line[],
  alike: (a: Line, b: Line) => boolean,
  add: (line: Line, more: Line) => void,
): Line[] {
  const merged: Line[] = [];
  for (const line of lines) {
    const before = merged.find((other) => alike(other, line));
    if (before === undefined) merged.push(line);
    else add(before, line);
  }
  return merged;
}

/** Slots in a row that hold the same become one line. */
function joinSlots(lines: readonly Line[]): Line[] {
  const joined: Line[] = [];
  for (const line of lines) {
    const before = joined.at(-1);
    const follows = before?.last !== undefined &&
      line.first === before.last + 1 && sameWords(before, line) &&
      sameNames(before.who, line.who) && sameNames(before.to, line.to);
    if (follows) before.last = line.last;
    else joined.push(line);
  }
  return joined;
}

function sameButReceivers(a: Line, b: Line): boolean {
  return b.to.length > 0 && sameNames(a.who, b.who) && sameSlots(a, b) &&
    !a.to.includes(b.to[0]!);
}

function sameButSpeakers(a: Line, b: Line): boolean {
  return sameNames(a.to, b.to) && sameSlots(a, b) && !a.who.includes(b.who[0]!);
}

function sameSlots(a: Line, b: Line): boolean {
  return a.first === b.first && a.last === b.last && sameWords(a, b);
}

function sameWords(a: Line, b: Line): boolean {
  return a.verb === b.verb && a.before === b.before && a.after === b.after;
}

function sameNames(a: readonly string[], b: readonly string[]): boolean {
  return a.join() === b.join();
}

function textOf(line: Line): string {
  const { who, verb, to, before, first, last, after } = line;
  const range = first === last ? `${first}` : `${first}..${last}`;
  const slots = first === undefined ? "" : range;
  const did = who.length === 1 ? verb : pluralOf(verb);
  const receivers = to.length === 0 ? "" : ` ${to.join(", ")}`;
  return `${who.join(", ")} ${did}${receivers} ${before}${slots}${after}`
    .trimEnd();
}

/** Of the first word: "then sends" becomes "then send". */
function pluralOf(verb: string): string {
  return verb.replace(/\bhas\b/, "have").replace(/ies\b/, "y")
    .replace(/s\b/, "");
}
