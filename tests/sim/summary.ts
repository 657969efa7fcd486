/**
 * What many runs were, in a few lines.
 *
 * @module
 */
import { type CountName, COUNTS, type SimulationResult } from "./simulation.ts";

/** Adds up runs. */
export class Summary {
  readonly #counts: Map<CountName, number> = new Map();
  readonly #faults: Map<string, number> = new Map();
  readonly #drills: Map<string, number> = new Map();
  readonly #refusals: Map<string, number> = new Map();
  #runs = 0;
  #stuck = 0;
  #virtualSeconds = 0;

  /** Adds a run. */
  add(result: SimulationResult): void {
    this.#runs++;
    if (result.stuck) this.#stuck++;
    this.#virtualSeconds += result.virtualSeconds;
    for (const name of COUNTS) addTo(this.#counts, name, result.counts[name]);
    if (result.drill !== undefined) addTo(this.#drills, result.drill, 1);
    for (const [name, count] of result.faults) addTo(this.#faults, name, count);
    for (const [code, count] of result.refusals) {
      addTo(this.#refusals, code, count);
    }
  }

  /** The text, given the seconds of CPU that it took. */
  tell(cpuSeconds: number): string {
    const operations = this.#counts.get("operations") ?? 0;
    return [
      `${this.#runs} runs, ${this.#virtualSeconds.toFixed(0)} virtual seconds` +
      ` in ${cpuSeconds.toFixed(1)} of CPU, ` +
      `${Math.round(operations / cpuSeconds)} operations a CPU second; ` +
      `${this.#stuck} lost their majority for good`,
      `  ${list(this.#counts)}`,
      `  faults: ${list(this.#faults)}`,
      `  drills: ${list(this.#drills)}`,
      `  refused: ${list(this.#refusals)}`,
    ].join("\n");
  }
}

function addTo<K>(map: Map<K, number>, key: K, count: number): void {
  map.set(key, (map.get(key) ?? 0) + count);
}

function list(counts: ReadonlyMap<string, number>): string {
  return [...counts].map(([name, count]) => `${count} ${name}`).join(", ") ||
    "none";
}
