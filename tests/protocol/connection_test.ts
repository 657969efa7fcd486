/**
 * One client's connection, between a node that settles when it is told to and
 * a client that reads when it likes.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { LIMITS, type State, Store } from "../../store/mod.ts";
import { FakeBackend, FakeClient } from "./fake_backend.ts";
import { concatBytes, frame, frameHeader, frameRequest } from "./raw_client.ts";
import type { RawRequest, RawResponse } from "./raw_client.ts";

const SET: RawRequest = { verb: "SET", path: "/a", value: "v", rev: -1 };
const GET: RawRequest = { verb: "GET", path: "/a" };
const WAIT: RawRequest = { verb: "WAIT", path: "/a", rev: 1 };
const NOTHING = new Uint8Array();

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

Deno.test("writes are proposed and answered in the order sent", () => {
  const backend = new FakeBackend();
  const client = new FakeClient(backend);
  const requests: RawRequest[] = [
    { ...SET, tag: 9, value: "1" },
    { ...SET, tag: 3, value: "2", rev: 0 },
    { verb: "DEL", tag: 7, path: "/a", rev: -1 },
    { verb: "NOP", tag: 1 },
    { ...SET, tag: 3, value: "5", rev: 0 },
  ];
  assertEquals(client.ask(...requests), [], "nothing is settled");
  assertEquals(backend.proposed.map(({ type }) => type), [
    "set",
    "set",
    "del",
    "nop",
    "set",
  ]);
  backend.settle(2);
  assertEquals(client.readAll(), [
    { tag: 9, rev: 1 },
    { tag: 3, err_code: "REV_MISMATCH" },
  ]);
  backend.settle();
  assertEquals(client.readAll(), [{ tag: 7 }, { tag: 1 }, { tag: 3, rev: 4 }]);
});

Deno.test("reads overtake writes that have no outcome yet", () => {
  const backend = new FakeBackend();
  const client = new FakeClient(backend);
  const missing = { tag: 2, rev: 0, value: NOTHING };
  assertEquals(client.ask({ ...SET, tag: 1 }, { ...GET, tag: 2 }), [missing]);
  backend.settle();
  assertEquals(client.readAll(), [{ tag: 1, rev: 1 }]);
});

Deno.test("tags are echoed as they came, and may be used again at once", () => {
  const client = new FakeClient(new FakeBackend());
  const tags = [0, 1, 5, 5, -1, 2 ** 31 - 1, -(2 ** 31)];
  const requests = tags.map((tag) => ({ tag, verb: "REV" }));
  assertEquals(tagsOf(client.ask(...requests)), tags);
  assertEquals(client.ask({ verb: "REV" }), [{ rev: 0 }]);
});

Deno.test("a value is the backend's by the time the next frame comes", () => {
  const backend = new FakeBackend();
  const client = new FakeClient(backend);
  client.send({ ...SET, value: "one" });
  client.send({ ...SET, value: "two" });
  backend.settle(1);
  const [answer] = client.ask({ ...GET, rev: 1 }).slice(1);
  assertEquals(answer, { rev: 1, value: new TextEncoder().encode("one") });
});

Deno.test("what a write was refused for is told", () => {
  const backend = new FakeBackend();
  const client = new FakeClient(backend);
  client.send(...tagged(SET, 2));
  backend.settleWith({ code: "UNKNOWN", detail: "The leader is gone" });
  const refused = {
    err_code: "OTHER",
    err_detail: "UNKNOWN: The leader is gone",
  };
  const wanted = [{ tag: 0, ...refused }, { tag: 1, ...refused }];
  assertEquals(client.readAll(), wanted);
});

Deno.test("output is announced once until it is taken", () => {
  const client = new FakeClient(new FakeBackend());
  client.send(...tagged({ verb: "REV" }, 10));
  client.send(...tagged({ verb: "REV" }, 10));
  assertEquals(client.announced, 1);
  assertEquals(client.readAll().length, 20);
  client.send({ verb: "REV" });
  assertEquals(client.announced, 2);
});

Deno.test("garbage ends a connection, after the answers to what came before", () => {
  const backend = new FakeBackend();
  const client = new FakeClient(backend);
  const good = frameRequest({ tag: 1, verb: "REV" });
  const bad = frame(Uint8Array.of(0));
  client.sendBytes(concatBytes([good, frameRequest(SET), good, bad, good]));
  const { connection } = client;
  assertEquals(
    connection.failure,
    "Cannot take 0 for the number of a field, at byte 45",
  );
  backend.settle();
  const rev = { tag: 1, rev: 0 };
  assertEquals(client.readAll(), [rev, rev, { rev: 1 }]);
  assertEquals(client.ask({ verb: "REV" }), [], "no more is read");
});

Deno.test("a failure is announced even where there is no output", () => {
  const client = new FakeClient(new FakeBackend());
  client.sendBytes(frameHeader(-1));
  assertEquals(client.announced, 1);
  assertEquals(
    client.connection.failure,
    `The frame has 4294967295 bytes, the limit is ${LIMITS.frameBytes}`,
  );
  client.connection.fail("Another reason");
  assert(client.connection.failure?.startsWith("The frame has"));
});

Deno.test("a failed connection is told of nothing that comes later", () => {
  const backend = new FakeBackend();
  const client = new FakeClient(backend);
  client.send({ ...WAIT, tag: 1 }, { ...GET, tag: 2, rev: 1 });
  client.sendBytes(frameHeader(-1));
  backend.write("/a");
  assertEquals(client.readAll(), []);
});

Deno.test("waits are answered when their event comes", () => {
  const backend = new FakeBackend();
  const client = new FakeClient(backend);
  const glob = { ...WAIT, path: "/*" };
  assertEquals(client.ask({ ...glob, tag: 1 }, { ...WAIT, tag: 2 }), []);
  backend.write("/b", "b");
  const event = { flags: 4, value: new TextEncoder().encode("b") };
  assertEquals(client.readAll(), [{ tag: 1, rev: 1, path: "/b", ...event }]);
  backend.store.apply({ type: "del", path: "/a", rev: -1 });
  const gone = { flags: 8, rev: 2, path: "/a", value: NOTHING };
  assertEquals(client.readAll(), [{ tag: 2, ...gone }]);
  // In the past, and at a rev below 1, which means 1.
  assertEquals(client.ask({ ...WAIT, tag: 3 }), [{ tag: 3, ...gone }]);
  assertEquals(client.ask({ ...glob, tag: 4, rev: -7 })[0]?.rev, 1);
  assertEquals(backend.store.waits.count(), 0);
});

Deno.test("a read of a rev to come is answered when it is there", () => {
  const backend = new FakeBackend();
  const client = new FakeClient(backend);
  backend.write("/d/a", "1");
  const rev = 3;
  assertEquals(
    client.ask(
      { tag: 1, verb: "GET", path: "/d/a", rev },
      { tag: 2, verb: "STAT", path: "/d", rev },
      { tag: 3, verb: "GETDIR", path: "/d", offset: 1, rev },
      { tag: 4, verb: "WALK", path: "/**", offset: 1, rev },
      { tag: 5, verb: "GET", path: "/d/a", rev: 2 },
    ),
    [],
  );
  backend.write("/d/b", "2");
  const value = new TextEncoder().encode("1");
  assertEquals(client.readAll(), [{ tag: 5, rev: 1, value }]);
  backend.write("/d/a", "3");
  const [b, c] = ["2", "3"].map((text) => new TextEncoder().encode(text));
  assertEquals(client.readAll(), [
    { tag: 1, rev: 3, value: c! },
    { tag: 2, rev: -2, len: 2 },
    { tag: 3, path: "b" },
    { tag: 4, flags: 4, rev: 2, path: "/d/b", value: b! },
  ]);
  assertEquals(backend.store.waits.count(), 0);
});

/** A store that tells what was asked of it. */
class AskedStore extends Store {
  readonly asked: string[] = [];

