/**
 * The forms of output.
 *
 * @module
 */

import { assertEquals, assertRejects } from "@std/assert";
import { entryFields } from "../../cli/entry.ts";
import { directoriesBetween } from "../../cli/find.ts";
import { type Io, PipeClosed } from "../../cli/io.ts";
import { Output, valueFields } from "../../cli/output.ts";
import { itemFields, type PrintedItem, renderItem } from "../../cli/record.ts";
import { recordFields, renderRecord } from "../../cli/record.ts";
import type { ChangeEvent } from "../../protocol/net/mod.ts";
import { FakeIo } from "./fake_io.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

Deno.test("valueFields() keeps every byte", () => {
  const rows: readonly [Uint8Array, Record<string, string>][] = [
    [bytes(""), { value: "" }],
    [bytes("h\u00e9\n"), { value: "h\u00e9\n" }],
    [bytes("\ufeffbom"), { value: "\ufeffbom" }],
    [Uint8Array.of(0), { value: "\0" }],
    [Uint8Array.of(0xff, 0xfe), { value_base64: "//4=" }],
    [Uint8Array.of(0xc3), { value_base64: "ww==" }],
  ];
  for (const [value, fields] of rows) assertEquals(valueFields(value), fields);
});

Deno.test("a record has the original's form", () => {
  const rows: readonly [ChangeEvent, string, Record<string, unknown>][] = [
    [
      { path: "/w", rev: 80, kind: "set", value: bytes("line1\nline2") },
      "/w 80 set 11\nline1\nline2\n",
      { path: "/w", rev: 80, kind: "set", value: "line1\nline2" },
    ],
    [
      { path: "/w", rev: 81, kind: "del", value: bytes("") },
      "/w 81 del 0\n\n",
      { path: "/w", rev: 81, kind: "del" },
    ],
    [
      { path: "/", rev: 82, kind: "nop", value: bytes("") },
      "/ 82  0\n\n",
      { path: "/", rev: 82, kind: "nop" },
    ],
  ];
  for (const [event, text, fields] of rows) {
    assertEquals(new TextDecoder().decode(renderRecord(event)), text);
    assertEquals(recordFields(event), fields);
  }
});

Deno.test("entryFields() tells files from directories", () => {
  assertEquals(entryFields({ path: "/f", rev: 7, len: 2 }), {
    path: "/f",
    rev: 7,
    len: 2,
  });
  assertEquals(entryFields({ path: "/d", rev: -2, len: 3 }), {
    path: "/d",
    dir: true,
    entries: 3,
  });
});

Deno.test("directoriesBetween() names what a walk has just entered", () => {
  const rows: readonly [string, string, string[]][] = [
    ["/", "/a", []],
    ["/", "/a/b/c", ["/a", "/a/b"]],
    ["/f", "/f/a", []],
    ["/f/a", "/f/b/c", ["/f/b"]],
    ["/f/b/c", "/f/b/d", []],
    ["/f/b/c/d", "/f/b2/c", ["/f/b2"]],
    ["/f/a", "/f/a.x/y", ["/f/a.x"]],
    ["/f/b2/c", "/f/b/d", ["/f/b"]],
  ];
  for (const [last, path, dirs] of rows) {
    assertEquals(directoriesBetween(last, path), dirs, `${last} ${path}`);
  }
});

Deno.test("Output prints text or JSON, and writes in large pieces", async () => {
  for (const json of [false, true]) {
    const io = new FakeIo();
    const output = new Output(io, { json });
    await output.print("1\n", { rev: 1 });
    assertEquals(io.stdout, "");
    await output.flush();
    assertEquals(io.stdout, json ? '{"rev":1}\n' : "1\n");
    await output.flush();
    assertEquals(io.stdout, json ? '{"rev":1}\n' : "1\n");
  }
});

