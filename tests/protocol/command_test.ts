/**
 * Commands are types only. What is held here is that the codec knows each kind,
 * and that the module brings no code with it.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import * as command from "../../protocol/command.ts";
import {
  type Command,
  decodeBatch,
  encodeCommand,
  WireWriter,
} from "../../protocol/mod.ts";

const BALLOT = { round: 1, node: "LKVNVWZVOEM5N4WO" };
const ABOUT = {
  node: "LKVNVWZVOEM5N4WO",
  addr: "127.0.0.1:8046",
  hostname: "host",
  version: "0.1.0",
  incarnation: 2,
  start: 2 ** 32 - 1,
};

/** One of each kind; a kind that is missing here does not compile. */
const SAMPLES: { [Kind in Command["kind"]]: Command & { kind: Kind } } = {
  mutate: {
    kind: "mutate",
    session: 7,
    number: 3,
    by: { session: 9, number: 6, acknowledged: 2 },
    origin: "127.0.0.1:5000",
    time: 1_700_000_000_000,
    mutations: [
      { type: "del", path: "/a", rev: 5 },
      { type: "set", path: "/b", rev: -1, body: new Uint8Array([1, 2]) },
      { type: "nop" },
    ],
  },
  open: { kind: "open", session: 7, number: 4, name: "loader", time: 5 },
  skip: {
    kind: "skip",
    session: 7,
    number: 3,
    last: 9,
    by: { session: 9, number: 7, acknowledged: 0 },
    checksum: 2 ** 32 - 1,
    code: "UNAVAILABLE",
    detail: "no",
  },
  found: { kind: "found", ...ABOUT, cluster: "local", time: 1 },
  register: { kind: "register", ...ABOUT, time: 2 },
  lead: { kind: "lead", ballot: BALLOT },
  clear: { kind: "clear", ballot: BALLOT, node: ABOUT.node, time: 3 },
  seat: { kind: "seat", ballot: BALLOT, time: 4, mutations: [] },
};

Deno.test("every kind of command comes out as it went in, after any other", () => {
  const samples = Object.values(SAMPLES);
  for (const before of samples) {
    for (const sample of samples) {
      const writer = new WireWriter();
      encodeCommand(writer, before);
      encodeCommand(writer, sample);
      const read: Command[] = [];
      decodeBatch(writer.written(), (command) => read.push(command));
      // What the one before had must not show in the next.
      assertEquals(read, [before, sample]);
    }
  }
});

Deno.test("command.ts holds types only", () => {
  assertEquals(Object.keys(command), []);
});
