/**
 * Which writes of a connection are settled, in whatever order they are.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { type Write, Writes } from "../../protocol/writes.ts";
import type { Mutation, Outcome } from "../../store/mod.ts";
import { FakeBackend } from "./fake_backend.ts";

const SET: Mutation = {
  type: "set",
  path: "/a",
  rev: -1,
  body: new Uint8Array(),
};

function newWrites(): {
  backend: FakeBackend;
  writes: Writes;
  told: [tag: number | undefined, type: string, outcome: Outcome][];
} {
  const backend = new FakeBackend();
  const told: [number | undefined, string, Outcome][] = [];
  const writeSettled = ({ tag, type }: Write, outcome: Outcome) => {
    told.push([tag, type, outcome]);
  };
  const writes = new Writes({ backend, writeSettled });
  return { backend, writes, told };
}

function counts({ begun, settled, inFlight }: Writes): number[] {
  return [begun, settled, inFlight];
}

Deno.test("Writes proposes, and tells outcomes with tag and type", () => {
  const { backend, writes, told } = newWrites();
  writes.propose(5, SET);
  writes.propose(undefined, { type: "nop" });
  assertEquals([backend.held, ...counts(writes)], [2, 2, 0, 2]);
  backend.settle(1);
  assertEquals(counts(writes), [2, 1, 1]);
  backend.settle(1);
  assertEquals(counts(writes), [2, 2, 0]);
  assertEquals(told, [[5, "set", 1], [undefined, "nop", 2]]);
});

Deno.test("Writes.settled counts no write whose predecessor is unsettled", () => {
  const { backend, writes, told } = newWrites();
  for (let tag = 1; tag <= 4; tag++) writes.propose(tag, SET);
  const refusal = { code: "UNAVAILABLE", detail: "No quorum" } as const;
  backend.settleWith(refusal, 2);
  assertEquals(counts(writes), [4, 0, 2]);
  backend.settle(1);
  assertEquals(counts(writes), [4, 1, 1]);
  backend.settle(1);
  assertEquals(counts(writes), [4, 4, 0]);
  assertEquals(told.map(([tag]) => tag), [3, 4, 1, 2]);
  writes.propose(5, SET);
  backend.settle();
  assertEquals(counts(writes), [5, 5, 0]);
});
