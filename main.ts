/**
 * The program `doozer`: a node (`doozer serve`), and the client of one.
 *
 * @module
 */

import { main } from "./cli/mod.ts";

if (import.meta.main) Deno.exit(await main(Deno.args));
