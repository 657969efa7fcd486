/**
 * The rev of the state that was read, told with the answer: to reads that ask
 * for more than this node's copy as it is, and to nobody else.
 *
 * @module
 */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { LIMITS, Store } from "../../store/mod.ts";
import { FakeBackend, FakeClient } from "./fake_backend.ts";
import type { RawRequest, RawResponse } from "./raw_client.ts";

/** Every reading verb, and what is answered at rev 2 to each. */
const READS: readonly RawRequest[] = [
  { verb: "GET", path: "/d/a" },
  { verb: "GET", path: "/none" },
  { verb: "GET", path: "/d" },
  { verb: "GET", path: "/d/a", rev: 1 },
  { verb: "STAT", path: "/d" },
  { verb: "STAT" },
  { verb: "GETDIR", path: "/d", offset: 0 },
  { verb: "GETDIR", path: "/none", offset: 0 },
  { verb: "GETDIR", path: "/d/a", offset: 0 },
  { verb: "GETDIR", path: "/d", offset: 9 },
  { verb: "GETDIR", path: "/d", limit: 1 },
  { verb: "GETDIR", path: "/d", limit: 9, offset: 9 },
  { verb: "GETDIR", path: "/d", limit: 0 },
  { verb: "GETDIR", path: "/none", limit: 9 },
  { verb: "WALK", path: "/**", offset: 0 },
  { verb: "WALK", path: "/**", offset: 9 },
  { verb: "WALK", path: "/[", offset: 0 },
  { verb: "WALK", path: "/**", limit: 1 },
  { verb: "WALK", path: "/**", limit: 9, offset: -1 },
  { verb: "REV" },
  { verb: "BACKUP", offset: 0 },
];

function begin(store = new Store()): {
  backend: FakeBackend;
  client: FakeClient;
} {
  const backend = new FakeBackend(store);
  backend.confirmsAtOnce = true;
  backend.write("/d/a", "1");
  backend.write("/d/b", "2");
  return { backend, client: new FakeClient(backend, { extended: true }) };
}

/** The revs that answers say were read. */
function toldBy(answers: readonly RawResponse[]): (number | undefined)[] {
  return answers.map(({ at }) => at);
}

/** The same with the answers' tags, in the order of these. */
function toldByTag(answers: readonly RawResponse[]): (number | undefined)[][] {
  return answers.map(({ tag, at }) => [tag, at])
    .toSorted(([a = 0], [b = 0]) => a - b);
}

Deno.test("an extended read says of which rev it is, also when it fails", () => {
  for (const asked of [{ read: 1 }, { min_rev: 2 }, { min_rev: 0, read: 0 }]) {
    for (const read of READS) {
      const label = JSON.stringify({ ...read, ...asked });
      const { client } = begin();
      const [plain] = client.ask({ tag: 1, ...read });
      const extended = client.ask({ tag: 1, ...read, ...asked });
      assertEquals(extended, [{ ...plain, at: 2 }], label);
    }
  }
});

Deno.test("a plain read, and every other verb, never gets it", () => {
  const { backend, client } = begin();
  const others: RawRequest[] = [
    { verb: "SET", path: "/a", rev: -1 },
    { verb: "SET", path: "/d", rev: -1 },
    { verb: "DEL", path: "/a", rev: -1 },
    { verb: "NOP" },
    { verb: "SELF" },
    { verb: "STATUS" },
    { verb: "HELLO" },
    { verb: "WAIT", path: "/**", rev: 1 },
    { verb: "WATCH", path: "/**", rev: 1, tag: 7 },
    { verb: "CANCEL", target: 7 },
    { verb: "SESSION" },
    { verb: "RECOVER" },
    { verb: "ACCESS" },
  ];
  // The client throws where an answer has what was not asked for.
  for (const read of READS) {
    assertEquals(toldBy(client.ask(read, { ...read, read: 0 })), [
      undefined,
      undefined,
    ]);
  }
  for (const other of others) {
    client.send({ ...other, read: 1, min_rev: 1 });
    backend.settle();
    client.turn();
    const told = toldBy(client.readAll());
    assert(told.length > 0, JSON.stringify(other));
    assertEquals(new Set(told), new Set([undefined]), JSON.stringify(other));
  }
});

