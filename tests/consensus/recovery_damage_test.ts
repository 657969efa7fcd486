/**
 * Damage at every byte: what is read of a directory is right, or it is said
 * what is wrong where. Never is it another tree.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { type FileDamage, readDirectory, replay } from "../../consensus/mod.ts";
import { CONTACTS_FILE, parseName } from "../../protocol/mod.ts";
import {
  CHECKPOINT_STARTS,
  readFiles,
  type Sample,
  samples,
} from "./histories.ts";
import { type Files, withFile } from "./histories.ts";
import { MemoryDisk } from "./memory_disk.ts";

const SAMPLES = samples();

/** The batches of the last segment that end there, or before. */
function summaryUpTo({ boundaries }: Sample, end: number): string | undefined {
  return boundaries.findLast((boundary) => boundary.end <= end)?.summary;
}

/** Where the last batch begins, if it is not the first of its segment. */
function unsealedFrom({ boundaries }: Sample): number {
  return boundaries.length > 1 ? boundaries.at(-2)!.end : Infinity;
}

function assertDamage(
  read: string | FileDamage,
  file: string,
  offset: number,
): void {
  const where = `${file}, byte ${offset}: ${JSON.stringify(read)}`;
  if (typeof read === "string") throw new Error(where);
  assertEquals(read.file, file, where);
  // Where the length of a header is wrong it is told at where it seems to end.
  const most = offset < 12 ? Infinity : offset;
  assert(read.offset >= 0 && read.offset <= most, where);
  assert(/^[a-z][^A-Z]/.test(read.why) && !read.why.endsWith("."), where);
}

for (const sample of SAMPLES) {
  const { name, files, last, summary } = sample;

  Deno.test(`C25: ${name}: without damage all is read`, () => {
    assertEquals(readFiles(files), summary);
    const found = readDirectory(MemoryDisk.of(files))!;
    assertEquals(found.torn, undefined);
    const machine = replay(found);
    assertEquals(sample.states.get(machine.applied), machine.hash);
  });

  Deno.test(`C25: ${name}: the log cut off at every byte is read as far as it is whole`, () => {
    const bytes = files.get(last)!;
    const first = sample.boundaries[0]!.end;
    for (let end = 0; end < bytes.length; end++) {
      const cut = withFile(files, last, bytes.slice(0, end));
      const read = readFiles(cut);
      if (end < first) assertDamage(read, last, end);
      else assertEquals(read, summaryUpTo(sample, end), `${last} to ${end}`);
    }
  });

  Deno.test(`C25: ${name}: any other file cut off at any byte is damage, and named`, () => {
    for (const file of sample.read) {
      const bytes = files.get(file)!;
      if (file === last) continue;
      for (let end = 0; end < bytes.length; end++) {
        const read = readFiles(withFile(files, file, bytes.slice(0, end)));
        // What the next start has written again is not lost.
        if (typeof read === "string") {
          assertEquals(read, summary, `${file} to ${end}`);
          continue;
        }
        // After a whole batch it is the next segment that does not fit.
        if (read.file !== file) assertEquals(parseName(read.file)?.kind, "log");
      }
    }
  });

  Deno.test(`C25: ${name}: any bit of any file is seen, or only the unsealed batch is lost`, () => {
    for (const [file, bytes] of files) {
      const isRead = sample.read.includes(file);
      for (let at = 0; at < bytes.length; at++) {
        for (const bits of [0x01, 0xff]) {
          const changed = bytes.slice();
          changed[at]! ^= bits;
          const read = readFiles(withFile(files, file, changed));
          const from = unsealedFrom(sample);
          if (!isRead) assertEquals(read, summary, `${file}, byte ${at}`);
          else if (file === last && at >= from) {
            const where = `${file}, byte ${at}: ${JSON.stringify(read)}`;
            assertEquals(read, summaryUpTo(sample, from), where);
          } else if (file !== last && typeof read === "string") {
            // What the next start has written again is not lost.
            assertEquals(read, summary, `${file}, byte ${at}`);
          } else assertDamage(read, file, at);
        }
      }
    }
  });

  Deno.test(`C25: ${name}: a file that is missing is named, or leaves a state that there was`, () => {
    for (const file of files.keys()) {
      const read = readFiles(withFile(files, file, undefined));
      if (!sample.read.includes(file)) assertEquals(read, summary, file);
      else if (file === last) {
        assertShorter(sample, withFile(files, file, undefined));
        // Without a snapshot the log before it does, while it is still there.
      } else if (typeof read === "string") assertEquals(read, summary, file);
    }
  });

  Deno.test(`C25: ${name}: what is behind the end is cut, unless it was a batch`, () => {
    const bytes = files.get(last)!;
    for (const tail of [[0], [1, 2, 3], new Array(5000).fill(0)]) {
      const longer = new Uint8Array(bytes.length + tail.length);
      longer.set(bytes);
      longer.set(tail, bytes.length);
      const found = readDirectory(
        MemoryDisk.of(withFile(files, last, longer)),
      )!;
      assertEquals([found.damage, readFiles(files)], [undefined, summary]);
      assertEquals(found.torn, {
        file: last,
        offset: bytes.length,
        bytes: tail.length,
      });
    }
  });
}

/** All of the last segment can be gone: others know, this node cannot. */
function assertShorter(sample: Sample, files: Files): void {
  const found = readDirectory(MemoryDisk.of(files));
  if (found === undefined || found.damage !== undefined) return;
  const machine = replay(found);
  if (machine.applied === 0) return;
  assertEquals(sample.states.get(machine.applied), machine.hash);
}

Deno.test("the samples are what they are called", () => {
  const counts = SAMPLES.map(({ files, read }) => [files.size, read.length]);
  // What is read, and contacts; of the fifth, what was not removed yet, too.
  assertEquals(counts.map(([all, read]) => all! - read!), [
    ...[0, 1, 1, 1, CHECKPOINT_STARTS + 1, 1, 1],
  ]);
});

Deno.test("promises and acceptances never become fewer from batch to batch", () => {
  for (const { boundaries } of SAMPLES) {
    const numbers = boundaries.map(({ summary }) =>
      /claim \d+:\d+:(\d+), promised (\d+)/.exec(summary)!.slice(1).map(Number)
    );
    for (let n = 1; n < numbers.length; n++) {
      assert(numbers[n]![0]! >= numbers[n - 1]![0]!);
      assert(numbers[n]![1]! >= numbers[n - 1]![1]!);
    }
  }
});

Deno.test("the file of contacts can say what it wants", () => {
  const { files, summary } = SAMPLES.at(-1)!;
  assert(files.has(CONTACTS_FILE));
  const bytes = new Uint8Array(10);
  assertEquals(readFiles(withFile(files, CONTACTS_FILE, bytes)), summary);
});
