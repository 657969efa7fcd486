/**
 * Which program the tests start: the one that $DOOZER_CMD names, a compiled
 * binary for instance; without it main.ts, with the permissions that deno.json
 * gives it.
 *
 * @module
 */

const TOP = new URL("../..", import.meta.url).pathname.replace(/\/$/, "");

/** The program and its first arguments. */
export function doozerCommand(): [string, ...string[]] {
  const given = Deno.env.get("DOOZER_CMD");
  if (given) return [given];
  const config = JSON.parse(Deno.readTextFileSync(`${TOP}/deno.json`));
  const [, ...words] = String(config.tasks.doozer).split(" ");
  const args = words.map((word) =>
    word === "main.ts" ? `${TOP}/main.ts` : word
  );
  return [Deno.execPath(), ...args];
}
