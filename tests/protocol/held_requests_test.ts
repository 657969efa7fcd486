/**
 * What a connection holds for its client: WAITs, watches and reads of revs to
 * come share a limit, or not, and are taken back by their tags.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { LIMITS } from "../../store/mod.ts";
import { FakeBackend, FakeClient } from "./fake_backend.ts";
import { concatBytes, frameRequest } from "./raw_client.ts";
import type { RawRequest, RawResponse } from "./raw_client.ts";

const WAIT: RawRequest = { verb: "WAIT", path: "/a", rev: 1 };
const WATCH: RawRequest = { verb: "WATCH", path: "/a" };
const GET: RawRequest = { verb: "GET", path: "/a" };
const LONG = "x".repeat(1_000);
const MOST = LIMITS.waitsPerConnection;

function begin(): {
  backend: FakeBackend;
  client: FakeClient;
  cancel: (target: number) => RawResponse[];
} {
  const backend = new FakeBackend();
  const client = new FakeClient(backend, { extended: true });
  const cancel = (target: number) =>
    client.ask({ tag: -1, verb: "CANCEL", target });
  return { backend, client, cancel };
}

/** So many copies of a request, each with a tag of its own. */
function tagged(request: RawRequest, from: number, to: number): RawRequest[] {
  const requests: RawRequest[] = [];
  for (let tag = from; tag < to; tag++) requests.push({ ...request, tag });
  return requests;
}

const DONE = { tag: -1 };
const NOENT = { tag: -1, err_code: "NOENT" };

Deno.test("CANCEL ends a WAIT, and its event is not told", () => {
  const { backend, client, cancel } = begin();
  client.send({ ...WAIT, tag: 1 }, { ...WAIT, tag: 2 }, { ...WAIT, tag: 1 });
  assertEquals(cancel(1), [DONE]);
  assertEquals(cancel(1), [NOENT]);
  assertEquals(backend.store.waits.count(), 1);
  backend.write("/a");
  assertEquals(client.readAll().map(({ tag }) => tag), [2]);
  assertEquals(cancel(2), [NOENT], "it has its answer");
  // The tag is free at once.
  assertEquals(client.ask({ ...WAIT, tag: 1 }).length, 1);
});

Deno.test("CANCEL ends a WAIT that still reads the history", () => {
  const { backend, client, cancel } = begin();
  for (let i = 0; i < 2000; i++) backend.write("/b");
  assertEquals(client.ask({ ...WAIT, tag: 1, path: "/x*" }), []);
  assert(backend.store.waits.behind);
  assertEquals(cancel(1), [DONE]);
  assertEquals(backend.store.waits.count(), 0);
});

Deno.test("CANCEL ends reads of revs to come", () => {
  const { backend, client, cancel } = begin();
  const [first, second] = [{ ...GET, rev: 1 }, { ...GET, min_rev: 1 }];
  client.send({ ...first, tag: 1 }, { ...second, tag: 2 });
  client.send({ ...first, tag: 3 });
  for (const tag of [1, 2]) assertEquals(cancel(tag), [DONE]);
  assertEquals(cancel(1), [NOENT]);
  assertEquals(backend.store.waits.count(), 1);
  backend.write("/a");
  assertEquals(client.readAll().map(({ tag }) => tag), [3]);
});

Deno.test("CANCEL of a read leaves the others alone", () => {
  const { backend, client, cancel } = begin();
  const { waits } = backend.store;
  client.send(...tagged({ ...GET, rev: 1 }, 0, 10));
  let asked = 0;
  const { whenRev } = waits;
  waits.whenRev = (...question) => {
    asked++;
    return whenRev.apply(waits, question);
  };
  for (const tag of [3, 7]) assertEquals(cancel(tag), [DONE]);
  client.connection.expire(0);
  assertEquals([asked, waits.count()], [0, 8], "none was asked again");
});

Deno.test("many CANCELs end a turn", () => {
  const backend = new FakeBackend();
  const client = new FakeClient(backend, { extended: true, workPerTurn: 100 });
  const { connection } = client;
  const cancel: RawRequest = { tag: -1, verb: "CANCEL", target: 1 };
  const frames = Array.from({ length: 90 }, () => frameRequest(cancel));
  connection.input.push(concatBytes(frames));
  connection.process();
  assert(connection.yielding);
  const turn = client.read().length;
  assert(turn > 5 && turn < 30, `${turn} CANCELs in one turn`);
  assertEquals(turn + client.readAll().length, 90);
});

Deno.test("a client's WAITs and watches share a directory's room", () => {
  const { backend, client } = begin();
  const other = new FakeClient(backend, { extended: true });
  const path = (i: number) => `/${i}${LONG}*`;
  const most = Math.floor(LIMITS.waitGlobBytesEach / 1_003);
  for (let i = 0; i < most; i++) {
    const verb = i % 2 === 0 ? "WAIT" : "WATCH";
    client.send({ verb, tag: i, path: path(i), rev: 1 });
  }
  assertEquals(client.readAll().filter(({ err_code }) => err_code), []);
  for (const [i, verb] of ["WAIT", "WATCH"].entries()) {
    const request = { verb, tag: most + i, path: path(most), rev: 1 };
    const [answer] = client.ask(request);
    const detail = `LIMIT: The patterns of one client that wait on the ` +
      `directory would have ${(most + 1) * 1_003} bytes, the limit is ` +
      `${LIMITS.waitGlobBytesEach}`;
    assertEquals(answer?.err_detail, detail);
    assertEquals(other.ask(request)[0]?.err_code, undefined);
  }
});