  override get(path: string, rev?: number): State {
    this.asked.push(path);
    return rev === undefined ? super.get(path) : super.get(path, rev);
  }
}

Deno.test("a read of a rev to come does not hold on to a path without end", () => {
  const store = new AskedStore();
  const backend = new FakeBackend(store);
  const client = new FakeClient(backend);
  const path = "/x".repeat(LIMITS.valueBytes / 2);
  client.send(
    { tag: 1, verb: "GET", path, rev: 1 },
    { tag: 2, verb: "STAT", path, rev: 1 },
    { tag: 3, verb: "GETDIR", path, offset: 0, rev: 1 },
  );
  backend.write("/a");
  // The same answers as at a rev that is there.
  assertEquals(client.readAll(), [
    { tag: 1, rev: 0, value: NOTHING },
    { tag: 2, rev: 0, len: 0 },
    { tag: 3, err_code: "NOENT" },
  ]);
  const longest = Math.max(...store.asked.map((path) => path.length));
  assert(longest <= LIMITS.pathBytes, `a path of ${longest} was kept`);
});

Deno.test("a rev below the history kept is TOO_LATE", () => {
  const backend = new FakeBackend(new Store({ historyRevs: 2 }));
  for (const _ of upTo(5)) backend.write("/a", "v");
  const client = new FakeClient(backend);
  const codes = [-1, 0, 1, 3, 4, 5].map((rev) =>
    client.ask({ ...GET, rev })[0]?.err_code
  );
  const late = "TOO_LATE";
  assertEquals(codes, [late, late, late, late, undefined, undefined]);
});

Deno.test("a node without a state answers only what needs none", () => {
  const backend = new FakeBackend();
  backend.isOpen = false;
  const client = new FakeClient(backend);
  const [get, set, self] = client.ask(
    { ...GET, tag: 1 },
    { ...SET, tag: 2 },
    { verb: "SELF", tag: 3 },
  );
  for (const answer of [get, set]) {
    assertEquals(answer?.err_code, "OTHER");
    assert(answer?.err_detail?.startsWith("UNAVAILABLE: "));
  }
  assertEquals(self?.tag, 3);
  assertEquals(self?.err_code, undefined);
  assertEquals(backend.proposed, []);
  backend.isOpen = true;
  assertEquals(client.ask({ ...GET, tag: 4 })[0]?.err_code, undefined);
});