Deno.test("Output writes by itself before it holds too much", async () => {
  const sizes: number[] = [];
  const io: Io = Object.assign(new FakeIo(), {
    write: (bytes: Uint8Array): Promise<void> => {
      sizes.push(bytes.length);
      return Promise.resolve();
    },
  });
  const output = new Output(io, { json: false });
  for (let i = 0; i < 100; i++) await output.print("x".repeat(1024), {});
  assertEquals(sizes, [65536]);
  await output.flush();
  assertEquals(sizes, [65536, 100 * 1024 - 65536]);
});

/** Standard output that takes each write when the test says so. */
class SlowIo extends FakeIo {
  readonly writes: PromiseWithResolvers<void>[] = [];

  override async write(bytes: Uint8Array): Promise<void> {
    const taken = Promise.withResolvers<void>();
    this.writes.push(taken);
    await taken.promise;
    await super.write(bytes);
  }
}

/** Lets all that is settled go on. */
const settle = async () => {
  for (let turns = 0; turns < 20; turns++) await Promise.resolve();
};

Deno.test("Output.flushSoon() writes one after the other, in few writes", async () => {
  const io = new SlowIo();
  const output = new Output(io, { json: false });
  const fail = () => assertEquals("it failed", "");
  for (const text of ["a", "b", "c"]) {
    await output.print(text, {});
    output.flushSoon(fail);
  }
  await settle();
  assertEquals([io.writes.length, io.stdout], [1, ""]);
  io.writes[0]!.resolve();
  await settle();
  assertEquals([io.writes.length, io.stdout], [2, "a"]);
  // Whoever flushes waits for what is under way, and for what is left.
  await output.print("d", {});
  const flushed = output.flush();
  await settle();
  assertEquals(io.writes.length, 2);
  io.writes[1]!.resolve();
  await settle();
  io.writes[2]!.resolve();
  await flushed;
  assertEquals([io.writes.length, io.stdout], [3, "abcd"]);
});

Deno.test("Output.flushSoon() tells of a reader that has gone", async () => {
  const io = new FakeIo({ outputClosed: true });
  const output = new Output(io, { json: false });
  const failed = Promise.withResolvers<void>();
  await output.print("a", {});
  output.flushSoon(failed.resolve);
  await failed.promise;
  await assertRejects(() => output.flush(), PipeClosed);
});

Deno.test("a snapshot is told as records and as JSON", () => {
  const form = { previous: true, values: true };
  const rows: readonly [PrintedItem, string, Record<string, unknown>][] = [
    [
      { kind: "snapshot", rev: 9 },
      "/ 9 snapshot 0\n\n",
      { rev: 9, kind: "snapshot" },
    ],
    [
      { kind: "file", path: "/a", rev: 7, value: Uint8Array.of(0xff) },
      "/a 7 file 1\n\ufffd\n",
      { path: "/a", rev: 7, kind: "file", value_base64: "/w==" },
    ],
    [
      { kind: "current", rev: 9 },
      "/ 9 current 0\n\n",
      { rev: 9, kind: "current" },
    ],
    [
      {
        kind: "set",
        path: "/a",
        rev: 12,
        value: bytes("x"),
        previousRev: 7,
        previous: Uint8Array.of(0xff),
        time: 1e18,
        origin: "n",
      },
      '/a 12 set 1 was 7 1 at 1000000000000000000 by "n"\nx\n\ufffd\n',
      {
        path: "/a",
        rev: 12,
        kind: "set",
        value: "x",
        previousRev: 7,
        previous_base64: "/w==",
        time: "1000000000000000000",
        origin: "n",
      },
    ],
  ];
  for (const [item, text, fields] of rows) {
    assertEquals(new TextDecoder().decode(renderItem(item, form)), text);
    assertEquals(itemFields(item, form), fields);
  }
  const file = rows[1]![0];
  const bare = { previous: false, values: false };
  assertEquals(renderItem(file, bare), bytes("/a 7 file 0\n\n"));
  assertEquals(itemFields(file, bare), { path: "/a", rev: 7, kind: "file" });
});
