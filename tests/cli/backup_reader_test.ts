/**
 * A backup that is not as it was written is told from one that is, wherever
 * it was cut or changed.
 *
 * @module
 */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { BadBackup, readBackup } from "../../cli/backup_reader.ts";
import { decodeImageHead, encodeImageHead } from "../../protocol/mod.ts";
import { Store } from "../../store/mod.ts";
import { backupOf, HEADER, smallBackend } from "./offline.ts";

/** The bytes in portions of that size. */
async function* portions(
  bytes: Uint8Array,
  size: number,
): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) {
    yield await Promise.resolve(bytes.subarray(at, at + size));
  }
}

function read(
  bytes: Uint8Array,
  size = bytes.length + 1,
): ReturnType<typeof readBackup> {
  return readBackup(portions(bytes, size), { what: "the backup" });
}

Deno.test("readBackup() reads it however it comes", async () => {
  const backend = smallBackend();
  const bytes = backupOf(backend);
  for (const size of [1, 7, 100, bytes.length]) {
    const { header, state, bytes: count } = await read(bytes, size);
    assertEquals([header, count], [HEADER, bytes.length]);
    const store = new Store();
    store.adopt(state.store);
    assertEquals([store.rev, store.hash], [4, backend.store.hash]);
  }
});

Deno.test("readBackup() finds every cut", async () => {
  const bytes = backupOf(smallBackend());
  for (let length = 0; length < bytes.length; length++) {
    await assertRejects(() => read(bytes.subarray(0, length)), BadBackup);
  }
  const more = new Uint8Array(bytes.length + 1);
  more.set(bytes);
  await assertRejects(() => read(more), BadBackup);
});

Deno.test("readBackup() finds every flipped byte, and says where", async () => {
  const bytes = backupOf(smallBackend());
  for (let at = 0; at < bytes.length; at++) {
    const bad = bytes.slice();
    bad[at]! ^= 1 + at % 255;
    const error = await assertRejects(() => read(bad), BadBackup, "at byte ");
    assert(error.offset <= bytes.length, `${at}: ${error.message}`);
  }
});

Deno.test("readBackup() refuses sessions that cannot be", async () => {
  const backend = smallBackend();
  const head = decodeImageHead(backend.headBytes);
  const session = { id: 1, name: "", used: 1, acknowledged: 0, outcomes: [] };
  const clients = { opened: 0, sessions: [session] };
  backend.headBytes = encodeImageHead({ ...head, clients });
  await assertRejects(
    () => read(backupOf(backend)),
    BadBackup,
    "0 were opened",
  );
});

Deno.test("readBackup() knows what is no backup", async () => {
  const rows: [Uint8Array, string][] = [
    [Uint8Array.of(0x1f, 0x8b, 8, 0), "packed with gzip"],
    [new TextEncoder().encode("hello"), "as a file of doozer"],
    [
      backupOf(smallBackend(), { ...HEADER, kind: "snapshot" }),
      "it is a snapshot of a data directory",
    ],
  ];
  for (const [bytes, why] of rows) {
    await assertRejects(() => read(bytes), BadBackup, why);
  }
});
