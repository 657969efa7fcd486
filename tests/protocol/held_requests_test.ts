/**
 * What a connection holds for its client: WAITs, watches and reads of revs to
 * come share a limit, or not, and are taken back by their tags.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { LIMITS } from "../../store/mod.ts";
import { FakeBackend, FakeClient } from "./fake_backend.ts";
import type { RawRequest, RawResponse } from "./raw_client.ts";

const WAIT: RawRequest = { verb: "WAIT", path: "/a", rev: 1 };
const WATCH: RawRequest = { verb: "WATCH", path: "/a" };
const GET: RawRequest = { verb: "GET", path: "/a" };
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
