/**
 * Opens the data directory given, and prints a line of JSON: what came of it.
 * With a second word it goes on: "hold" has it open until standard input
 * ends, "old" does without what Deno has only since 2.7. Run by
 * data_directory_test.ts.
 *
 * @module
 */

import { openDataDirectory } from "../../cli/data_directory.ts";
import { AdvisedError } from "../../cli/failure.ts";

const [path = "", ...words] = Deno.args;
if (words.includes("old")) {
  Object.assign(Deno.FsFile.prototype, { tryLockSync: undefined });
}
let told: unknown = "opened";
try {
  const data = await openDataDirectory(path);
  if (!words.includes("hold")) data.close();
} catch (error) {
  if (!(error instanceof AdvisedError)) throw error;
  told = { why: error.detail, hint: error.hint };
}
console.log(JSON.stringify(told));
if (words.includes("hold")) await Deno.stdin.read(new Uint8Array(1));
// A lock that is still waited for must not hold up the end.
Deno.exit(0);
