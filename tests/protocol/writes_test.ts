/**
 * Which writes of a connection are settled, in whatever order they are.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { ResponseEncoder, WireWriter } from "../../protocol/mod.ts";
import {
  answerWrite,
  type Write,
  Writes,
  type WriteType,
} from "../../protocol/writes.ts";
import type { Mutation, Outcome } from "../../store/mod.ts";
import { FakeBackend } from "./fake_backend.ts";
import { decodeRawResponse, type RawResponse } from "./raw_client.ts";

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

Deno.test("Writes proposes what is a session's, and the session itself", () => {
  const { backend, writes, told } = newWrites();
  const by = { session: 1, number: 1, acknowledged: 0 };
  writes.openSession(1, "me");
  writes.proposeOnce(2, SET, by);
  writes.proposeOnce(3, SET, by);
  writes.proposeOnce(4, undefined, { ...by, number: 2 });
  assertEquals([backend.held, ...counts(writes)], [4, 4, 0, 4]);
  backend.settle();
  assertEquals(counts(writes), [4, 4, 0]);
  assertEquals(told, [
    [1, "open", 1],
    [2, "once", 1],
    [3, "once", 1],
    [4, "empty", 0],
  ]);
});

Deno.test("answerWrite() has the fields of each kind", () => {
  const rows: [WriteType, Outcome, RawResponse][] = [
    ["set", 7, { rev: 7 }],
    ["del", 7, {}],
    ["nop", 7, {}],
    ["once", 7, { rev: 7 }],
    ["open", 7, { session: 7 }],
    ["empty", 0, {}],
    ["empty", 7, { rev: 7 }],
    ["once", { code: "ISDIR" }, { err_code: "ISDIR" }],
    ["open", { code: "OTHER", detail: "No" }, {
      err_code: "OTHER",
      err_detail: "No",
    }],
  ];
  for (const [type, outcome, wanted] of rows) {
    const writer = new WireWriter();
    answerWrite(new ResponseEncoder(writer), { tag: 3, type }, outcome);
    const message = writer.written().subarray(4);
    const { response } = decodeRawResponse(message, { extended: true });
    assertEquals(response, { tag: 3, ...wanted }, type);
  }
});
