/**
 * Short ways to write mutations and to read what came of them.
 *
 * @module
 */
import type { BodyView, Mutation, Outcome, Store } from "../../store/mod.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** A SET of a text; clobbers unless a rev is given. */
export function set(path: string, body = path, rev = -1): Mutation {
  return { type: "set", path, rev, body: encoder.encode(body) };
}

/** A DEL; clobbers unless a rev is given. */
export function del(path: string, rev = -1): Mutation {
  return { type: "del", path, rev };
}

/** A NOP. */
export const NOP: Mutation = { type: "nop" };

/** Applies mutations that must all succeed. */
export function applyAll(store: Store, ...mutations: Mutation[]): void {
  for (const mutation of mutations) {
    const outcome = store.apply(mutation);
    if (typeof outcome !== "number") throw new Error(outcome.code);
  }
}

/** The text of a body. */
export function textOf({ bytes, start, length }: BodyView): string {
  return decoder.decode(bytes.slice(start, start + length));
}

/** The text of a file that must exist now. */
export function fileText(store: Store, path: string): string {
  const state = store.get(path);
  if (state.type !== "file") throw new Error(`${path}: ${state.type}`);
  return textOf(state);
}

/** Code and detail of an outcome that must be a refusal. */
export function refusalOf(outcome: Outcome): { code: string; detail: string } {
  if (typeof outcome === "number") throw new Error(`made rev ${outcome}`);
  return { detail: "", ...outcome };
}
