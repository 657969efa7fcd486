/**
 * Random inputs, and mutations of good ones, for the tests that fuzz.
 *
 * A failure prints its seed; run it again with `SEED=... deno test`.
 *
 * @module
 */
import fc from "fast-check";
import { WireReader } from "../../protocol/mod.ts";
import { concatBytes } from "./raw_client.ts";
import { bytesOf, vectorsOf } from "./vectors.ts";

const SEED = Number(Deno.env.get("SEED") ?? Math.floor(Math.random() * 1e9));
let inputs = 0;

/** How many inputs there were. */
export function inputsSoFar(): number {
  return inputs;
}

/** Gives the predicate so many inputs, and counts them. */
export function fuzz<T>(
  arbitrary: fc.Arbitrary<T>,
  count: number,
  predicate: (input: T) => void,
): void {
  const counted = (input: T): void => {
    inputs++;
    predicate(input);
  };
  fc.assert(fc.property(arbitrary, counted), { numRuns: count, seed: SEED });
}

/** Runs it; anything but an error of these classes is a failure. */
export function allowing<T>(
  classes: readonly (new (...args: never[]) => Error)[],
  run: () => T,
): T | undefined {
  try {
    return run();
  } catch (error) {
    if (classes.some((one) => error instanceof one)) return undefined;
    throw error;
  }
}

type Mutation = [kind: number, at: number, byte: number];

const mutations: fc.Arbitrary<Mutation[]> = fc.array(
  fc.tuple(fc.nat(4), fc.nat(60), fc.nat(255)),
  { minLength: 1, maxLength: 4 },
);

/** Changes, removes, adds or repeats a byte, or cuts off what follows. */
function mutate(bytes: Uint8Array, [kind, place, byte]: Mutation): Uint8Array {
  const at = bytes.length === 0 ? 0 : place % bytes.length;
  const [head, tail] = [bytes.subarray(0, at), bytes.subarray(at)];
  switch (kind) {
    case 0:
      return concatBytes([head, Uint8Array.of(byte), tail.subarray(1)]);
    case 1:
      return concatBytes([head, tail.subarray(1)]);
    case 2:
      return concatBytes([head, Uint8Array.of(byte), tail]);
    case 3:
      return concatBytes([head, tail.subarray(0, byte % 8), tail]);
    default:
      return head;
  }
}

/** Bytes of any kind, and golden ones with a few changes. */
export function messages(kind: string): fc.Arbitrary<Uint8Array> {
  const golden = vectorsOf(kind).map(bytesOf);
  const mutated = fc.tuple(fc.nat(golden.length - 1), mutations)
    .map(([index, changes]) =>
      changes.reduce<Uint8Array>(mutate, golden[index]!)
    );
  return fc.oneof(
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 40 }) },
    { weight: 3, arbitrary: mutated },
  );
}

/** Reads a message from its first byte on. */
export function readerOf(bytes: Uint8Array): WireReader {
  const reader = new WireReader();
  reader.reset(bytes, { start: 0, end: bytes.length });
  return reader;
}
