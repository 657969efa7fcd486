/**
 * What a connection holds for its client is bounded: writes in flight, waits,
 * reads of revs to come, answers that are not read.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { UnreadAnswers } from "../../protocol/mod.ts";
import { LIMITS } from "../../store/mod.ts";
import { FakeBackend, FakeClient } from "./fake_backend.ts";
import type { RawRequest, RawResponse } from "./raw_client.ts";

const SET: RawRequest = { verb: "SET", path: "/a", value: "v", rev: -1 };
const GET: RawRequest = { verb: "GET", path: "/a" };
const WAIT: RawRequest = { verb: "WAIT", path: "/a", rev: 1 };

/** So many copies of a request, each with a tag of its own. */
function tagged(request: RawRequest, count: number): RawRequest[] {
  return Array.from({ length: count }, (_, tag) => ({ ...request, tag }));
}

function tagsOf(responses: readonly RawResponse[]): (number | undefined)[] {
  return responses.map(({ tag }) => tag);
}

function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}

Deno.test("at the limit of writes in flight requests are left unread", () => {
  const backend = new FakeBackend();
  const client = new FakeClient(backend);
  const most = LIMITS.requestsInFlight;
  client.send(...tagged(SET, most + 500), { tag: -1, verb: "REV" });
  const { connection } = client;
  assertEquals([backend.held, connection.paused], [most, true]);
  assert(connection.owesAnswers);
  backend.settle(1);
  assertEquals(connection.paused, false);
  assertEquals(tagsOf(client.readAll()), [0]);
  assertEquals([backend.held, connection.paused], [most, true]);
  const tags = tagsOf(client.readAll());
  while (backend.held > 0) {
    backend.settle(7);
    tags.push(...tagsOf(client.readAll()));
  }
  const isRev = (tag: number | undefined) => tag === -1;
  assertEquals(tags.filter((tag) => !isRev(tag)), upTo(most + 500).slice(1));
  assertEquals(tags.filter(isRev).length, 1);
  assertEquals([connection.paused, connection.owesAnswers], [false, false]);
});

Deno.test("a client that does not read is not read from", () => {
  const backend = new FakeBackend();
  const value = new Uint8Array(100_000);
  backend.write("/a", value);
  const client = new FakeClient(backend);
  client.send(...tagged(GET, 200));
  const { connection } = client;
  assert(connection.paused);
  const tags: (number | undefined)[] = [];
  while (connection.hasOutput) {
    const responses = client.read();
    const bytes = responses.length * value.length;
    assert(bytes < LIMITS.unreadBytesSoft + 2 * value.length, `${bytes}`);
    tags.push(...tagsOf(responses));
  }
  assertEquals(tags, upTo(200));
  assertEquals([connection.paused, connection.failure], [false, undefined]);
});

Deno.test("what is on its way counts as unread, too", () => {
  const backend = new FakeBackend();
  backend.write("/a", new Uint8Array(LIMITS.unreadBytesSoft));
  const unread = new UnreadAnswers();
  const client = new FakeClient(backend, { unread });
  client.send({ ...GET, tag: 1 }, { ...GET, tag: 2 });
  const taken = client.connection.takeOutput().length;
  assert(taken > LIMITS.unreadBytesSoft);
  assert(client.connection.paused);
  assertEquals(unread.total, taken);
  client.connection.process();
  assertEquals(client.connection.hasOutput, false);
  client.connection.outputSent();
  assertEquals(unread.total, 0);
  client.connection.process();
  assertEquals(tagsOf(client.readAll()), [2]);
});

Deno.test("a client that is owed too much is cut off", () => {
  const backend = new FakeBackend();
  const unread = new UnreadAnswers();
  const client = new FakeClient(backend, { unread });
  const value = new Uint8Array(LIMITS.valueBytes);
  client.send(...tagged(WAIT, 100));
  backend.write("/a", value);
  const { connection } = client;
  const failure = connection.failure ?? "";
  assert(/unread, the limit is 16777216$/.test(failure), failure);
  const held = connection.takeOutput().length;
  assert(held <= LIMITS.unreadBytesHard + 2 * value.length, `${held}`);
  assertEquals(client.announced, 1);
  connection.close();
  assertEquals([unread.total, backend.store.waits.count()], [0, 0]);
});

Deno.test("a wait beyond the limit is refused, and room is made by events", () => {
  const backend = new FakeBackend();
  const client = new FakeClient(backend);
  const most = LIMITS.waitsPerConnection;
  client.send(...tagged({ ...WAIT, path: "/none" }, most - 1));
  const last = { ...WAIT, tag: -1 };
  const refused = {
    tag: -1,
    err_code: "OTHER",
    err_detail: `LIMIT: The connection has ${most} waits, the limit is ${most}`,
  };
  assertEquals(client.ask(last, last), [refused]);
  assertEquals(backend.store.waits.count(), most);
  backend.write("/a");
  assertEquals(client.readAll()[0]?.path, "/a");
  assertEquals(client.ask({ ...last, rev: 2 }), []);
  const other = new FakeClient(backend);
  assertEquals(other.ask({ ...last, rev: 2 }), [], "each has its own limit");
});

Deno.test("reads of revs to come have a limit, too", () => {
  const backend = new FakeBackend();
  const client = new FakeClient(backend);
  const most = LIMITS.requestsInFlight;
  const requests = tagged({ ...GET, rev: Number.MAX_SAFE_INTEGER }, most + 1);
  assertEquals(client.ask(...requests), [{
    tag: most,
    err_code: "OTHER",
    err_detail: `LIMIT: The connection has ${most} reads of revs to come, ` +
      `the limit is ${most}`,
  }]);
  assertEquals(backend.store.waits.count(), most);
  client.connection.close();
  assertEquals(backend.store.waits.count(), 0);
});

Deno.test("reads that were answered make room for others", () => {
  const backend = new FakeBackend();
  const client = new FakeClient(backend);
  const most = LIMITS.requestsInFlight;
  for (let rev = 1; rev <= 3; rev++) {
    assertEquals(client.ask(...tagged({ ...GET, rev }, most)), []);
    backend.write("/a");
    assertEquals(tagsOf(client.readAll()), upTo(most));
  }
});
