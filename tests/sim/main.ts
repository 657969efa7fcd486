/**
 * `deno task sim`: runs seeds, and says what was violated and how to see it
 * again. README.md tells more.
 *
 * @module
 */
import process from "node:process";
import { Node } from "../../consensus/mod.ts";
import { throughBytes } from "./bytes.ts";
import { FakeLog, FakeNode } from "./fake_node.ts";
import { parseOptions, type SimOptions, USAGE } from "./options.ts";
import { BUGS, NOT_FOUND_YET } from "./bugs.ts";
import { plant } from "./planting.ts";
import { StoppedDisks, tryDamage } from "./damage.ts";
import { simulate, type SimulationResult } from "./simulation.ts";
import type { SubjectMaker } from "./subject.ts";
import { Summary } from "./summary.ts";

/** So much of the trace is shown with a violation. */
const TRACE_LINES = 40;
/** A planted bug is looked for in so many seeds, for so long. */
const BUG_SEEDS = 300;
const BUG_SECONDS = 180;
const SEED_MAX = 2 ** 31;

/** Seconds of CPU that this process has used. */
function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

function makerOf({ fake }: SimOptions): SubjectMaker {
  if (!fake) return (options) => new Node(options);
  const log = new FakeLog();
  return (options) => new FakeNode(log, options);
}

function run(
  seed: number,
  options: SimOptions,
  write?: (line: string) => void,
): SimulationResult {
  const { nodes, fake, library } = options;
  const make = makerOf(options);
  const disks = fake ? false : options.disks;
  const codec = throughBytes;
  return simulate({ seed, make, nodes, disks, library, write, codec });
}

/** Runs the seed again for the end of its trace. */
function report(result: SimulationResult, options: SimOptions): void {
  const lines: string[] = [];
  const again = run(result.seed, options, (line) => {
    lines.push(line);
    if (lines.length > 2 * TRACE_LINES) lines.splice(0, TRACE_LINES);
  });
  console.log(lines.slice(-TRACE_LINES).join("\n"));
  if (again.hash !== result.hash) {
    console.log(`NOT THE SAME AGAIN: ${result.hash}, then ${again.hash}`);
  }
  tellViolation(result, options);
}

function tellViolation(result: SimulationResult, options: SimOptions): void {
  const { seed, violation } = result;
  const nodes = options.nodes === undefined ? "" : ` --nodes ${options.nodes}`;
  const fake = options.fake ? " --fake" : "";
  const chosen = (["disks", "library"] as const).map((name) => {
    const choice = options[name];
    return choice === undefined ? "" : ` --${name} ${choice ? "yes" : "no"}`;
  }).join("");
  console.log(`\nVIOLATION in seed ${seed}: ${violation!.message}`);
  console.log(
    `See it again: deno task sim --seed ${seed}${nodes}${fake}${chosen}`,
  );
}

function runOne(seed: number, options: SimOptions): boolean {
  const result = run(seed, options, (line) => console.log(line));
  const summary = new Summary();
  summary.add(result);
  console.log(summary.tell(cpuSeconds()));
  console.log(`trace hash ${result.hash} of ${result.events} events`);
  if (result.violation !== undefined) tellViolation(result, options);
  return result.violation === undefined;
}

function runMany(seeds: Iterable<number>, options: SimOptions): boolean {
  const summary = new Summary();
  const before = cpuSeconds();
  let good = true;
  for (const seed of seeds) {
    const write = options.trace
      ? (line: string) => console.log(line)
      : undefined;
    const result = run(seed, options, write);
    summary.add(result);
    if (result.violation === undefined) continue;
    report(result, options);
    good = false;
    break;
  }
  console.log(summary.tell(cpuSeconds() - before));
  return good;
}

function* range(first: number, last: number): Generator<number> {
  for (let seed = first; seed <= last; seed++) yield seed;
}

function* fresh(seconds: number): Generator<number> {
  const end = Date.now() + seconds * 1000;
  while (Date.now() < end) yield Math.floor(Math.random() * SEED_MAX);
}

/**
 * Plants the bugs that are found, or all whose names hold the text, one after
 * the other.
 */
async function runBugs(options: SimOptions): Promise<boolean> {
  const { bugs: text, most = BUG_SEEDS, seconds = BUG_SECONDS } = options;
  const all = text === "" ? BUGS : [...BUGS, ...NOT_FOUND_YET];
  const chosen = all.filter(({ name }) => name.includes(text!));
  if (chosen.length === 0) console.error(`No bug's name holds "${text}"`);
  let missed = 0;
  for (const bug of chosen) {
    const { seed, what } = await plant(bug, { most, seconds });
    if (seed === undefined) missed++;
    const seeds = String(seed ?? "-").padStart(5);
    console.log(`${seeds}  ${bug.name.padEnd(32)} ${what.slice(0, 120)}`);
  }
  console.log(`${chosen.length - missed} of ${chosen.length} bugs were found`);
  return chosen.length > 0 && missed === 0;
}

/** Does damage to files, one after the other, up to the first that harms. */
function runDamage(
  seed: number,
  { part: [first, last] = [0, Infinity], trace }: SimOptions,
): boolean {
  const write = trace ? (line: string) => console.log(line) : undefined;
  let number = 0;
  let tried = 0;
  for (const damage of new StoppedDisks(seed).damages()) {
    const { host, how, file, offset } = damage;
    if (number >= first && number <= last) {
      const violation = tryDamage(seed, damage, write);
      tried++;
      if (violation !== undefined) {
        const what = `host ${host}: ${file} ${how} at ${offset}`;
        console.log(`VIOLATION in ${number}, ${what}: ${violation.message}`);
        const part = `--part ${number}-${number} --trace`;
        console.log(`See it again: deno task sim --damage ${seed} ${part}`);
        return false;
      }
    }
    number++;
  }
  console.log(`${tried} of ${number} ways to damage a file were tried`);
  return true;
}

async function main(): Promise<boolean> {
  const options = parseOptions(Deno.args);
  if (typeof options === "string") {
    console.error(`${options}\n${USAGE}`);
    return false;
  }
  const { seed, seeds, seconds, bugs, damage } = options;
  if (damage !== undefined) return runDamage(damage, options);
  if (bugs !== undefined) return await runBugs(options);
  if (seed !== undefined) return runOne(seed, options);
  if (seeds !== undefined) return runMany(range(...seeds), options);
  if (seconds !== undefined) return runMany(fresh(seconds), options);
  console.error(USAGE);
  return false;
}

if (import.meta.main) Deno.exit(await main() ? 0 : 1);
