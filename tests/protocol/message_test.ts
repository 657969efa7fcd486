/**
 * The messages of Paxos: so far types only, whose bytes come with the links
 * between nodes. What is held here is that the union is complete and that the
 * module brings no code with it.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import * as message from "../../protocol/message.ts";
import type { Ballot, PeerMessage } from "../../protocol/message.ts";

const BALLOT: Ballot = { round: 1, node: "LKVNVWZVOEM5N4WO" };
const VALUE = new Uint8Array(0);

/** One of each; a type that is missing here does not compile. */
const SAMPLES: { [Type in PeerMessage["type"]]: PeerMessage & { type: Type } } =
  {
    prepare: { type: "prepare", ballot: BALLOT, from: 1 },
    promise: {
      type: "promise",
      ballot: BALLOT,
      accepted: [{ seqn: 1, ballot: BALLOT, value: VALUE }],
    },
    accept: { type: "accept", seqn: 1, ballot: BALLOT, value: VALUE },
    accepted: { type: "accepted", seqn: 1, ballot: BALLOT },
    nack: { type: "nack", ballot: BALLOT, promised: BALLOT },
  };

Deno.test("PeerMessage has the five messages of Paxos", () => {
  assertEquals(Object.keys(SAMPLES), [
    "prepare",
    "promise",
    "accept",
    "accepted",
    "nack",
  ]);
  for (const [type, sample] of Object.entries(SAMPLES)) {
    assertEquals(sample.type, type);
    assertEquals(sample.ballot, BALLOT, "each names its ballot");
  }
});

Deno.test("message.ts is types only", () => {
  assertEquals(Object.keys(message), []);
});
