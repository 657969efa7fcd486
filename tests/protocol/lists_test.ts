/**
 * Lists, many entries to an answer: the same entries as one by one, of one
 * rev, in pieces that are bounded.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { LIMITS, Store } from "../../store/mod.ts";
import { FakeBackend, FakeClient } from "./fake_backend.ts";
import type { RawEntry, RawRequest, RawResponse } from "./raw_client.ts";

const WALK: RawRequest = { verb: "WALK", path: "/**" };
const GETDIR: RawRequest = { verb: "GETDIR", path: "/d" };
const encoder = new TextEncoder();

function begin(): { backend: FakeBackend; client: FakeClient } {
  const backend = new FakeBackend();
  return { backend, client: new FakeClient(backend, { extended: true }) };
}

/** All of a list, piece by piece; `between` runs before each but the first. */
function readList(
  client: FakeClient,
  request: RawRequest,
  between: () => void = () => {},
): { entries: RawEntry[]; rev: number | undefined; pieces: number[] } {
  const entries: RawEntry[] = [];
  const pieces: number[] = [];
  let { rev } = request as { rev?: number };
  for (;;) {
    const more = rev === undefined ? {} : { rev };
    const place = entries.length === 0 ? {} : { offset: entries.length };
    const [answer] = client.ask({ ...request, ...more, ...place });
    assert(answer?.err_code === undefined, JSON.stringify(answer));
    assert(rev === undefined || rev === answer?.rev, "pinned");
    rev = answer?.rev;
    entries.push(...answer?.entries ?? []);
    pieces.push(answer?.entries?.length ?? 0);
    if (answer?.flags === 1) return { entries, rev, pieces };
    assert((answer?.entries?.length ?? 0) > 0, "a client gets on");
    between();
  }
}

Deno.test("WALK with a limit tells files, their revs and bodies", () => {
  const { backend, client } = begin();
  for (const path of ["/d/a", "/b", "/d/x/y"]) backend.write(path, path);
  const file = (path: string, rev: number): RawEntry => (
    { path, rev, value: encoder.encode(path) }
  );
  const all = [file("/b", 2), file("/d/a", 1), file("/d/x/y", 3)];
  const rows: [RawRequest, RawResponse][] = [
    [{ limit: 9 }, { flags: 1, rev: 3, entries: all }],
    [{ limit: 3 }, { flags: 1, rev: 3, entries: all }],
    [{ limit: 2 }, { flags: 0, rev: 3, entries: all.slice(0, 2) }],
    [{ limit: 2, offset: 2 }, { flags: 1, rev: 3, entries: all.slice(2) }],
    [{ limit: 2, offset: 3 }, { flags: 1, rev: 3 }],
    [{ limit: 2, offset: 2 ** 31 - 1 }, { flags: 1, rev: 3 }],
    [{ limit: 2 ** 53, rev: 2 }, {
      flags: 1,
      rev: 2,
      entries: all.slice(0, 2),
    }],
    [{ limit: 9, path: "/none/*" }, { flags: 1, rev: 3 }],
    [{ limit: 9, offset: -1 }, { err_code: "RANGE" }],
  ];
  for (const [fields, answer] of rows) {
    const label = JSON.stringify(fields);
    const asked = { tag: 4, ...WALK, ...fields };
    assertEquals(client.ask(asked), [{ tag: 4, ...answer }], label);
  }
});

Deno.test("GETDIR with a limit tells names, revs and lengths", () => {
  const { backend, client } = begin();
  backend.write("/d/a", "12345");
  backend.write("/d/x/y");
  backend.write("/d/x/z");
  const entries = [
    { path: "a", rev: 1, len: 5 },
    { path: "x", rev: -2, len: 2 },
  ];
  const code = (err_code: string) => ({ err_code });
  const rows: [RawRequest, RawResponse][] = [
    [{ limit: 9 }, { flags: 1, rev: 3, entries }],
    [{ limit: 1 }, { flags: 0, rev: 3, entries: entries.slice(0, 1) }],
    [{ limit: 9, rev: 2 }, {
      flags: 1,
      rev: 2,
      entries: [entries[0]!, { path: "x", rev: -2, len: 1 }],
    }],
    [{ limit: 9, path: "/" }, {
      flags: 1,
      rev: 3,
      entries: [{ path: "d", rev: -2, len: 2 }],
    }],
    [{ limit: 9, path: "/d/a" }, code("NOTDIR")],
    [{ limit: 9, path: "/none" }, code("NOENT")],
    [{ limit: 9, offset: 2 }, { flags: 1, rev: 3 }],
    [{ limit: 9, offset: -1 }, code("RANGE")],
  ];
  for (const [fields, answer] of rows) {
    const label = JSON.stringify(fields);
    assertEquals(client.ask({ ...GETDIR, ...fields }), [answer], label);
  }
});

