/**
 * The part of `@std/streams` that input.ts uses. The npm package that carries
 * the module (see deno.json) has no types of its own.
 *
 * @module
 */

/** Reads a stream to its end. */
export declare function toBytes(
  stream: ReadableStream<Uint8Array>,
): Promise<Uint8Array>;

/** Passes bytes on, and with `error` fails on the byte after `size`. */
export declare class LimitedBytesTransformStream
  implements TransformStream<Uint8Array, Uint8Array> {
  constructor(size: number, options?: { readonly error?: boolean });
  readonly readable: ReadableStream<Uint8Array>;
  readonly writable: WritableStream<Uint8Array>;
}
