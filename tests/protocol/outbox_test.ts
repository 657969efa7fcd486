/**
 * Answers fill one buffer while the other is sent.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { Outbox } from "../../protocol/mod.ts";

const REV_1 = "0000000408011801";
const REV_2 = "0000000408021802";

Deno.test("Outbox hands out what was answered, once and in order", () => {
  const outbox = new Outbox();
  assertEquals([outbox.waiting, outbox.held], [0, 0]);
  outbox.answers.rev(1, 1);
  outbox.answers.rev(2, 2);
  assertEquals(outbox.take().toHex(), REV_1 + REV_2);
  assertEquals([outbox.waiting, outbox.held], [0, 16]);
  outbox.sent();
  assertEquals(outbox.held, 0);
});

Deno.test("Outbox keeps what is being sent as it was taken", () => {
  const outbox = new Outbox();
  outbox.answers.rev(1, 1);
  const sending = outbox.take();
  outbox.answers.rev(2, 2);
  assertEquals(sending.toHex(), REV_1);
  assertEquals([outbox.waiting, outbox.held], [8, 16]);
  outbox.sent();
  assertEquals(outbox.take().toHex(), REV_2);
});

Deno.test("Outbox.drop() forgets both buffers", () => {
  const outbox = new Outbox();
  outbox.answers.rev(1, 1);
  outbox.take();
  outbox.answers.rev(2, 2);
  outbox.drop();
  assertEquals([outbox.waiting, outbox.held], [0, 0]);
});
