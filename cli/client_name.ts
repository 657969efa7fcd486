/**
 * What the command line calls itself at a server.
 *
 * @module
 */

import { LIMITS } from "../store/mod.ts";
import type { Io } from "./io.ts";

/**
 * The origin of what is written, as `doozer watch --stamps` shows it:
 * `USER@HOST`, as far as the machine tells. It is a claim and proves nothing.
 */
export function clientName(
  io: Pick<Io, "env">,
  hostname: () => string = Deno.hostname,
): string {
  const user = io.env("USER") ?? io.env("LOGNAME") ?? io.env("USERNAME");
  const host = hostname();
  return shorten(user === undefined ? host : `${user}@${host}`);
}

/** As much of the text as a session's name may hold, in whole characters. */
function shorten(text: string): string {
  const encoder = new TextEncoder();
  let bytes = 0;
  let short = "";
  for (const character of text) {
    bytes += encoder.encode(character).length;
    if (bytes > LIMITS.sessionNameBytes) break;
    short += character;
  }
  return short;
}
