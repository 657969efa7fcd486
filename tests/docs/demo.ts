/**
 * `deno task demo`: starts a node on a free port and shows set, get, watch and
 * compare-and-set with the real commands, each printed as one would type it.
 *
 * @module
 */

import {
  runDoozer,
  startNodeProcess,
  startWatch,
  type Watch,
} from "../system/node_process.ts";

const PATH = "/demo/greeting";
const decoder = new TextDecoder();

/** Prints the line one would type. */
function prompt(args: readonly string[], input?: string): void {
  const words = args.map((arg) => arg.includes("*") ? `'${arg}'` : arg);
  const echo = input === undefined ? "" : `echo -n '${input}' | `;
  console.log(`$ ${echo}doozer ${words.join(" ")}`);
}

/** Runs a command, prints it and what came of it; returns the output. */
async function show(
  args: readonly string[],
  { uri, input }: { uri: string; input?: string },
): Promise<string> {
  prompt(args, input);
  const ran = await runDoozer(uri, { args, stdin: input ?? "" });
  const text = decoder.decode(ran.stdout) + decoder.decode(ran.stderr);
  const status = ran.code === 0 ? "" : `\n(exit status ${ran.code})`;
  console.log(`${text.trimEnd()}${status}\n`);
  return text.trim();
}

/** Prints what the watch prints, up to the text awaited. */
async function follow(watch: Watch, awaited: string): Promise<void> {
  let text = "";
  for await (const chunk of watch) {
    text += decoder.decode(chunk);
    if (text.includes(awaited)) break;
  }
  console.log(`The watch printed:\n${text}`);
}

async function demo(uri: string): Promise<void> {
  const rev = await show(["set", PATH, "0"], { uri, input: "hello" });
  await show(["get", PATH], { uri });
  const watchArgs = ["-r", `${Number(rev) + 1}`, "/demo/*"];
  console.log("In a second terminal:");
  prompt(["watch", ...watchArgs]);
  await using watch = startWatch(uri, watchArgs);
  console.log("\nIn the first:");
  await show(["set", PATH, rev], { uri, input: "hello again" });
  await follow(watch, "hello again");
  console.log("A writer that has not seen the change is refused:");
  await show(["set", PATH, rev], { uri, input: "lost update" });
  console.log("The history is kept:");
  await show(["get", "-r", rev, PATH], { uri });
}

prompt(["serve"]);
await using node = await startNodeProcess();
console.log(node.stderr());
await demo(node.uri);
const { code } = await node.stop();
console.log(`SIGTERM has ended the node, with exit status ${code}.`);
Deno.exitCode = code;
