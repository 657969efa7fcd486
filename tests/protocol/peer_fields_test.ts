/**
 * The fields of messages between nodes: their numbers, and ids.
 *
 * @module
 */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { isNodeId, PEER_FIELDS, PEER_MESSAGES } from "../../protocol/mod.ts";
import { bitsOf, PeerFields } from "../../protocol/peer_fields.ts";
import { ProtocolError, WireReader } from "../../protocol/mod.ts";
import { PEER_SAMPLES } from "./peer_messages.ts";
import { concatBytes, encodeBytes, encodeNumber } from "./raw_client.ts";
import { splitFields } from "./raw_client.ts";

const README = Deno.readTextFileSync(
  new URL("../../protocol/README.md", import.meta.url),
);

Deno.test("numbers of types and fields are used once", () => {
  for (const table of [PEER_MESSAGES, PEER_FIELDS]) {
    const numbers = Object.values(table);
    assertEquals(new Set(numbers).size, numbers.length);
    assertEquals(Math.max(...numbers), numbers.length);
  }
  // They are bits of a number: 31 are the most that there can be.
  assert(Object.keys(PEER_FIELDS).length < 31);
});

Deno.test("isNodeId() takes 16 characters of A-Z and 2-7", () => {
  assert(isNodeId("ABCDEFGHIJKLMNOP"));
  assert(isNodeId("QRSTUVWXYZ234567"));
  const bad = ["", "A", "A".repeat(15), "A".repeat(17), "a".repeat(16)];
  for (const text of [...bad, "1".repeat(16), `${"A".repeat(15)}\n`]) {
    assert(!isNodeId(text), text);
  }
});

Deno.test("read() tells which fields are there, for one message", () => {
  const fields = new PeerFields();
  const reader = new WireReader();
  const read = (...parts: Uint8Array[]) => {
    const bytes = concatBytes(parts);
    reader.reset(bytes, { start: 0, end: bytes.length });
    fields.read(reader, false);
  };
  read(encodeNumber(PEER_FIELDS.seqn, 7), encodeBytes(PEER_FIELDS.value, "a"));
  assert(fields.has(bitsOf("seqn", "value")));
  assert(!fields.has(bitsOf("seqn", "applied")));
  assertEquals(fields.seqn, 7);
  read(encodeNumber(PEER_FIELDS.applied, 3), encodeNumber(5, 4));
  assertEquals(fields.applied, 4, "the last one counts");
  assert(!fields.has(bitsOf("seqn")), "that was another message");
});

Deno.test("rounds that no election can reach are refused: above them nobody could lead", () => {
  const most = 2 ** 40;
  const node = "A".repeat(16);
  const fieldsOf = [
    [PEER_FIELDS.round, PEER_FIELDS.node],
    [PEER_FIELDS.promisedRound, PEER_FIELDS.promisedNode],
  ] as const;
  for (const [field, of] of fieldsOf) {
    const round = (value: number) => {
      const parts = [encodeNumber(field, value), encodeBytes(of, node)];
      const bytes = concatBytes(parts);
      const fields = new PeerFields();
      const reader = new WireReader();
      reader.reset(bytes, { start: 0, end: bytes.length });
      fields.read(reader, false);
      const { ballot, promised } = fields;
      return Math.max(ballot.round, promised.round);
    };
    assertEquals(round(most), most);
    for (const above of [most + 1, 2 ** 53 - 1]) {
      assertThrows(() => round(above), ProtocolError, `The round ${above}`);
    }
  }
});

Deno.test("protocol/README.md has the fields as the code does", () => {
  const [, block = ""] = README.split("message PeerMessage {");
  const lines = block.split("}")[0]!.matchAll(/ (\w+) = (\d+);/g);
  const shown = [...lines].map(([, name, number]) => [name, Number(number)]);
  assertEquals(Object.fromEntries(shown), PEER_FIELDS);
});

Deno.test("protocol/README.md has each type with the fields that are sent", () => {
  const [, after = ""] = README.split("### Messages of nodes");
  const rows = after.split("\n### ")[0]!.split("\n")
    .filter((line) => /^\| \w+ +\| +\d+ /.test(line))
    .map((line) => line.split("|").map((cell) => cell.trim()));
  const numbers = rows.map(([, type, number]) => [type, Number(number)]);
  assertEquals(Object.fromEntries(numbers), PEER_MESSAGES);
  const names = Object.keys(PEER_FIELDS);
  for (const [, type, , fields = ""] of rows) {
    // The sample with most fields has those of which there may be none.
    const sent = PEER_SAMPLES.filter(([, message]) => message.type === type)
      .map(([hex]) => splitFields(Uint8Array.fromHex(hex)))
      .map((found) => new Set(found.slice(1).map(({ number }) => number)))
      .reduce((most, found) => found.size > most.size ? found : most);
    const shown = fields.replaceAll("`", "").split(" ");
    const wanted = [...sent].map((number) => names[number - 1]);
    assertEquals(shown, wanted, type);
  }
});
