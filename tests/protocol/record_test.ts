/**
 * Batches of commands as bytes, both ways.
 *
 * @module
 */
import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import {
  type Command,
  decodeBatch,
  encodeCommand,
  encodeMutation,
  ProtocolError,
  WireWriter,
} from "../../protocol/mod.ts";
import {
  AssertionError,
  ERROR_CODES,
  type ErrorCode,
} from "../../store/mod.ts";
import { concatBytes, encodeNumber, frame } from "./raw_client.ts";
import { bytesOf, vectorsOf } from "./vectors.ts";

function decode(batch: Uint8Array): Command[] {
  const commands: Command[] = [];
  decodeBatch(batch, (command) => commands.push(command));
  return commands;
}

function encode(commands: readonly Command[]): Uint8Array {
  const writer = new WireWriter(0);
  for (const command of commands) encodeCommand(writer, command);
  return writer.written();
}

/** Commands from JSON, where a body is hex. */
function commandsOf(json: string): Command[] {
  return JSON.parse(
    json,
    (key, value) => key === "body" ? Uint8Array.fromHex(value) : value,
  );
}

Deno.test("decodeBatch() reads the golden batches", () => {
  for (const vector of vectorsOf("batch")) {
    const { arrow, label, meaning } = vector;
    const bytes = bytesOf(vector);
    if (arrow === "!!") {
      assertThrows(() => decode(bytes), ProtocolError, meaning, label);
    } else assertEquals(decode(bytes), commandsOf(meaning), label);
  }
});

Deno.test("encodeCommand() writes the golden batches", () => {
  for (const vector of vectorsOf("batch")) {
    if (vector.arrow !== "<=>") continue;
    const bytes = encode(commandsOf(vector.meaning));
    assertEquals(bytes.toHex(), vector.hex, vector.label);
  }
});

Deno.test("the golden batches have every kind of command and of mutation", () => {
  const kinds = new Set<string>();
  const types = new Set<string>();
  for (const { arrow, meaning } of vectorsOf("batch")) {
    if (arrow === "!!") continue;
    for (const command of commandsOf(meaning)) {
      kinds.add(command.kind);
      if (command.kind !== "mutate") continue;
      for (const { type } of command.mutations) types.add(type);
    }
  }
  const all = "clear found lead mutate open register seat skip".split(" ");
  assertEquals([[...kinds].sort(), [...types].sort()], [
    all,
    ["del", "nop", "set"],
  ]);
});

const paths = fc.string({ unit: "binary", maxLength: 30 });
const mutations = fc.array(
  fc.oneof(
    fc.record({
      type: fc.constant("set" as const),
      path: paths,
      rev: fc.maxSafeInteger(),
      body: fc.uint8Array(),
    }),
    fc.record({
      type: fc.constant("del" as const),
      path: paths,
      rev: fc.maxSafeInteger(),
    }),
    fc.constant({ type: "nop" as const }),
  ),
  { maxLength: 4 },
);
const numbers = fc.oneof(fc.nat(3), fc.maxSafeNat());
const by = fc.record({
  session: numbers,
  number: numbers,
  acknowledged: numbers,
});
/** A field that may be there or not. */
const optional = { requiredKeys: [] as [] };
const texts = fc.constantFrom("", "A", "LKVNVWZVOEM5N4WO", "127.0.0.1:8046");
const ballots = fc.record({ round: numbers, node: texts });
const about = {
  node: texts,
  addr: texts,
  hostname: texts,
  version: texts,
  incarnation: numbers.map((n) => Math.max(1, n)),
  start: fc.nat({ max: 2 ** 32 - 1 }),
  time: numbers,
};
const commands: fc.Arbitrary<Command[]> = fc.array(fc.oneof(
  fc.tuple(
    fc.record({
      kind: fc.constant("mutate" as const),
      session: numbers,
      number: numbers,
      origin: texts,
      time: numbers,
      mutations,
    }),
    fc.record({ by }, optional),
  ).map(([command, client]) => ({ ...command, ...client })),
  fc.record({
    kind: fc.constant("open" as const),
    session: numbers,
    number: numbers,
    name: texts,
    time: numbers,
  }),
  fc.tuple(
    fc.record({
      kind: fc.constant("skip" as const),
      session: numbers,
      number: numbers,
      last: numbers,
      code: fc.constantFrom(...Object.keys(ERROR_CODES) as ErrorCode[]),
      detail: texts,
    }),
    fc.record({ by, checksum: fc.nat({ max: 2 ** 32 - 1 }) }, optional),
  ).map(([command, client]) => ({ ...command, ...client })),
  fc.record({ kind: fc.constant("found" as const), cluster: texts, ...about }),
  fc.record({ kind: fc.constant("register" as const), ...about }),
  fc.record({ kind: fc.constant("lead" as const), ballot: ballots }),
  fc.record({
    kind: fc.constant("clear" as const),
    ballot: ballots,
    node: texts,
    time: numbers,
  }),
  fc.record({
    kind: fc.constant("seat" as const),
    ballot: ballots,
    time: numbers,
    mutations,
  }),
));

