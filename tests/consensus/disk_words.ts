/**
 * What is on a disk, in words.
 *
 * @module
 */
import { decodeRecords, parseName } from "../../protocol/mod.ts";
import { readBatches, readHeader } from "../../protocol/mod.ts";
import type { MemoryDisk } from "./memory_disk.ts";
import { type Show, showRecord } from "./words.ts";

/** An id such as a disk takes: `A` sixteen times. */
export function longId(short: string): string {
  return short.repeat(16);
}

/** The text with short ids. */
export function shortIds(text: string): string {
  return text.replaceAll(/([A-Z])\1{15}/g, "$1");
}

/** The batches of all segments, as `2/7: promised 2.B, decided up to 3`. */
export function showLog(
  disk: MemoryDisk,
  show: Show = (value) => `${value.length}`,
): string[] {
  const lines: string[] = [];
  const files = disk.files();
  for (const name of [...files.keys()].sort()) {
    const { kind, number, part } = parseName(name) ?? {};
    if (kind !== "log" || part) continue;
    const bytes = files.get(name)!;
    const read = readHeader(bytes);
    if ("why" in read) throw new Error(`${name}: ${read.why}`);
    const { header: { salt, firstBatch }, length } = read;
    const place = { start: length, number: firstBatch, salt };
    const { batches, damage } = readBatches(bytes, place);
    for (const batch of batches) {
      const records: string[] = [];
      decodeRecords(
        batch.payload,
        (record) => records.push(showRecord(record, show)),
      );
      const text = records.join(", ");
      lines.push(shortIds(`${number}/${batch.number}: ${text}`));
    }
    if (damage !== undefined) lines.push(`${number}: ${damage.why}`);
  }
  return lines;
}
