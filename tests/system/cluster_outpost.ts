/**
 * A program that asks nodes for a test that cannot reach them itself: the test
 * writes a word and an address to it, the outpost prints what came of it as
 * JSON. Meanwhile it is a witness of all of them (cluster_witness.ts).
 *
 * @module
 */

import { DoozerError } from "../../protocol/net/connect.ts";
import { connectTo, statusAt } from "./cluster_nodes.ts";
import { ClusterWitness } from "./cluster_witness.ts";

/** What the outpost answers. */
export interface Answer {
  /** What failed, as a code. */
  readonly error?: string;
  readonly value?: unknown;
}

/** A running outpost. */
export class Outpost implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #lines: AsyncGenerator<string>;

  /** Starts it by the program that brings it where it belongs. */
  constructor(within: readonly string[], addrs: readonly string[]) {
    const [program, ...args] = [...within, Deno.execPath(), "run", "-A"];
    this.#child = new Deno.Command(program!, {
      args: [...args, import.meta.filename!, ...addrs],
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    this.#writer = this.#child.stdin.getWriter();
    this.#lines = linesOf(this.#child.stdout);
  }

  /** Has something asked; `word` is one of {@linkcode DEEDS}. */
  async ask(word: string, addr = ""): Promise<Answer> {
    await this.#writer.write(new TextEncoder().encode(`${word} ${addr}\n`));
    const { value } = await this.#lines.next();
    if (value === undefined) throw new Error("The outpost has ended");
    return JSON.parse(value);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#writer.close().catch(() => {}); // It may have ended.
    await this.#lines.return(undefined);
    await this.#child.status;
  }
}

type Deed = (addr: string, witness: ClusterWitness) => Promise<unknown>;

/** What can be asked for. */
const DEEDS: Readonly<Record<string, Deed>> = {
  status: (addr) => statusAt(addr),
  async seat(addr) {
    using client = await connectTo(addr, 5_000);
    await client.set("/ctl/cal/1", "", { rev: 0 });
    await client.set("/ctl/cal/2", "", { rev: 0 });
  },
  async write(addr) {
    using client = await connectTo(addr, 5_000);
    return await client.set("/outpost", "x");
  },
  async read(addr) {
    using client = await connectTo(addr, 5_000);
    return (await client.get("/ctl/name")).rev;
  },
  async local(addr) {
    using client = await connectTo(addr, 5_000);
    return (await client.get("/ctl/name", { read: "local" })).rev;
  },
  async progress(_, witness) {
    await witness.progress();
    return witness.takeGapMs();
  },
  finish: (_, witness) => witness.finish(),
};

async function* linesOf(
  stream: ReadableStream<Uint8Array>,
): AsyncGenerator<string> {
  let text = "";
  const decoder = new TextDecoder();
  for await (const chunk of stream) {
    text += decoder.decode(chunk, { stream: true });
    const lines = text.split("\n");
    text = lines.pop()!;
    yield* lines;
  }
}

async function main(addrs: readonly string[]): Promise<void> {
  let witness: ClusterWitness | undefined;
  for await (const line of linesOf(Deno.stdin.readable)) {
    const [word = "", addr = ""] = line.split(" ");
    let answer: Answer;
    try {
      // It begins when it is first needed: there must be seats before.
      const own = word === "progress"
        ? witness ??= await ClusterWitness.start({ addrs: () => addrs })
        : witness;
      answer = { value: await DEEDS[word]!(addr, own!) };
    } catch (error) {
      const code = error instanceof DoozerError ? error.code : String(error);
      answer = { error: code };
    }
    console.log(JSON.stringify(answer));
  }
  Deno.exit();
}

if (import.meta.main) await main(Deno.args);
