/**
 * Reads that ask for more than this node's copy as it is: linearizable ones,
 * and those of at least a rev. They keep their place.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { LIMITS } from "../../store/mod.ts";
import { FakeBackend, FakeClient } from "./fake_backend.ts";
import { frame, type RawRequest, type RawResponse } from "./raw_client.ts";

const SET: RawRequest = { verb: "SET", path: "/a", value: "v", rev: -1 };
const GET: RawRequest = { verb: "GET", path: "/a", read: 1 };
const NO_QUORUM = { code: "UNAVAILABLE", detail: "No quorum answers" } as const;
const REFUSED = {
  err_code: "OTHER",
  err_detail: "UNAVAILABLE: No quorum answers",
};

function setup(): { backend: FakeBackend; client: FakeClient } {
  const backend = new FakeBackend();
  return { backend, client: new FakeClient(backend) };
}

function tagsOf(responses: readonly RawResponse[]): (number | undefined)[] {
  return responses.map(({ tag }) => tag);
}

Deno.test("every reading verb may be linearizable", () => {
  const { backend, client } = setup();
  backend.write("/d/a", "1");
  const read = 1;
  const sent = client.ask(
    { tag: 1, verb: "GET", path: "/d/a", read },
    { tag: 2, verb: "STAT", path: "/d", read },
    { tag: 3, verb: "GETDIR", path: "/d", offset: 0, read },
    { tag: 4, verb: "WALK", path: "/**", offset: 0, read },
    { tag: 5, verb: "REV", read },
    { tag: 6, verb: "WALK", path: "/[", offset: 0, read },
  );
  assertEquals([sent, backend.asked], [[], 1], "one confirmation for all");
  assert(client.connection.owesAnswers);
  backend.write("/d/a", "2");
  backend.confirm();
  const at = 2;
  const value = new TextEncoder().encode("2");
  assertEquals(client.readAll(), [
    { tag: 1, rev: 2, value, at },
    { tag: 2, rev: -2, len: 1, at },
    { tag: 3, path: "a", at },
    { tag: 4, flags: 4, rev: 2, path: "/d/a", value, at },
    { tag: 5, rev: 2, at },
    { tag: 6, err_code: "OTHER", err_detail: "invalid glob pattern: /[", at },
  ]);
  assertEquals(client.connection.owesAnswers, false);
});

Deno.test("a confirmation within the call is answered in the same turn", () => {
  const { backend, client } = setup();
  backend.confirmsAtOnce = true;
  backend.write("/a", "1");
  client.announced = 0;
  const requests = [{ ...GET, tag: 1 }, { ...GET, tag: 2 }];
  assertEquals(tagsOf(client.ask(...requests)), [1, 2]);
  assertEquals(client.announced, 1);
});

Deno.test("a confirmation is asked for after the read came, never before", () => {
  const { backend, client } = setup();
  client.send({ ...GET, tag: 1 });
  client.send({ ...GET, tag: 2 });
  assertEquals(backend.asked, 2);
  backend.confirm(1);
  assertEquals(tagsOf(client.readAll()), [1]);
  backend.confirm(1);
  assertEquals(tagsOf(client.readAll()), [2]);
});

Deno.test("plain reads, and read 0, overtake; nobody is asked", () => {
  const { backend, client } = setup();
  client.send({ ...SET, tag: 1 }, { ...GET, tag: 2 });
  const plain = { verb: "GET", path: "/a" };
  const sent = client.ask({ ...plain, tag: 3 }, { ...plain, tag: 4, read: 0 });
  assertEquals(tagsOf(sent), [3, 4]);
  assertEquals(backend.asked, 1);
});

Deno.test("no such read overtakes a write sent before it", () => {
  const { backend, client } = setup();
  client.send(
    { ...SET, tag: 1 },
    { ...GET, tag: 2 },
    { verb: "GET", path: "/a", min_rev: 0, tag: 3 },
    { ...SET, tag: 4 },
    { verb: "REV", read: 1, tag: 5 },
  );
  backend.confirm();
  assertEquals(client.readAll(), []);
  backend.settle(1);
  const v = { rev: 1, value: new TextEncoder().encode("v"), at: 1 };
  const first = [{ tag: 1, rev: 1 }, { tag: 2, ...v }, { tag: 3, ...v }];
  assertEquals(client.readAll(), first);
  backend.settle(1);
  const last = [{ tag: 4, rev: 2 }, { tag: 5, rev: 2, at: 2 }];
  assertEquals(client.readAll(), last);
});

Deno.test("a later write that is refused early frees no read", () => {
  const { backend, client } = setup();
  client.send({ ...SET, tag: 1 }, { ...GET, tag: 2 }, { ...SET, tag: 3 });
  backend.confirm();
  backend.settleWith(NO_QUORUM, 1);
  assertEquals(client.readAll(), [{ tag: 3, ...REFUSED }]);
  backend.settle();
  assertEquals(tagsOf(client.readAll()), [1, 2]);
});

Deno.test("what cannot be confirmed is refused, each read of it", () => {
  const { backend, client } = setup();
  client.send({ ...GET, tag: 1 }, { verb: "REV", read: 1, tag: 2 });
  client.send({ ...GET, tag: 3, min_rev: 99 });
  backend.refuse(NO_QUORUM);
  assertEquals(client.readAll(), [
    { tag: 1, ...REFUSED },
    { tag: 2, ...REFUSED },
    { tag: 3, ...REFUSED },
  ]);
  assertEquals(backend.store.waits.count(), 0);
});

Deno.test("at a rev: confirmed first, then as ever", () => {
  const { backend, client } = setup();
  for (let i = 1; i <= 3; i++) backend.write("/a", `${i}`);
  const at = (rev: number) => ({ ...GET, tag: rev, rev });
  assertEquals(client.ask(at(2), at(4), at(3)), []);
  backend.confirm();
  const value = (text: string) => new TextEncoder().encode(text);
  assertEquals(client.readAll(), [
    { tag: 2, rev: 2, value: value("2"), at: 3 },
    { tag: 3, rev: 3, value: value("3"), at: 3 },
  ]);
  // It waits for as long as it takes, and the others need not.
  client.connection.expire(0);
  client.connection.expire(LIMITS.minRevMs + 1);
  assertEquals(client.readAll(), []);
  backend.write("/a", "4");
  const last = { tag: 4, rev: 4, value: value("4"), at: 4 };
  assertEquals(client.readAll(), [last]);
});

Deno.test("at least a rev: at the current one, once it is there", () => {
  const { backend, client } = setup();
  backend.write("/a", "1");
  const least = (min_rev: number) => ({
    tag: min_rev,
    verb: "GET",
    path: "/a",
    min_rev,
  });
  const sent = client.ask(least(3), least(1), least(-5), least(2));
  assertEquals(tagsOf(sent), [1, -5], "one that waits lets others pass");
  assertEquals([backend.asked, client.connection.owesAnswers], [0, false]);
  backend.write("/a", "2");
  assertEquals(tagsOf(client.readAll()), [2]);
  backend.write("/b");
  backend.write("/a", "4");
  const value = new TextEncoder().encode("4");
  assertEquals(client.readAll(), [{ tag: 3, rev: 4, value, at: 4 }]);
});

Deno.test("at least a rev that does not come is UNAVAILABLE in time", () => {
  for (const minRevMs of [undefined, 700]) {
    const { backend, client } = setup();
    backend.minRevMs = minRevMs;
    backend.write("/a");
    const { connection } = client;
    connection.expire(1000);
    const least = { verb: "REV", min_rev: 4, tag: 1 };
    assertEquals(client.ask(least, { ...GET, min_rev: 4, tag: 2 }), []);
    backend.confirm();
    assertEquals(client.readAll(), []);
    connection.expire(1000 + (minRevMs ?? LIMITS.minRevMs));
    assertEquals(client.readAll(), []);
    client.announced = 0;
    connection.expire(1001 + (minRevMs ?? LIMITS.minRevMs));
    assertEquals(client.announced, 1);
    const refused = {
      err_code: "OTHER",
      err_detail: "UNAVAILABLE: This node is at rev 1, the read asked for at " +
        "least 4",
    };
    const wanted = [{ tag: 1, ...refused }, { tag: 2, ...refused }];
    assertEquals(client.readAll(), wanted);
    assertEquals(backend.store.waits.count(), 0);
    backend.write("/a");
  }
});

Deno.test("an unknown way to read is refused, and none is asked for", () => {
  const { backend, client } = setup();
  for (const read of [2, -1, 2 ** 32 + 1]) {
    assertEquals(client.ask({ ...GET, tag: 1, read }), [{
      tag: 1,
      err_code: "OTHER",
      err_detail: `Cannot read in the way ${read}: field 17 (read) is 0 for ` +
        "local or 1 for linearizable",
    }]);
  }
  // Verbs that do not read pass the fields over.
  const self = { tag: 1, verb: "SELF", read: 2, min_rev: 99 };
  assertEquals(client.ask(self)[0]?.err_code, undefined);
  client.send({ ...SET, read: 2, min_rev: 99 });
  assertEquals([backend.held, backend.asked], [1, 0]);
});

Deno.test("rights and missing fields are told at once", () => {
  const backend = new FakeBackend();
  const client = new FakeClient(backend, { secrets: { ro: "r" } });
  const [denied] = client.ask(GET);
  assertEquals(denied?.err_detail, "permission denied");
  client.ask({ verb: "ACCESS", value: "r" });
  const [missing] = client.ask({ verb: "GET", read: 1 });
  assertEquals([missing?.err_code, backend.asked], ["MISSING_ARG", 0]);
  // REV needs no right, in any way.
  const stranger = new FakeClient(backend, { secrets: { ro: "r" } });
  assertEquals(stranger.ask({ verb: "REV", read: 1, tag: 9 }), []);
  backend.confirm();
  assertEquals(stranger.readAll(), [{ tag: 9, rev: 0, at: 0 }]);
});

Deno.test("a request is kept whole while others come", () => {
  const { backend, client } = setup();
  backend.write("/a", "1");
  client.send({ ...GET, tag: 1, rev: 1, value: "xyz" });
  client.send({ verb: "SET", tag: 2, path: "/b", value: "2", rev: 7 });
  client.send({ verb: "GET", tag: 3, path: "/c", offset: 4 });
  client.readAll();
  backend.confirm();
  const value = new TextEncoder().encode("1");
  assertEquals(client.readAll(), [{ tag: 1, rev: 1, value, at: 1 }]);
});

Deno.test("a path without end is not held on to", () => {
  const { backend, client } = setup();
  const path = "/x".repeat(LIMITS.pathBytes);
  const requests = ["GET", "STAT", "GETDIR", "WALK"].map((verb, tag) => (
    { tag, verb, path, offset: 0, read: 1 }
  ));
  const answers = client.ask(...requests);
  assertEquals(tagsOf(answers), [0, 1, 2, 3]);
  const [get, stat, getdir, walk] = answers;
  assertEquals([get?.rev, stat?.rev, getdir?.err_code], [0, 0, "NOENT"]);
  assert(walk?.err_detail?.startsWith("LIMIT: "), walk?.err_detail);
  assertEquals(backend.asked, 0);
});

Deno.test("reads without an answer count as requests in flight", () => {
  const { backend, client } = setup();
  const most = LIMITS.requestsInFlight;
  client.send(
    ...Array.from({ length: 10 }, (_, tag) => ({ ...SET, tag })),
    ...Array.from({ length: most }, (_, tag) => ({ ...GET, tag })),
    { verb: "SELF", tag: -1 },
  );
  const { connection } = client;
  assertEquals([connection.paused, backend.asked], [true, 1]);
  backend.confirm();
  assertEquals(client.readAll(), [], "the writes come first");
  backend.settle();
  const tags = tagsOf(client.readAll());
  assertEquals(tags.length, 10 + most - 10 + 1);
  assert(tags.includes(-1));
  assertEquals([backend.asked, connection.paused], [2, false]);
  backend.confirm();
  assertEquals(client.readAll().length, 10);
});

Deno.test("confirmed reads wait until answers were read", () => {
  const { backend, client } = setup();
  backend.write("/a", new Uint8Array(LIMITS.unreadBytesSoft));
  const reads = Array.from({ length: 20 }, (_, tag) => ({ ...GET, tag }));
  client.send(...reads);
  backend.confirm();
  client.connection.process();
  assert(client.connection.unread < 2 * LIMITS.unreadBytesSoft);
  assertEquals(tagsOf(client.readAll()), reads.map(({ tag }) => tag));
});

Deno.test("confirmed reads that make lists yield to others", () => {
  const backend = new FakeBackend();
  for (let i = 0; i < 20; i++) backend.write(`/d/${i}`);
  const client = new FakeClient(backend, { workPerTurn: 10 });
  const walks = [1, 2, 3].map((tag) => (
    { tag, verb: "WALK", path: `/d/*${tag}`, offset: 0, read: 1 }
  ));
  client.send(...walks);
  backend.confirm();
  const { connection } = client;
  for (let left = 3; left > 0; left--) {
    connection.process();
    assert(connection.yielding && connection.owesAnswers === left > 1);
  }
  assertEquals(tagsOf(client.readAll()), [1, 2, 3]);
});

Deno.test("a write's outcome and a confirmation announce what follows", () => {
  const { backend, client } = setup();
  client.send({ ...GET, tag: 1 });
  assertEquals(client.announced, 0);
  backend.confirm();
  assertEquals(client.announced, 1);
  assertEquals(client.connection.hasOutput, false, "not within the call");
  assertEquals(tagsOf(client.readAll()), [1]);
  // A turn that brought no output must not keep the next from coming.
  client.send({ ...GET, tag: 2, min_rev: 1 });
  backend.confirm();
  assertEquals([client.announced, client.readAll()], [2, []]);
  backend.write("/a");
  assertEquals(client.announced, 3);
  assertEquals(tagsOf(client.readAll()), [2]);
});

Deno.test("close() drops them, and what is confirmed later harms nobody", () => {
  const { backend, client } = setup();
  client.send({ ...SET, tag: 1 }, { ...GET, tag: 2 }, { ...GET, min_rev: 9 });
  client.send({ verb: "REV", min_rev: 9 });
  client.connection.close();
  assertEquals(backend.store.waits.count(), 0);
  backend.settle();
  assertEquals(client.connection.owesAnswers, false);
  backend.confirm();
  client.connection.expire(0);
  client.connection.expire(1e9);
  assertEquals([client.announced, client.readAll()], [0, []]);
});

Deno.test("what came before garbage is still answered", () => {
  const { backend, client } = setup();
  client.send({ ...SET, tag: 1 }, { ...GET, tag: 2 });
  client.sendBytes(frame(Uint8Array.of(0)));
  assert(client.connection.failure !== undefined);
  assert(client.connection.owesAnswers);
  backend.confirm();
  backend.settle();
  assertEquals(tagsOf(client.readAll()), [1, 2]);
  assertEquals(client.connection.owesAnswers, false);
});
