/**
 * The part of `@std/cli/parse-args` that flags.ts uses. The npm package that
 * carries the module (see deno.json) has no types of its own.
 *
 * @module
 */

/** What may stand on the command line. */
export interface ParseArgsOptions {
  /** Flags that carry a text. */
  readonly string?: readonly string[];
  /** Flags that are on or off. */
  readonly boolean?: readonly string[];
  /** Flags whose values are kept all, in an array. */
  readonly collect?: readonly string[];
}

/** The flags by name, and under `_` what stood after `--`. */
export interface ParsedArgs {
  readonly _: readonly string[];
  readonly [flag: string]: unknown;
}

export declare function parseArgs(
  args: readonly string[],
  options: ParseArgsOptions,
): ParsedArgs;