Deno.test("decodeBatch() reads what encodeCommand() writes", () => {
  fc.assert(
    fc.property(commands, (commands) => {
      assertEquals(decode(encode(commands)), commands);
    }),
    { numRuns: 500 },
  );
});

Deno.test("encodeMutation() writes a command of one mutation, of the session's owner", () => {
  fc.assert(
    fc.property(numbers, mutations, (number, mutations) => {
      for (const mutation of mutations) {
        const writer = new WireWriter(0);
        encodeMutation(writer, { session: 7, number, time: 9 }, mutation);
        const envelope = { origin: "", time: 9 };
        assertEquals(decode(writer.written()), [{
          kind: "mutate",
          session: 7,
          number,
          ...envelope,
          mutations: [mutation],
        }]);
      }
    }),
  );
});

Deno.test("encodeMutation() names the client's session, with or without a mutation", () => {
  fc.assert(
    fc.property(by, fc.option(mutations, { nil: [] }), (by, [mutation]) => {
      const writer = new WireWriter(0);
      encodeMutation(
        writer,
        { session: 7, number: 8, time: 9, by },
        mutation,
      );
      const envelope = { session: 7, number: 8, origin: "", time: 9, by };
      const all = mutation === undefined ? [] : [mutation];
      const command = { kind: "mutate" as const, ...envelope, mutations: all };
      assertEquals(decode(writer.written()), [command]);
    }),
  );
});

Deno.test("decodeBatch() refuses a checksum of more than 32 bits", () => {
  const fields = [encodeNumber(6, 1), encodeNumber(29, 2 ** 32)];
  const batch = frame(concatBytes(fields));
  assertThrows(() => decode(batch), ProtocolError, "more than 32 bits");
});

Deno.test("decodeBatch() refuses a batch that is cut off", () => {
  const command = (number: number): Command => ({
    kind: "mutate",
    session: 1,
    number,
    origin: "",
    time: 0,
    mutations: [
      { type: "set", path: "/a", rev: -1, body: Uint8Array.of(1, 2) },
      { type: "del", path: "/b", rev: 3 },
    ],
  });
  const one = encode([command(1)]).length;
  const batch = encode([command(1), command(2)]);
  for (let length = 1; length < batch.length; length++) {
    if (length === one) continue;
    assertThrows(() => decode(batch.slice(0, length)), ProtocolError);
  }
});

Deno.test("decodeBatch() stops at a command of an unknown kind", () => {
  for (const kind of [8, 255, 2 ** 31]) {
    const command = concatBytes([encodeNumber(2, 1), encodeNumber(6, kind)]);
    const error = assertThrows(() => decode(frame(command)), AssertionError);
    assertEquals(
      error.message,
      `Broken invariant: the command's kind ${kind} is known to this version`,
    );
  }
});

Deno.test("decodeBatch() stops at a mutation of an unknown type, at any place", () => {
  for (const types of [[4], [2 ** 31], [3, 4], [4, 3]]) {
    const command = concatBytes(types.map((type) => encodeNumber(8, type)));
    const unknown = types.find((type) => type > 3);
    const error = assertThrows(() => decode(frame(command)), AssertionError);
    assertEquals(
      error.message,
      `Broken invariant: the mutation's type ${unknown} is known to this ` +
        "version",
    );
  }
});

Deno.test("fields of a command do not leak into the next", () => {
  const skip: Command = {
    kind: "skip",
    session: 5,
    number: 6,
    last: 7,
    code: "SEAT",
    detail: "x",
  };
  const bare = frame(encodeNumber(6, 1));
  const batch = concatBytes([encode([skip]), bare]);
  assertEquals(decode(batch), [skip, {
    kind: "skip",
    session: 0,
    number: 0,
    last: 0,
    code: "OTHER",
    detail: "",
  }]);
});

Deno.test("decodeBatch() leaves a body in the batch's memory", () => {
  const body = Uint8Array.of(1, 2, 3);
  const writer = new WireWriter(0);
  const mutation = { type: "set", path: "/a", rev: 0, body } as const;
  encodeMutation(writer, { session: 1, number: 1, time: 0 }, mutation);
  const batch = writer.written();
  const [command] = decode(batch);
  if (command?.kind !== "mutate") throw new Error("no mutation");
  const [decoded] = command.mutations;
  assertEquals(decoded?.type === "set" && decoded.body.buffer, batch.buffer);
});
