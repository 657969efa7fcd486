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
  ProtocolError,
  WireWriter,
} from "../../protocol/mod.ts";
import { AssertionError } from "../../store/mod.ts";
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

const paths = fc.string({ unit: "binary", maxLength: 30 });
const mutations = fc.oneof(
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
);
const commands = fc.array(fc.record({
  origin: fc.constantFrom("", "A", "B", "LKVNVWZVOEM5N4WO", "LKVNVWZVOEM5N4WP"),
  number: fc.nat(),
  mutation: mutations,
}));

Deno.test("decodeBatch() reads what encodeCommand() writes", () => {
  fc.assert(
    fc.property(commands, (commands) => {
      assertEquals(decode(encode(commands)), commands);
    }),
    { numRuns: 500 },
  );
});

Deno.test("decodeBatch() refuses a batch that is cut off", () => {
  const command = (number: number): Command => ({
    origin: "A",
    number,
    mutation: { type: "set", path: "/a", rev: -1, body: Uint8Array.of(1, 2) },
  });
  const one = encode([command(1)]).length;
  const batch = encode([command(1), command(2)]);
  for (let length = 1; length < batch.length; length++) {
    if (length === one) continue;
    assertThrows(() => decode(batch.slice(0, length)), ProtocolError);
  }
});

Deno.test("decodeBatch() stops at a command of an unknown type", () => {
  for (const type of [0, 4, 2 ** 31]) {
    const command = concatBytes([encodeNumber(2, 1), encodeNumber(3, type)]);
    const error = assertThrows(() => decode(frame(command)), AssertionError);
    assertEquals(
      error.message,
      `Broken invariant: the command's type ${type} is known to this version`,
    );
  }
});

Deno.test("decodeBatch() leaves a body in the batch's memory", () => {
  const body = Uint8Array.of(1, 2, 3);
  const mutation = { type: "set", path: "/a", rev: 0, body } as const;
  const batch = encode([{ origin: "A", number: 1, mutation }]);
  const [command] = decode(batch);
  const decoded = command?.mutation;
  assertEquals(decoded?.type === "set" && decoded.body.buffer, batch.buffer);
});