Deno.test("a client that is told what it did not ask for fails the test", () => {
  const { client } = begin();
  const [answer] = client.ask({ tag: 1, verb: "REV", read: 1 });
  assertEquals(answer?.at, 2);
  assertThrows(() => client.asked.came(answer!), Error, "did not ask");
});

Deno.test("it is the state's rev when it is answered, not when asked for", () => {
  const { backend, client } = begin();
  backend.confirmsAtOnce = false;
  client.send(
    { tag: 1, verb: "GET", path: "/d/a", read: 1 },
    { tag: 2, verb: "GET", path: "/d/a", min_rev: 5 },
    { tag: 3, verb: "GET", path: "/d/a", read: 1, rev: 5 },
    { tag: 4, verb: "WALK", path: "/**", limit: 1, min_rev: 4 },
    { tag: 5, verb: "GET", path: "/d/a", rev: 4 },
  );
  backend.write("/c");
  backend.confirm();
  const read = () => toldByTag(client.readAll());
  assertEquals(read(), [[1, 3]]);
  backend.write("/c");
  // A plain read of a rev to come waits, and is told no more than ever.
  assertEquals(read(), [[4, 4], [5, undefined]]);
  backend.write("/c");
  assertEquals(read(), [[2, 5], [3, 5]]);
});

Deno.test("the pages of a list that only name its rev do not say it", () => {
  const { backend, client } = begin();
  const walk = { verb: "WALK", path: "/**", limit: 1 };
  const [first] = client.ask({ ...walk, read: 1 });
  assertEquals([first?.rev, first?.at, first?.flags], [2, 2, 0]);
  backend.write("/c");
  const [next] = client.ask({ ...walk, offset: 1, rev: 2 });
  assertEquals([next?.rev, next?.at, next?.flags], [2, undefined, 1]);
  // Pinned to the rev of the list, read from a later state.
  const [again] = client.ask({ ...walk, offset: 1, rev: 2, min_rev: 2 });
  assertEquals([again?.rev, again?.at, again?.flags], [2, 3, 1]);
});

Deno.test("what is refused before anything is read does not say it", () => {
  const { backend, client } = begin();
  backend.minRevMs = 0;
  const get = { verb: "GET", path: "/d/a" };
  const refused = [
    { ...get, read: 2 },
    { ...get, read: 1, lineage: "OTHER" },
    { verb: "GET", read: 1 },
  ];
  for (const request of refused) {
    const [answer] = client.ask(request);
    assertEquals([typeof answer?.err_code, answer?.at], ["string", undefined]);
  }
  client.send({ ...get, min_rev: 9 });
  client.connection.expire(0);
  client.connection.expire(1);
  const [late] = client.readAll();
  assert(late?.err_detail?.startsWith("UNAVAILABLE: "));
  backend.readRefusal = { code: "UNAVAILABLE", detail: "No quorum" };
  const [none] = client.ask({ ...get, read: 1 });
  assertEquals([late?.at, none?.at], [undefined, undefined]);
});

Deno.test("TOO_LATE says it, so that its client knows how far it has seen", () => {
  const { backend, client } = begin(new Store({ historyRevs: 2 }));
  for (let i = 0; i < 5; i++) backend.write("/a");
  const late = { verb: "GET", path: "/a", rev: 2, min_rev: 1 };
  assertEquals(client.ask(late), [{ err_code: "TOO_LATE", at: 7 }]);
});

Deno.test("events of the same turn do not say it", () => {
  const { backend, client } = begin();
  const get = { verb: "GET", path: "/d/a", read: 1 };
  client.ask({ tag: 5, verb: "WATCH", path: "/**", progress: 0 });
  client.connection.expire(0);
  client.send(
    { ...get, tag: 1 },
    { tag: 6, verb: "WATCH", path: "/**", rev: 1, window: 1 },
    { verb: "WAIT", tag: 7, path: "/c", rev: 3 },
    { ...get, tag: 2 },
  );
  backend.write("/c");
  client.send({ ...get, tag: 3 }, { ...get, tag: 4, path: "/d" });
  client.turn();
  client.connection.expire(LIMITS.progressMs);
  assertEquals(toldByTag(client.readAll()), [
    ...[[1, 2], [2, 2], [3, 3], [4, 3]],
    ...[[5, undefined], [6, undefined], [6, undefined], [7, undefined]],
  ]);
});
