/**
 * A hash of 32 bits that is fed word by word, and keeps what was fed before.
 *
 * Two nodes that applied the same have the same hash; that is what it is for.
 * It finds faults, not forgers. Each step is a permutation of the hash so far
 * (A. Appleby's MurmurHash3, the inner step): once two nodes differ, equal
 * input does not make them agree again. Only integer arithmetic, so it is the
 * same on every machine.
 *
 * @module
 */
import type { Mutation } from "./mutation.ts";
import type { Rev } from "./history.ts";
import type { BodyView } from "./event.ts";

const KIND_WORDS = { nop: 0, set: 1, del: 2 } as const;

/** Feeds the low 32 bits of a whole number. */
export function mixWord(hash: number, word: number): number {
  const spread = Math.imul(word, 0xcc9e2d51);
  const turned = (spread << 15) | (spread >>> 17);
  const mixed = hash ^ Math.imul(turned, 0x1b873593);
  return (Math.imul((mixed << 13) | (mixed >>> 19), 5) + 0xe6546b64) | 0;
}

/** Feeds a whole number of up to 53 bits. */
export function mixNumber(hash: number, value: number): number {
  return mixWord(mixWord(hash, value), Math.floor(value / 2 ** 32));
}

/** Feeds a text, its length included. */
export function mixText(hash: number, text: string): number {
  let mixed = mixWord(hash, text.length);
  const even = text.length & ~1;
  for (let i = 0; i < even; i += 2) {
    const word = text.charCodeAt(i) | (text.charCodeAt(i + 1) << 16);
    mixed = mixWord(mixed, word);
  }
  return even === text.length ? mixed : mixWord(mixed, text.charCodeAt(even));
}

/** Feeds a run of bytes, its length included. */
export function mixBytes(hash: number, run: BodyView): number {
  const { bytes, start, length } = run;
  let mixed = mixWord(hash, length);
  const end = start + length;
  let at = start;
  for (; at + 4 <= end; at += 4) {
    const word = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) |
      (bytes[at + 3]! << 24);
    mixed = mixWord(mixed, word);
  }
  let rest = 0;
  for (; at < end; at++) rest = (rest << 8) | bytes[at]!;
  return (length & 3) === 0 ? mixed : mixWord(mixed, rest);
}

/** Feeds what an applied mutation made of the tree. */
export function mixRevision(
  hash: number,
  rev: Rev,
  mutation: Mutation,
): number {
  const mixed = mixWord(mixNumber(hash, rev), KIND_WORDS[mutation.type]);
  if (mutation.type === "nop") return mixed;
  const named = mixText(mixed, mutation.path);
  if (mutation.type === "del") return named;
  const { body } = mutation;
  return mixBytes(named, { bytes: body, start: 0, length: body.length });
}
