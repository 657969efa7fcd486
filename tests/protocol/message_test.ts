/**
 * The messages between nodes are types only. What is held here is that the
 * codec knows each of them, and that the module brings no code with it.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import * as message from "../../protocol/message.ts";
import { PEER_MESSAGES, type PeerMessage } from "../../protocol/mod.ts";
import { PEER_SAMPLES } from "./peer_messages.ts";

Deno.test("every type of message has a number, and a sample", () => {
  const numbered: PeerMessage["type"][] = Object.keys(
    PEER_MESSAGES,
  ) as PeerMessage["type"][];
  const sampled = new Set(PEER_SAMPLES.map(([, { type }]) => type));
  assertEquals([...sampled].toSorted(), numbered.toSorted());
  const numbers = new Set(Object.values(PEER_MESSAGES));
  assertEquals(numbers.size, numbered.length, "no two share a number");
});

Deno.test("message.ts holds types only", () => {
  assertEquals(Object.keys(message), []);
});
