/**
 * The forms of output.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { entryFields } from "../../cli/entry.ts";
import { directoriesBetween } from "../../cli/find.ts";
import type { Io } from "../../cli/io.ts";
import { Output, valueFields } from "../../cli/output.ts";
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
