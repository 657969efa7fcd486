/**
 * What one client asks for does not keep the others waiting: there is only so
 * much work for one client in a turn, and nothing is answered inside a write.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { LIMITS } from "../../store/mod.ts";
import { FakeBackend, FakeClient } from "./fake_backend.ts";
import { concatBytes, frameRequest, type RawRequest } from "./raw_client.ts";

/** How many answers each call of process() brings, until all are there. */
function turnsOf(client: FakeClient, requests: RawRequest[]): number[] {
  const { connection } = client;
  connection.input.push(concatBytes(requests.map(frameRequest)));
  return turns(client);
}

function turns({ connection }: FakeClient): number[] {
  const found: number[] = [];
  do {
    connection.process();
    const bytes = connection.takeOutput().slice();
    connection.outputSent();
    let answers = 0;
    for (let at = 0; at < bytes.length; answers++) {
      at += 4 + new DataView(bytes.buffer, at).getUint32(0);
    }
    found.push(answers);
  } while (connection.yielding);
  return found;
}

function filled(): FakeBackend {
  const backend = new FakeBackend();
  for (let i = 0; i < 20; i++) backend.write(`/d/${i}`, "v");
  return backend;
}

/** Less than it takes to make one list of the files. */
const LITTLE = { workPerTurn: 10 };

const WALK: RawRequest = { verb: "WALK", path: "/d/*", offset: 0 };
const GETDIR: RawRequest = { verb: "GETDIR", path: "/d", offset: 0 };
const GET: RawRequest = { verb: "GET", path: "/d/1" };

Deno.test("each list of its own ends a turn", () => {
  const globs = Array.from({ length: 9 }, (_, i) => `/d/*${i}`);
  const walks = globs.map((path) => ({ ...WALK, path }));
  const client = new FakeClient(filled(), LITTLE);
  const each = walks.map(() => 1);
  assertEquals(turnsOf(client, walks), [...each, 0]);
  // What follows in the same turn is not held up by it.
  const mixed = [GET, WALK, GET, GET, GETDIR, GET];
  assertEquals(turnsOf(client, mixed), [2, 3, 1]);
});

Deno.test("the entries of one list are read in one turn", () => {
  const client = new FakeClient(filled(), LITTLE);
  const rows: [RawRequest, number][] = [[WALK, 20], [GETDIR, 20]];
  for (const [request, count] of rows) {
    // The list as of the current rev is the one as of rev 20.
    const rows = [[{}, [1, count + 4]], [{ rev: 20 }, [count + 5]]] as const;
    for (const [rev, expected] of rows) {
      const entries = Array.from(
        { length: count + 5 },
        (_, offset) => ({ ...request, ...rev, offset }),
      );
      assertEquals(turnsOf(client, entries), expected);
    }
  }
});

Deno.test("a list that is at hand costs nothing, a new one ends a turn", () => {
  const client = new FakeClient(filled(), LITTLE);
  const requests = [
    WALK,
    { ...WALK, rev: 20 },
    { ...WALK, rev: 19 },
    { ...GETDIR, path: "/d/*", rev: 19 },
    { ...WALK, path: "/*/1", rev: 19 },
  ];
  assertEquals(turnsOf(client, requests), [1, 2, 2, 0]);
});

Deno.test("writes do not make lists for those who wait for their revs", () => {
  const backend = filled();
  const client = new FakeClient(backend, LITTLE);
  const globs = Array.from({ length: 9 }, (_, i) => `/d/*${i}`);
  const walks = globs.map((path) => ({ ...WALK, path, rev: 21 }));
  assertEquals(client.ask(...walks), []);
  let asked = 0;
  const { match } = backend.store;
  backend.store.match = (glob, place) => {
    asked++;
    return match.call(backend.store, glob, place);
  };
  client.announced = 0;
  backend.write("/d/new");
  assertEquals([asked, client.announced], [0, 1]);
  assert(client.connection.owesAnswers);
  assertEquals(turns(client), [...walks.map(() => 1), 0]);
  assertEquals(client.connection.owesAnswers, false);
});

Deno.test("waits that read old events, and counts of old entries, end a turn", () => {
  const backend = filled();
  for (let i = 0; i < 20; i++) backend.write(`/d/new${i}`);
  const client = new FakeClient(backend, LITTLE);
  const wait = { verb: "WAIT", rev: 1 };
  const stat = { verb: "STAT", path: "/d", rev: 20 };
  const rows: RawRequest[][] = [
    [{ ...wait, path: "/d/new19*" }, { ...wait, path: "/d/new1?*" }],
    [stat, stat],
  ];
  for (const requests of rows) {
    assertEquals(turnsOf(client, requests), [1, 1, 0]);
  }
});

Deno.test("a single read whose rev has come is announced, and dropped by close()", () => {
  const backend = filled();
  const clients = [new FakeClient(backend), new FakeClient(backend)];
  for (const client of clients) client.send({ ...GET, tag: 7, rev: 21 });
  backend.write("/d/new");
  const [one, other] = clients;
  assertEquals([one?.announced, one?.connection.hasOutput], [1, false]);
  assertEquals(one?.readAll().map(({ tag }) => tag), [7]);
  other?.connection.close();
  assertEquals(other?.connection.owesAnswers, false);
  assertEquals(other?.readAll(), []);
});

Deno.test("a client that fails is owed no reads", () => {
  const backend = filled();
  const client = new FakeClient(backend);
  client.send({ ...GET, rev: 21 }, { ...GET, rev: 22 });
  backend.write("/d/new");
  client.connection.fail("Enough");
  backend.write("/d/new");
  assertEquals(client.connection.owesAnswers, false);
  assertEquals(client.readAll(), []);
});

Deno.test("reads whose rev has come wait until answers were read", () => {
  const backend = filled();
  backend.write("/d/1", new Uint8Array(LIMITS.unreadBytesSoft));
  const client = new FakeClient(backend);
  const reads = Array.from(
    { length: 40 },
    (_, tag) => ({ ...GET, tag, rev: 22 }),
  );
  assertEquals(client.ask(...reads), []);
  backend.write("/d/new");
  client.connection.process();
  assert(client.connection.unread < 2 * LIMITS.unreadBytesSoft);
  assertEquals(client.readAll().map(({ tag }) => tag), reads.map((_, i) => i));
});
