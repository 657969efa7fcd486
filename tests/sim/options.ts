/**
 * The words of `deno task sim`.
 *
 * @module
 */

/** What is to be run. */
export interface SimOptions {
  /** One seed, with its trace. */
  readonly seed?: number;
  /** Seeds from the first to the last. */
  readonly seeds?: readonly [number, number];
  /** Fresh seeds for so long; or a planted bug is looked for so long. */
  readonly seconds?: number;
  /** Prints the trace of every seed. */
  readonly trace?: boolean;
  /** How many cals; by default the seed decides. */
  readonly nodes?: number;
  /** Runs the planted bugs: all, or those whose name holds the text. */
  readonly bugs?: string;
  /** Whether hosts have disks; by default the seed decides. */
  readonly disks?: boolean;
  /** Whether clients use the library; by default the seed decides. */
  readonly library?: boolean;
  /** The seed of three nodes, to the files of which all damage is done. */
  readonly damage?: number;
  /** Which of that, by place in the list. */
  readonly part?: readonly [number, number];
  /** How many seeds a planted bug is looked for. */
  readonly most?: number;
  /** Simulates nodes that cheat, to try the simulator itself. */
  readonly fake?: boolean;
}

/** How to call it. */
export const USAGE = `deno task sim --seed N          one run, with its trace
deno task sim --seeds A-B       those runs, and a summary
deno task sim --seconds N       fresh seeds for N seconds
deno task sim --bugs [NAME]     plant bugs, and count the seeds to find each
deno task sim --damage N        damage each byte of three nodes' files, in turn
  --trace       print the trace of every run
  --nodes N     so many nodes with a seat, instead of what the seed says
  --disks yes   hosts have disks; no: they have none
  --library yes clients use the library, too; no: none does
  --most N      with --bugs: give up after N seeds (default 300), or after
                --seconds N (default 180)
  --part A-B    with --damage: only these, by number
  --fake        nodes that cheat, to try the simulator itself`;

/** Reads the command line; a sentence where it is wrong. */
export function parseOptions(args: readonly string[]): SimOptions | string {
  const options: Record<string, unknown> = {};
  for (let i = 0; i < args.length; i++) {
    const name = args[i]!;
    const value = args[i + 1];
    if (name === "--trace" || name === "--fake") {
      options[name.slice(2)] = true;
    } else if (name === "--disks" || name === "--library") {
      if (value !== "yes" && value !== "no") {
        return `"${name}" needs yes or no, not "${value ?? ""}"`;
      }
      options[name.slice(2)] = value === "yes";
      i++;
    } else if (name === "--bugs") {
      const named = value !== undefined && !value.startsWith("--");
      options.bugs = named ? args[++i] : "";
    } else if (name === "--seeds" || name === "--part") {
      const range = /^(\d+)-(\d+)$/.exec(value ?? "");
      if (range === null) return `"${name}" needs A-B, not "${value ?? ""}"`;
      options[name.slice(2)] = [Number(range[1]), Number(range[2])];
      i++;
    } else if (NUMBERS.has(name)) {
      const number = Number(value);
      if (value === undefined || !(number >= 0)) {
        return `"${name}" needs a number, not "${value ?? ""}"`;
      }
      options[name.slice(2)] = number;
      i++;
    } else return `There is no option "${name}"`;
  }
  return options;
}

const NUMBERS = new Set([
  "--seed",
  "--seconds",
  "--nodes",
  "--most",
  "--damage",
]);