Deno.test("a limit below 1 is refused, whatever there is", () => {
  const { client } = begin();
  for (const limit of [0, -1, -(2 ** 53)]) {
    for (const request of [WALK, GETDIR, { ...WALK, rev: 99 }]) {
      const [answer] = client.ask({ ...request, limit });
      const least = Math.max(limit, -Number.MAX_SAFE_INTEGER);
      assertEquals(
        answer?.err_detail,
        `Cannot list ${least} entries: field 27 (limit) is at least 1`,
      );
    }
  }
  const [answer] = client.ask(WALK);
  assertEquals(answer?.err_code, "MISSING_ARG", "without one, as ever");
});

Deno.test("a list of a rev to come is answered when it is there", () => {
  const { backend, client } = begin();
  assertEquals(client.ask({ ...WALK, limit: 5, rev: 1 }), []);
  backend.write("/a", "1");
  const entries = [{ path: "/a", rev: 1, value: encoder.encode("1") }];
  assertEquals(client.readAll(), [{ flags: 1, rev: 1, entries }]);
});

Deno.test("an answer is bounded in entries and in bytes, but has one", () => {
  const { backend, client } = begin();
  const most = LIMITS.listEntries;
  for (let i = 0; i < most + 1; i++) backend.write(`/d/${i}`);
  const limit = 2 ** 40;
  assertEquals(readList(client, { ...WALK, limit }).pieces, [most, 1]);
  assertEquals(readList(client, { ...GETDIR, limit }).pieces, [most, 1]);
  for (
    const [size, pieces] of [
      [LIMITS.listPieceBytes / 4, [3, 3, 1]],
      [LIMITS.valueBytes, [1, 1, 1, 1, 1, 1, 1]],
    ] as const
  ) {
    for (let i = 0; i < 7; i++) backend.write(`/e/${i}`, new Uint8Array(size));
    const large = { ...WALK, path: "/e/*", limit };
    assertEquals(readList(client, large).pieces, pieces);
    client.send({ ...large });
    const { length } = client.connection.takeOutput();
    client.connection.outputSent();
    assert(length <= LIMITS.frameBytes, `${length} bytes`);
  }
});

Deno.test("counting entries of the past ends an answer early", () => {
  const { backend, client } = begin();
  for (let i = 0; i < 4; i++) {
    for (let k = 0; k < 6000; k++) backend.write(`/d/${i}/${k}`);
  }
  const rev = backend.store.rev;
  // Now they must be counted one by one, for that rev.
  for (let i = 0; i < 4; i++) backend.write(`/d/${i}/new`);
  const { entries, pieces } = readList(client, { ...GETDIR, rev, limit: 99 });
  assertEquals(entries.map(({ len }) => len), [6000, 6000, 6000, 6000]);
  assertEquals(pieces, [3, 1]);
});

const names = fc.constantFrom("a", "b", "c", "d/e", "d/f", "d/g/h");

Deno.test("lists are those of one rev, whatever is written meanwhile", () => {
  const writes = fc.array(names, { minLength: 1, maxLength: 12 });
  const input = fc.tuple(writes, writes, fc.integer({ min: 1, max: 4 }));
  fc.assert(fc.property(input, ([before, after, limit]) => {
    const backend = new FakeBackend(new Store());
    const client = new FakeClient(backend, { extended: true });
    for (const name of before) backend.write(`/${name}`, name);
    const single: (string | undefined)[] = [];
    const rev = backend.store.rev;
    for (let offset = 0;; offset++) {
      const [answer] = client.ask({ ...WALK, offset, rev });
      if (answer?.err_code !== undefined) break;
      single.push(answer?.path);
    }
    const left = [...after];
    const between = () => {
      const name = left.pop();
      if (name === undefined) return;
      backend.store.apply({ type: "del", path: `/${name}`, rev: -1 });
      backend.write(`/z${name}`);
    };
    const found = readList(client, { ...WALK, limit }, between);
    assertEquals(found.rev, rev);
    assertEquals(found.entries.map(({ path }) => path), single);
  }));
});
