/**
 * A connection that is closed holds nothing, answers nothing, takes nothing.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { UnreadAnswers } from "../../protocol/mod.ts";
import { FakeBackend, FakeClient } from "./fake_backend.ts";
import type { RawRequest } from "./raw_client.ts";

const WAITS: readonly RawRequest[] = [
  { tag: 1, verb: "WAIT", path: "/a", rev: 1 },
  { tag: 2, verb: "WAIT", path: "/a", rev: 9 },
  { tag: 3, verb: "WAIT", path: "/*/b", rev: 1 },
  { tag: 4, verb: "WAIT", path: "/**", rev: 2 ** 40 },
];
const FUTURE_READS: readonly RawRequest[] = [
  { tag: 5, verb: "GET", path: "/a", rev: 1 },
  { tag: 6, verb: "GET", path: "/a", rev: 1 },
  { tag: 7, verb: "STAT", path: "/a", rev: 5 },
  { tag: 8, verb: "WALK", path: "/**", offset: 0, rev: 2 ** 40 },
];

Deno.test("close() gives up waits and reads of revs to come", () => {
  const backend = new FakeBackend();
  const client = new FakeClient(backend);
  const other = new FakeClient(backend);
  const requests = [...WAITS, ...FUTURE_READS];
  for (const one of [client, other]) assertEquals(one.ask(...requests), []);
  const { waits } = backend.store;
  assertEquals(waits.count(), 2 * requests.length);
  client.connection.close();
  assertEquals(waits.count(), requests.length, "the other's are left");
  backend.write("/a");
  assertEquals(client.announced, 0);
  assertEquals(other.readAll().map(({ tag }) => tag).sort(), [1, 5, 6]);
  other.connection.close();
  other.connection.close();
  assertEquals(waits.count(), 0);
});

Deno.test("close() gives up waits that still read the history", () => {
  const backend = new FakeBackend();
  for (let i = 0; i < 2000; i++) backend.write("/a");
  const client = new FakeClient(backend);
  assertEquals(client.ask({ verb: "WAIT", path: "/b*", rev: 1 }), []);
  assertEquals(backend.store.waits.behind, true);
  client.connection.close();
  assertEquals(backend.store.waits.count(), 0);
  backend.store.waits.catchUp(10_000);
  assertEquals(client.announced, 0);
});

Deno.test("a write that is settled after close() is answered to nobody", () => {
  const backend = new FakeBackend();
  const unread = new UnreadAnswers();
  const client = new FakeClient(backend, { unread });
  client.send({ verb: "SET", path: "/a", value: "v", rev: -1 });
  client.connection.close();
  backend.settle();
  assertEquals(backend.store.rev, 1, "it takes effect all the same");
  assertEquals([client.announced, unread.total], [0, 0]);
  assertEquals(client.connection.hasOutput, false);
});

Deno.test("close() drops the output, also what is on its way", () => {
  const backend = new FakeBackend();
  backend.write("/a", new Uint8Array(300_000));
  const unread = new UnreadAnswers();
  const client = new FakeClient(backend, { unread });
  const get = { verb: "GET", path: "/a" };
  client.send(get, get, get);
  client.connection.takeOutput();
  client.connection.close();
  client.connection.outputSent();
  client.connection.process();
  assertEquals(client.connection.hasOutput, false);
  assertEquals(unread.total, 0);
});

Deno.test("a connection that is closed takes no more requests", () => {
  // A socket's read may end together with its connection: what it brought
  // must not leave a wait that nobody ever gives up.
  const backend = new FakeBackend();
  const client = new FakeClient(backend);
  client.connection.close();
  client.send(...WAITS, ...FUTURE_READS);
  client.send({ verb: "SET", path: "/a", value: "v", rev: -1 });
  assertEquals([backend.store.waits.count(), backend.held], [0, 0]);
  assertEquals(client.announced, 0);
});
