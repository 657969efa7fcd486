/**
 * Each entry is read as it was written, and these are its bytes.
 *
 * @module
 */
import { assert, assertEquals, assertThrows } from "@std/assert";
import type { BodyView, StoreEvent } from "../../store/mod.ts";
import {
  BASE,
  END,
  HEAD,
  HEADER,
  ImageEntry,
  REVISION,
  writeBase,
  writeEnd,
  writeHead,
  writeHeader,
  writeRevision,
} from "../../protocol/image_entry.ts";
import { ProtocolError, WireReader, WireWriter } from "../../protocol/mod.ts";
import { textOf } from "../store/changes.ts";

const HEADER_FIELDS = {
  version: 1,
  first: 2 ** 40,
  last: 2 ** 53 - 1,
  hash: 2 ** 32 - 1,
  files: 0,
  liveBytes: 300,
};
const EVENT: Omit<StoreEvent, "body"> = {
  rev: 2 ** 53 - 1,
  path: "/a/b",
  kind: "set",
  previousRev: 300,
  time: 1_790_000_000_000,
  origin: "ABCDEFGHIJKLMNOP",
};

function bodyOf(text: string): BodyView {
  const bytes = new TextEncoder().encode(`..${text}..`);
  return { bytes, start: 2, length: bytes.length - 4 };
}

/** Reads what was written; the frame must have the length that it says. */
function readInto(
  entry: ImageEntry,
  write: (writer: WireWriter) => void,
): ImageEntry {
  const writer = new WireWriter();
  write(writer);
  const bytes = writer.written().slice();
  const length = bytes.length - 4;
  assertEquals([...bytes.subarray(0, 4)], [0, 0, length >> 8, length & 0xff]);
  const reader = new WireReader();
  reader.reset(bytes, { start: 4, end: bytes.length });
  entry.read(reader);
  return entry;
}

Deno.test("ImageEntry reads each entry as it was written", () => {
  const entry = new ImageEntry();
  readInto(entry, (w) => writeHeader(w, HEADER_FIELDS));
  assertEquals([entry.type, { ...entry.header }], [HEADER, HEADER_FIELDS]);
  readInto(entry, (w) => writeHead(w, Uint8Array.of(1, 2, 3)));
  assertEquals([entry.type, [...entry.content()]], [HEAD, [1, 2, 3]]);
  readInto(entry, (w) => writeEnd(w, 2 ** 32 - 1));
  assertEquals([entry.type, entry.checksum], [END, 2 ** 32 - 1]);
  for (const text of ["body", ""]) {
    const base = { path: "/a", rev: 2 ** 53 - 1, body: bodyOf(text) };
    readInto(entry, (w) => writeBase(w, base));
    const { path, rev, body } = entry.base();
    assertEquals([entry.type, path, rev], [BASE, "/a", 2 ** 53 - 1]);
    assertEquals(body && textOf(body), text);
  }
  readInto(entry, (w) => writeBase(w, { path: "/", rev: 1, body: undefined }));
  assertEquals(entry.base(), { path: "/", rev: 1, body: undefined });
  for (const kind of ["set", "del", "nop"] as const) {
    const event = { ...EVENT, kind, body: bodyOf("text") };
    readInto(entry, (w) => writeRevision(w, event));
    const { body, ...rest } = entry.event();
    assertEquals([entry.type, rest], [REVISION, { ...EVENT, kind }]);
    assertEquals(textOf(body), kind === "set" ? "text" : "");
  }
});

Deno.test("ImageEntry has these bytes", () => {
  const writer = new WireWriter();
  writeRevision(writer, { ...EVENT, rev: 5, time: 7, body: bodyOf("xy") });
  const hex = [...writer.written()].map((byte) =>
    byte.toString(16).padStart(2, "0")
  ).join("");
  const fields = "0804" + "3001" + "22042f612f62" + "2805" + "38ac02" + "4007";
  const origin = "4a10" + "4142434445464748494a4b4c4d4e4f50";
  assertEquals(hex, "00000027" + fields + origin + "12027879");
});

Deno.test("ImageEntry passes over fields of a later version", () => {
  const entry = new ImageEntry();
  const header = readInto(entry, (writer) => {
    const start = writer.beginFrame();
    writer.integer(1, HEADER);
    writer.integer(3, 9);
    writer.integer(500, 1);
    writer.text(501, "later");
    writer.endFrame(start);
  }).header;
  assertEquals(header.first, 9);
  const head = readInto(entry, (writer) => {
    const start = writer.beginFrame();
    writer.integer(1, HEAD);
    writer.text(500, "later");
    writer.endFrame(start);
  });
  assertEquals(head.content().length, 0);
});

Deno.test("ImageEntry keeps nothing of the entry before", () => {
  const entry = new ImageEntry();
  readInto(entry, (w) => writeRevision(w, { ...EVENT, body: bodyOf("xy") }));
  readInto(entry, (writer) => {
    const start = writer.beginFrame();
    writer.integer(1, REVISION);
    writer.integer(6, 3);
    writer.endFrame(start);
  });
  const { body, ...rest } = entry.event();
  const none = { rev: 0, path: "", previousRev: 0, time: 0, origin: "" };
  assertEquals([rest, body.length], [{ ...none, kind: "nop" }, 0]);
  assertEquals(entry.base().body, undefined);
});

Deno.test("ImageEntry refuses a type or a kind that is none", () => {
  const entry = new ImageEntry();
  const untyped = (writer: WireWriter) => {
    const start = writer.beginFrame();
    writer.integer(2, 1);
    writer.endFrame(start);
  };
  assertThrows(() => readInto(entry, untyped), ProtocolError, "no type");
  for (const kind of [0, 4, 2 ** 53]) {
    readInto(entry, (writer) => {
      const start = writer.beginFrame();
      writer.integer(1, REVISION);
      writer.integer(6, kind);
      writer.endFrame(start);
    });
    assertThrows(() => entry.event(), ProtocolError, `kind ${kind}`);
  }
  assert(entry.type === REVISION);
});
