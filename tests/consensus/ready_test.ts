/**
 * What a replica hands out: which answers wait for the disk.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { addAnswer, hasWork, nothingToDo } from "../../consensus/mod.ts";
import type { AcceptorAnswer } from "../../consensus/mod.ts";
import type { LogRecord } from "../../protocol/mod.ts";
import { read } from "./words.ts";
import { NOTHING, show } from "./replica_bench.ts";

const RECORD: LogRecord = {
  ...{ type: "promised", position: 1 },
  ballot: { round: 2, node: "B" },
};

/** What is to be done after an answer to B. */
function answered(answer: AcceptorAnswer) {
  const ready = nothingToDo();
  addAnswer(ready, { to: "B", answer });
  return show(ready);
}

Deno.test("C1: an answer with a record waits for it, one without does not", () => {
  assertEquals(answered({ message: read("promise", "2.B"), record: RECORD }), {
    now: [],
    write: ["promised 2.B"],
    then: ["B: promise 2.B"],
  });
  assertEquals(answered({ message: read("nack", "2.B, promised 3.C") }), {
    now: ["B: nack 2.B, promised 3.C"],
    write: [],
    then: [],
  });
});

Deno.test("C1: all parts of a large promise wait for its record", () => {
  const promise = read("promise", "2.B, accepted 1=x@1.A 2=y@1.A");
  const accepted = promise.accepted.map((one) => ({
    ...one,
    value: new Uint8Array(3 << 20),
  }));
  const ready = nothingToDo();
  const message = { ...promise, accepted };
  addAnswer(ready, { to: "B", answer: { message, record: RECORD } });
  const { records, messagesNow, messagesAfter } = ready;
  assertEquals([records.length, messagesNow.length], [1, 0]);
  assertEquals(messagesAfter.map(({ to }) => to), ["B", "B"]);
});

Deno.test("hasWork() sees each of the three kinds", () => {
  assertEquals(show(nothingToDo()), NOTHING);
  assertEquals(hasWork(nothingToDo()), false);
  const outgoing = { to: "B", message: read("promise", "2.B") };
  const some = [
    { records: [RECORD] },
    { messagesNow: [outgoing] },
    { messagesAfter: [outgoing] },
  ];
  for (const one of some) {
    assertEquals(hasWork({ ...nothingToDo(), ...one }), true);
  }
});

Deno.test("nothingToDo() is new each time", () => {
  nothingToDo().records.push(RECORD);
  assertEquals(nothingToDo().records, []);
});