Deno.test("a watch that is held goes on when the others have all the room", () => {
  const { backend, client } = begin();
  client.ask({ ...WATCH, tag: 1, path: "/**", window: 1 });
  for (const path of ["/a", "/b"]) backend.write(path);
  assertEquals(client.readAll().map(({ path }) => path), ["/a"]);
  const paths = Array.from(
    { length: 16 },
    (_, i) => `/${String(i).padStart(2, "0")}${LONG}*`,
  );
  // All that there is, but for what the held one has.
  paths.push("/*".padEnd(LIMITS.waitGlobBytes - 16 * 1_004, "y"));
  const refused = paths.filter((path) => {
    const other = new FakeClient(backend, { extended: true });
    return other.ask({ ...WATCH, tag: 1, path })[0]?.err_code !== undefined;
  });
  assertEquals(refused, paths.slice(16));
  client.send({ tag: 2, verb: "CREDIT", target: 1, window: 1e6 });
  client.turn();
  backend.write("/c");
  const told = client.readAll().map(({ tag, path }) => [tag, path]);
  assertEquals(told, [[2, undefined], [1, "/b"], [1, "/c"]]);
});

Deno.test("CANCEL touches neither writes nor other connections", () => {
  const { backend, client, cancel } = begin();
  const other = new FakeClient(backend, { extended: true });
  other.send({ ...WAIT, tag: 1 }, { ...WATCH, tag: 2 });
  client.send({ tag: 1, verb: "SET", path: "/a", rev: -1 });
  for (const tag of [1, 2, 2 ** 31 - 1]) assertEquals(cancel(tag), [NOENT]);
  backend.settle();
  assertEquals(client.readAll().length, 1);
  assertEquals(other.readAll().map(({ tag }) => tag).toSorted(), [1, 2, 2]);
});

Deno.test("a tag that waits or watches is not another watch's", () => {
  const { backend, client } = begin();
  const used = (tag: number) => ({ tag, err_code: "TAG_IN_USE" });
  client.ask({ ...WATCH, tag: 1 }, { ...WAIT, tag: 2 });
  for (const tag of [1, 2]) {
    assertEquals(client.ask({ ...WATCH, tag }), [used(tag)]);
  }
  assertEquals(client.ask({ ...WAIT, tag: 1 }), [used(1)]);
  // WAITs among themselves may share one, as ever.
  assertEquals(client.ask({ ...WAIT, tag: 2 }), []);
  backend.write("/a");
  const tags = client.readAll().map(({ tag }) => tag);
  assertEquals(tags.toSorted(), [1, 2, 2]);
});

Deno.test("WAITs and watches have one limit together", () => {
  const { backend, client, cancel } = begin();
  client.ask(...tagged(WAIT, 0, MOST / 2), ...tagged(WATCH, MOST / 2, MOST));
  const { waits } = backend.store;
  assertEquals(waits.count(), MOST);
  const refused = {
    tag: MOST,
    err_code: "OTHER",
    err_detail: `LIMIT: The connection has ${MOST} waits and watches, the ` +
      `limit is ${MOST}`,
  };
  for (const request of [WAIT, WATCH]) {
    assertEquals(client.ask({ ...request, tag: MOST }), [refused]);
  }
  // Reads of revs to come are counted apart, and others have their own.
  assertEquals(client.ask({ ...GET, tag: MOST, rev: 9 }), []);
  const other = new FakeClient(backend, { extended: true });
  assertEquals(other.ask({ ...WATCH, tag: 1 }).length, 1);
  assertEquals(cancel(MOST - 1), [DONE]);
  assertEquals(client.ask({ ...WATCH, tag: MOST })[0]?.err_code, undefined);
  assertEquals(waits.count(), MOST + 2);
});

Deno.test("a watch beyond the limit of watches is refused", () => {
  const { backend, client } = begin();
  const answers = client.ask(...tagged(WATCH, 0, MOST + 1));
  const { tag, err_code } = answers.at(-1)!;
  assertEquals([tag, err_code, answers.length], [MOST, "OTHER", MOST + 1]);
  assertEquals(backend.store.waits.count(), MOST);
});

Deno.test("a thousand watches end at once with their connection", () => {
  const { backend, client } = begin();
  const other = new FakeClient(backend, { extended: true });
  const half = MOST / 2;
  client.send(
    ...tagged({ ...WATCH, window: 1 }, 0, half),
    ...tagged({ ...WATCH, path: "/*" }, half, MOST),
  );
  other.ask({ ...WATCH, tag: 1 });
  backend.write("/a");
  backend.write("/a");
  assertEquals(backend.store.waits.count(), MOST + 1);
  client.connection.close();
  assertEquals(backend.store.waits.count(), 1);
  backend.write("/a");
  client.connection.expire(1000);
  assertEquals([client.readAll(), client.connection.unread], [[], 0]);
  assertEquals(other.readAll().map(({ rev }) => rev), [1, 2, 3]);
});
