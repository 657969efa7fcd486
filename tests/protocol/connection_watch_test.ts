/**
 * Watches on a whole connection: what a client sees, good or bad, and what it
 * costs the others.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { UnreadAnswers } from "../../protocol/mod.ts";
import { LIMITS, Store } from "../../store/mod.ts";
import { FakeBackend, FakeClient } from "./fake_backend.ts";
import type { RawRequest, RawResponse } from "./raw_client.ts";

const WATCH: RawRequest = { tag: 5, verb: "WATCH", path: "/**" };
const NOTHING = new Uint8Array();
const encoder = new TextEncoder();

function begin(store = new Store()): {
  backend: FakeBackend;
  client: FakeClient;
  unread: UnreadAnswers;
} {
  const backend = new FakeBackend(store);
  const unread = new UnreadAnswers();
  const client = new FakeClient(backend, { extended: true, unread });
  return { backend, client, unread };
}

function revsOf(answers: readonly RawResponse[]): (number | undefined)[] {
  return answers.filter(({ path }) => path !== undefined)
    .map(({ rev }) => rev);
}

Deno.test("a watch says where it begins, then tells every event", () => {
  const { backend, client } = begin();
  backend.write("/a", "1");
  const mark = { tag: 5, flags: 0, rev: 1 };
  assertEquals(client.ask(WATCH), [mark]);
  assertEquals(client.announced, 1);
  backend.write("/a", "2");
  backend.store.apply({ type: "del", path: "/a", rev: -1 });
  backend.store.apply({ type: "nop" });
  assertEquals(client.announced, 2, "once until it is taken");
  const event = { tag: 5, path: "/a", value: NOTHING };
  assertEquals(client.readAll(), [
    { ...event, flags: 4, rev: 2, value: encoder.encode("2"), prev_rev: 1 },
    { ...event, flags: 8, rev: 3, prev_rev: 2 },
    { ...event, flags: 0, rev: 4, path: "/", prev_rev: 0 },
  ]);
});

Deno.test("the first mark is what lies before the rev asked for", () => {
  const rows: [rev: number | undefined, mark: number][] = [
    [undefined, 3],
    [4, 3],
    [2, 1],
    [1, 0],
    [0, 0],
    [-7, 0],
    [2 ** 40, 2 ** 40 - 1],
  ];
  for (const [rev, mark] of rows) {
    const { backend, client } = begin();
    for (let i = 0; i < 3; i++) backend.write("/a");
    const asked = rev === undefined ? WATCH : { ...WATCH, rev };
    assertEquals(client.ask(asked), [{ tag: 5, flags: 0, rev: mark }]);
    client.turn();
    const past = [1, 2, 3].filter((rev) => rev > mark);
    assertEquals(revsOf(client.readAll()), past);
    backend.write("/a");
    assertEquals(revsOf(client.readAll()), mark > 4 ? [] : [4]);
  }
});

Deno.test("filters leave out kinds, and marks tell of them", () => {
  const { backend, client } = begin();
  client.ask({ ...WATCH, want: 8 | 32, progress: 0 });
  client.connection.expire(0);
  backend.write("/a");
  backend.store.apply({ type: "nop" });
  assertEquals(client.readAll(), []);
  client.connection.expire(LIMITS.progressMs);
  assertEquals(client.readAll(), [{ tag: 5, flags: 0, rev: 2 }]);
  backend.store.apply({ type: "del", path: "/a", rev: -1 });
  assertEquals(revsOf(client.readAll()), [3]);
});

Deno.test("a mark is announced like any answer", () => {
  const { backend, client } = begin();
  client.ask({ ...WATCH, path: "/x", progress: 1000 });
  client.connection.expire(0);
  backend.write("/a");
  client.announced = 0;
  client.connection.expire(1000);
  assertEquals([client.announced, client.connection.hasOutput], [1, true]);
});

Deno.test("a watch below the history is told where to go on", () => {
  const { backend, client } = begin(new Store({ historyRevs: 2 }));
  for (let i = 0; i < 5; i++) backend.write("/a");
  const late = { tag: 5, rev: 3, err_code: "TOO_LATE" };
  assertEquals(client.ask({ ...WATCH, rev: 3 }), [late]);
  assertEquals(backend.store.waits.count(), 0);
  assertEquals(client.ask({ ...WATCH, rev: 4 })[0]?.err_code, undefined);
});

Deno.test("a watch is refused where its directory has too many globs", () => {
  const { backend, client } = begin();
  const long = "x".repeat(LIMITS.pathBytes - 8);
  const requests = Array.from({ length: 20 }, (_, tag) => (
    { ...WATCH, tag, path: `/*${tag}${long}` }
  ));
  const answers = client.ask(...requests);
  const refused = answers.filter(({ err_code }) => err_code !== undefined);
  assert(refused.length > 0 && refused.length < 20);
  for (const { err_detail, rev } of refused) {
    assertEquals([err_detail?.slice(0, 6), rev], ["LIMIT:", undefined]);
  }
  assertEquals(backend.store.waits.count(), 20 - refused.length);
});

Deno.test("bad numbers are refused, and the watch goes on", () => {
  const { backend, client } = begin();
  for (const fields of [{ window: 0 }, { window: -1 }, { want: 64 }]) {
    const [answer] = client.ask({ ...WATCH, ...fields });
    assertEquals([answer?.tag, answer?.err_code], [5, "OTHER"]);
  }
  assertEquals(backend.store.waits.count(), 0);
  client.ask(WATCH);
  const credit = { verb: "CREDIT", target: 5 };
  for (const window of [0, -1, 2 ** 31 + 1, 2 ** 53, 2n ** 62n]) {
    const [answer] = client.ask({ ...credit, window });
    assert(answer?.err_detail?.startsWith("Cannot allow "), `${window}`);
  }
  assertEquals(client.ask({ ...credit, window: 2 ** 31 }), [{}]);
  assertEquals(client.ask({ ...credit, target: 6, window: 1 }), [
    { err_code: "NOENT" },
  ]);
  backend.write("/a");
  assertEquals(revsOf(client.readAll()), [1]);
});

Deno.test("a watch's window is filled by events, and opened by CREDIT", () => {
  const { backend, client } = begin();
  client.ask({ ...WATCH, window: 1 });
  for (let i = 0; i < 3; i++) backend.write("/a");
  const [first] = client.readAll();
  assertEquals(first?.rev, 1);
  const credit = { tag: 6, verb: "CREDIT", target: 5, window: 100 };
  assertEquals(client.ask(credit), [{ tag: 6 }]);
  client.turn();
  assertEquals(revsOf(client.readAll()), [2, 3]);
  assertEquals(client.ask({ verb: "CANCEL", target: 5 }), [{}]);
  assertEquals(client.ask(credit), [{ tag: 6, err_code: "NOENT" }]);
});

Deno.test("who does not read holds up nobody, and loses nothing", () => {
  const { backend, client, unread } = begin();
  const other = new FakeClient(backend, { extended: true });
  client.ask(WATCH);
  other.ask({ ...WATCH, path: "/a", want: 4 });
  const value = new Uint8Array(1024);
  for (let i = 0; i < 10_000; i++) {
    backend.write("/a", value);
    if (i % 1000 === 0) client.turn();
  }
  client.turn();
  const most = LIMITS.unreadBytesSoft + 2 * value.length;
  assert(unread.total > LIMITS.unreadBytesSoft && unread.total < most);
  const { connection } = client;
  assertEquals([connection.failure, backend.store.waits.behind], [
    undefined,
    false,
  ]);
  const all = Array.from({ length: 10_000 }, (_, at) => at + 1);
  for (const one of [other, client]) {
    const revs: (number | undefined)[] = [];
    while (one.connection.hasOutput) {
      revs.push(...revsOf(one.readAll()));
      assert(unread.total < most, "bounded all the time");
      one.turn();
    }
    assertEquals(revs, all);
  }
});

Deno.test("what is on its way is no room, either", () => {
  const { backend, client } = begin();
  client.ask(WATCH);
  backend.write("/a", new Uint8Array(LIMITS.unreadBytesSoft));
  client.connection.takeOutput();
  backend.write("/a");
  client.turn();
  assertEquals(client.connection.hasOutput, false);
  client.connection.outputSent();
  client.turn();
  assertEquals(revsOf(client.readAll()), [2]);
});

Deno.test("who reads too late is told where to go on", () => {
  const { backend, client } = begin(new Store({ historyRevs: 10 }));
  client.ask({ ...WATCH, want: 4, window: 1 }, { ...WATCH, tag: 6 });
  const value = new Uint8Array(LIMITS.unreadBytesSoft);
  for (let i = 0; i < 20; i++) backend.write("/a", value);
  client.connection.expire(0);
  const answers = client.readAll();
  const ends = answers.filter(({ err_code }) => err_code !== undefined);
  const late = { rev: 2, err_code: "TOO_LATE" };
  assertEquals(ends.toSorted((a, b) => a.tag! - b.tag!), [
    { tag: 5, ...late },
    { tag: 6, ...late },
  ]);
  backend.write("/a");
  client.turn();
  assertEquals(client.readAll(), []);
});

Deno.test("a client that sends no more is not kept for its watches", () => {
  const { backend, client } = begin();
  client.ask(WATCH, { verb: "WAIT", tag: 6, path: "/x", rev: 1 });
  const { connection } = client;
  assertEquals([connection.owesAnswers, connection.paused], [false, false]);
  backend.write("/a");
  client.readAll();
  assertEquals(connection.owesAnswers, false);
});

Deno.test("what cannot be ended any more ends, and what waits stays", () => {
  const { backend, client } = begin();
  client.ask(WATCH, { ...WATCH, tag: 7, window: 1, progress: 0 });
  client.send({ verb: "WAIT", tag: 6, path: "/**", rev: 1 });
  client.send({ verb: "GET", tag: 8, path: "/a", min_rev: 1 });
  assertEquals(backend.store.waits.count(), 4);
  client.connection.inputEnded();
  assertEquals(backend.store.waits.count(), 2);
  backend.write("/a");
  client.turn();
  client.connection.expire(LIMITS.progressMs);
  const tags = client.readAll().map(({ tag }) => tag);
  assertEquals(tags, [6, 8]);
});

Deno.test("a connection says whether watches await that answers are read", () => {
  const { backend, client } = begin();
  client.ask(WATCH);
  const { connection } = client;
  const value = new Uint8Array(LIMITS.unreadBytesSoft);
  backend.write("/a", value);
  assertEquals(connection.awaitsRoom, false, "nothing more to say");
  backend.write("/a", value);
  assertEquals(connection.awaitsRoom, true);
  client.read();
  assertEquals(connection.awaitsRoom, false);
});

Deno.test("an ended connection is told of nothing", () => {
  const { backend, client } = begin();
  client.ask(WATCH);
  client.connection.fail("Enough");
  client.announced = 0;
  for (let i = 0; i < 3; i++) backend.write("/a");
  client.turn();
  assertEquals([client.readAll(), client.announced], [[], 0]);
  client.connection.close();
  assertEquals(backend.store.waits.count(), 0);
});

Deno.test("CANCEL and CREDIT need no state", () => {
  const { backend, client } = begin();
  client.ask(WATCH);
  backend.isOpen = false;
  const request = { target: 5, window: 1 };
  assertEquals(client.ask({ verb: "CREDIT", ...request }), [{}]);
  assertEquals(client.ask({ verb: "CANCEL", ...request }), [{}]);
});
