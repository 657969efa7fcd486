/**
 * The checker of what is written down before it is said, shown good and bad
 * conduct.
 *
 * @module
 */
import type { Ballot, PeerMessage } from "../../protocol/mod.ts";
import { DurableWords, type Memory } from "./checkers/durable_words.ts";
import { violates } from "./checkers/samples.ts";

const LOW = { round: 1, node: "A" };
const OWN = { round: 3, node: "C" };
const VALUE = new Uint8Array([1]);
const MEMORY: Memory = {
  promised: LOW,
  accepted: [{ seqn: 5, ballot: LOW, value: VALUE }],
};

/** What C hears, says, writes or syncs. */
type Step =
  | { readonly hears: PeerMessage }
  | { readonly says: PeerMessage }
  | "writes"
  | "syncs"
  | "runs";

function accept(seqn: number, ballot: Ballot): PeerMessage {
  return { type: "accept", seqn, ballot, value: VALUE };
}

function accepted(seqn: number, ballot: Ballot): PeerMessage {
  return { type: "accepted", seqn, ballot, position: 0 };
}

function prepare(ballot: Ballot): PeerMessage {
  return { type: "prepare", ballot, from: 5 };
}

function promise(ballot: Ballot): PeerMessage {
  const said = { from: 5, accepted: [], total: 0, position: 0 };
  return { type: "promise", ballot, ...said };
}

const PREVOTE: PeerMessage = { type: "prevote", ballot: OWN, applied: 4 };

function wordsAfter(steps: readonly Step[], memory?: Memory): DurableWords {
  const words = new DurableWords();
  const log = { written: 0, durable: 0, syncs: 0, idle: true };
  words.started("C", { log, memory });
  for (const step of steps) {
    if (step === "writes") {
      log.written++;
      log.idle = false;
    } else if (step === "runs") words.ran("C");
    else if (step === "syncs") {
      log.durable = log.written;
      log.syncs++;
      log.idle = true;
    } else if ("hears" in step) words.arrived("C", step.hears);
    else words.sent("C", step.says);
  }
  return words;
}

Deno.test("DurableWords accepts what is written first", () => {
  wordsAfter([
    { hears: accept(5, LOW) },
    { hears: prepare(LOW) },
    "writes",
    "syncs",
    { says: accepted(5, LOW) },
    { says: promise(LOW) },
    { hears: accept(5, LOW) },
    { says: accepted(5, LOW) },
    { says: PREVOTE },
    "writes",
    "syncs",
    { says: prepare(OWN) },
  ]);
  // What was on the disk when it started is written down.
  wordsAfter([
    "writes",
    { hears: accept(5, LOW) },
    { hears: prepare(LOW) },
    { says: accepted(5, LOW) },
    { says: promise(LOW) },
  ], MEMORY);
});

Deno.test("DurableWords finds what is said too early", async (t) => {
  const bad: Record<string, Step[]> = {
    "an acceptance": [{ hears: accept(5, LOW) }, { says: accepted(5, LOW) }],
    "an acceptance that is not synced": [
      { hears: accept(5, LOW) },
      "writes",
      { says: accepted(5, LOW) },
    ],
    "an acceptance written before it came": [
      "writes",
      { hears: accept(5, LOW) },
      "syncs",
      { says: accepted(5, LOW) },
    ],
    "a promise": [{ hears: prepare(LOW) }, { says: promise(LOW) }],
    "a campaign": [{ says: PREVOTE }, { says: prepare(OWN) }],
  };
  for (const [what, steps] of Object.entries(bad)) {
    await t.step(
      what,
      () => violates("written first", () => wordsAfter(steps)),
    );
  }
});

Deno.test("DurableWords tells whether a leader's own vote counts", () => {
  const vote = { seqn: 5, ballot: OWN };
  const said = { says: accept(5, OWN) };
  const counts = (steps: Step[]) => wordsAfter(steps).isDurable("C", vote);
  const expected: [boolean, Step[]][] = [
    [false, [said]],
    [false, ["writes", "syncs", said]],
    [true, ["writes", said, "syncs"]],
    [true, [said, "writes", "syncs"]],
    [false, [said, "writes", "runs"]],
    [true, [said, "writes", "runs", "syncs"]],
    // It was written when there was nobody to say it to.
    [true, ["writes", "syncs", said, "runs"]],
  ];
  for (const [right, steps] of expected) {
    if (counts(steps) !== right) throw new Error(`Not ${right}: ${steps}`);
  }
});
