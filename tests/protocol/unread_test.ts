/**
 * Answers that clients leave unread, of all of them together: who reads is
 * never cut off for those who do not.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { UnreadAnswers } from "../../protocol/mod.ts";
import { LIMITS } from "../../store/mod.ts";
import { FakeBackend, FakeClient } from "./fake_backend.ts";
import type { RawRequest } from "./raw_client.ts";

const GET: RawRequest = { verb: "GET", path: "/a" };

function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}

/** Clients of which each leaves so many bytes unread, one after the other. */
function hoarders(
  backend: FakeBackend,
  { unread, count }: { unread: UnreadAnswers; count: number },
): FakeClient[] {
  return upTo(count).map(() => {
    const client = new FakeClient(backend, { unread });
    client.send(GET);
    return client;
  });
}

Deno.test("of all clients the one that has not read for longest is cut", () => {
  const backend = new FakeBackend();
  const value = new Uint8Array(LIMITS.valueBytes);
  backend.write("/a", value);
  const unread = new UnreadAnswers();
  const most = Math.floor(LIMITS.unreadBytesNode / (value.length + 100));
  const clients = hoarders(backend, { unread, count: most });
  const failures = () =>
    clients.map(({ connection }) => connection.failure !== undefined);
  assertEquals(failures().indexOf(true), -1);
  // The first reads, and goes on asking: it is not the one.
  const [first, second, third] = clients;
  assertEquals(first?.ask(GET).length, 2);
  first?.send(GET);
  const reader = new FakeClient(backend, { unread });
  for (const _ of upTo(10)) assertEquals(reader.ask(GET).length, 1);
  assertEquals(reader.connection.failure, undefined);
  assertEquals(first?.connection.failure, undefined);
  assertEquals(third?.connection.failure, undefined);
  const failure = second?.connection.failure ?? "";
  assert(failure.endsWith("this one has not read for longest"), failure);
  assert(failure.includes(`the limit is ${LIMITS.unreadBytesNode}`), failure);
  assertEquals(failures().indexOf(true), 1);
  assertEquals(failures().lastIndexOf(true), 1);
  for (const { connection } of [...clients, reader]) connection.close();
  assertEquals(unread.total, 0);
});

Deno.test("a client that leaves little is never cut for the others", () => {
  const backend = new FakeBackend();
  const value = new Uint8Array(LIMITS.unreadBytesSoft - 1000);
  backend.write("/a", value);
  const unread = new UnreadAnswers();
  const count = Math.ceil(LIMITS.unreadBytesNode / value.length) + 10;
  const clients = hoarders(backend, { unread, count });
  assert(unread.total > LIMITS.unreadBytesNode);
  for (const { connection } of clients) {
    assertEquals(connection.failure, undefined);
    connection.close();
  }
});

Deno.test("UnreadAnswers ends as many as it takes, the slowest first", () => {
  const ended: number[] = [];
  const all = new UnreadAnswers();
  const half = LIMITS.unreadBytesNode / 2;
  const clients = upTo(5).map((index) => {
    const client = {
      unread: 0,
      fail(reason: string) {
        assert(reason.includes(`${LIMITS.unreadBytesNode}`));
        ended.push(index);
        client.set(0);
      },
      roomAgain() {},
      set(unread: number) {
        const before = client.unread;
        client.unread = unread;
        all.changed(client, before);
      },
    };
    return client;
  });
  const [a, b, c, d, e] = clients;
  a?.set(half / 2);
  b?.set(half / 2);
  c?.set(LIMITS.unreadBytesSoft);
  d?.set(half / 2);
  a?.set(half / 4);
  assertEquals(ended, []);
  e?.set(LIMITS.unreadBytesNode);
  // Not c, which is not above the soft bound.
  assertEquals(ended, [1, 3, 0, 4]);
  assertEquals(all.total, LIMITS.unreadBytesSoft);
});

Deno.test("UnreadAnswers lets nobody be told of events while much is unread", () => {
  const all = new UnreadAnswers();
  const told: string[] = [];
  const client = (name: string) => {
    const own = {
      unread: 0,
      fail() {},
      roomAgain: () => told.push(name),
      set(unread: number) {
        const before = own.unread;
        own.unread = unread;
        all.changed(own, before);
      },
    };
    return own;
  };
  const [reads, waits, leaves] = ["reads", "waits", "leaves"].map(client);
  const most = LIMITS.unreadBytesNode / 4;
  reads!.set(most - 1);
  assertEquals(all.hasRoomFor(waits!), true);
  reads!.set(most);
  assertEquals(all.hasRoomFor(waits!), false);
  assertEquals(all.hasRoomFor(leaves!), false);
  all.forget(leaves!);
  reads!.set(most / 2);
  assertEquals(told, [], "not with every byte that is read");
  reads!.set(most / 2 - 1);
  reads!.set(0);
  assertEquals(told, ["waits"], "once, and who has left not at all");
});
