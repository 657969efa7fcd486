/**
 * Commands with several addresses: servers that are dead, silent, killed, or
 * cut off in the middle.
 *
 * @module
 */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { connect } from "../../protocol/net/connect.ts";
import { Cluster, freeAddresses, until } from "./cluster_nodes.ts";
import { runDoozer, spawn, startNodeProcess, text } from "./node_process.ts";
import { Proxy } from "./proxy.ts";

/** A command that runs for long, and what it has printed so far. */
class Running implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #drained: Promise<unknown>;
  stdout = "";
  stderr = "";

  constructor(line: string, env: Readonly<Record<string, string>> = {}) {
    this.#child = spawn(line.split(" "), env);
    const { stdout, stderr } = this.#child;
    this.#drained = Promise.all([
      drain(stdout, (text) => this.stdout += text),
      drain(stderr, (text) => this.stderr += text),
      this.#child.stdin.close(),
    ]);
  }

  /** Waits until it has printed that. */
  async printed(pattern: RegExp): Promise<void> {
    await this.#shown(pattern, () => this.stdout);
  }

  /** Waits until it has said that on standard error. */
  async said(pattern: RegExp): Promise<void> {
    await this.#shown(pattern, () => this.stderr);
  }

  /** Waits for its end; tells the exit status. */
  async ended(): Promise<number> {
    const { code } = await this.#child.status;
    await this.#drained;
    return code;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch (error) {
      // It has ended by itself.
      if (!(error instanceof TypeError)) throw error;
    }
    await this.ended();
  }

  async #shown(pattern: RegExp, read: () => string): Promise<void> {
    await until(`${pattern} is printed`, () => {
      return Promise.resolve(pattern.test(read()));
    }).catch((error) => {
      throw new Error(`${error.message}: ${this.stdout}${this.stderr}`);
    });
  }
}

async function drain(
  stream: ReadableStream<Uint8Array>,
  take: (text: string) => void,
): Promise<void> {
  const decoder = new TextDecoder();
  for await (const chunk of stream) take(decoder.decode(chunk));
}

/** How often the pattern is in the text. */
function count(text: string, pattern: RegExp): number {
  return text.match(new RegExp(pattern, "g"))?.length ?? 0;
}

/** A server that accepts and says nothing, until it is disposed of. */
function silentServer(): AsyncDisposable & { readonly addr: string } {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const sockets: Deno.Conn[] = [];
  const serving = (async () => {
    for await (const socket of listener) sockets.push(socket);
  })();
  return {
    addr: `127.0.0.1:${listener.addr.port}`,
    async [Symbol.asyncDispose](): Promise<void> {
      listener.close();
      await serving;
      for (const socket of sockets) socket.close();
    },
  };
}

Deno.test("a dead or silent address does not stop a command", async () => {
  await using node = await startNodeProcess();
  await using silent = silentServer();
  const [dead = ""] = freeAddresses(1);
  const lists = [
    ["-a", `${dead},${node.addr}`],
    ["-a", dead, "-a", node.addr],
    ["-a", `${silent.addr},${node.addr}`],
  ];
  for (const words of lists) {
    // It is two seconds until a silent one is given up.
    const args = ["-t", "6s", ...words, "set", "/m", "-1"];
    const { stderr } = await runDoozer("", { args, status: 0 });
    assertEquals(text(stderr), "");
  }
  // A list in the environment, too.
  const { stdout } = await runDoozer(`${dead},${node.addr}`, {
    args: ["rev", "-t", "6s"],
    status: 0,
  });
  assertEquals(Number(text(stdout)) > 0, true);
});

Deno.test("a write whose answer is lost takes effect once", async () => {
  await using node = await startNodeProcess();
  await using proxy = new Proxy(node.addr);
  const rev = async () =>
    Number(text((await runDoozer(node.uri, { args: ["rev"] })).stdout));
  const before = await rev();
  proxy.losesAnswerTo = "/once";
  const args = ["-a", `${proxy.addr},${node.addr}`, "add", "/once"];
  const { stdout } = await runDoozer("", { args, stdin: "v", status: 0 });
  assertEquals(proxy.losesAnswerTo, undefined, "The answer was not lost");
  assertEquals([Number(text(stdout)), await rev()], [before + 1, before + 1]);
});

Deno.test("a write that nobody answers is unknown: status 6", async () => {
  await using node = await startNodeProcess();
  await using proxy = new Proxy(node.addr);
  proxy.losesRequest = "/lost";
  const args = ["-a", proxy.addr, "-t", "1500ms", "set", "/lost", "-1"];
  const { stderr } = await runDoozer("", { args, status: 6 });
  assertStringIncludes(text(stderr), "[UNKNOWN] ");
  assertStringIncludes(text(stderr), "it may have taken effect");
});

Deno.test("watch and wait go on when their node is killed", async () => {
  await using cluster = await Cluster.start({ size: 3 });
  const [first, second] = [cluster.nodes[0]!, cluster.nodes[1]!];
  // The others it finds by itself.
  await using watch = new Running(`watch /w/* -a ${first.addr}`);
  await using wait = new Running(`wait /end -a ${first.addr}`);
  using client = await connect(`doozer:?ca=${second.addr}`);
  const written: number[] = [];
  const write = async (n: number) => {
    written.push(await client.set(`/w/${n % 7}`, String(n)));
  };
  await until("the watch has begun", async () => {
    await write(0);
    return watch.stdout !== "";
  });
  const begun = written.length;
  for (let n = 0; n < 20; n++) await write(n);
  await cluster.kill(first);
  for (let n = 0; n < 20; n++) await write(n);
  await watch.said(/doozer: goes on at \S+ from rev \d+\n/);
  await wait.said(/doozer: goes on at \S+ from rev \d+\n/);
  for (let n = 0; n < 20; n++) await write(n);
  const last = written.at(-1);
  await watch.printed(new RegExp(`^/w/\\d ${last} set`, "m"));
  const revs = [...watch.stdout.matchAll(/^\/w\/\d (\d+) set/gm)]
    .map(([, rev]) => Number(rev));
  // Each once, in order; those of before it had begun it need not know.
  const from = written.indexOf(revs[0]!);
  assert(from >= 0 && from < begun, `${from}`);
  assertEquals(revs, written.slice(from));
  for (const { stderr } of [watch, wait]) {
    assertEquals(count(stderr, /lost /), 1, stderr);
    assertStringIncludes(stderr, `doozer: lost ${first.addr}: `);
    assertEquals(count(stderr, /goes on at /), 1, stderr);
  }
  const rev = await client.set("/end", "v");
  assertEquals(await wait.ended(), 0);
  assertEquals(wait.stdout, `/end ${rev} set 1\nv\n`);
});

Deno.test("without any server a watch tries on, and says so once", async () => {
  await using node = await startNodeProcess();
  await using watch = new Running(`watch -r 1 /** -t 5s -a ${node.addr}`);
  await watch.printed(/./);
  await node.stop("SIGKILL");
  assertEquals(await watch.ended(), 2);
  const { stderr } = watch;
  assertEquals(count(stderr, /lost 127/), 1, stderr);
  assertEquals(count(stderr, /no server can be reached/), 1, stderr);
  assertStringIncludes(stderr, "[TIMEOUT] Cannot watch");
});

Deno.test("a secret of the environment is given to the next server", async () => {
  const env = { DOOZER_RWSECRET: "rw", USER: "ann" };
  await using node = await startNodeProcess({ env });
  await using proxy = new Proxy(node.addr);
  const line = `watch -r 1 /m --stamps -a ${proxy.addr},${node.addr}`;
  await using watch = new Running(line, env);
  await until("it watches", () => Promise.resolve(proxy.connections === 1));
  await runDoozer(node.uri, { args: ["add", "/m"], env, status: 0 });
  await watch.printed(/^\/m \d+ set 0 at 20\S+Z by "ann@/);
  proxy.admits = false;
  proxy.cut();
  await watch.said(new RegExp(`goes on at ${node.addr} from rev `));
  await runDoozer(node.uri, { args: ["del", "/m", "-1"], env, status: 0 });
  await watch.printed(/^\/m \d+ del 0 at/m);
});

Deno.test("what history has forgotten is an error, or a snapshot", async () => {
  await using proxy = new Proxy("");
  // The watch is not to find a way around the proxy.
  const args = ["-hist", "5", "--advertise", proxy.addr];
  await using node = await startNodeProcess({ args });
  proxy.target = node.addr;
  using client = await connect(node.uri);
  const fill = async (body: string) => {
    let rev = 0;
    for (let n = 0; n < 20; n++) rev = await client.set("/m", `${body}${n}`);
    return rev;
  };
  const rev = await fill("a");
  const late = await runDoozer(node.uri, {
    args: ["watch", "-t", "5s", "-r", "2", "/m"],
    status: 2,
  });
  assertStringIncludes(text(late.stderr), "[TOO_LATE] Cannot watch");
  assertStringIncludes(text(late.stderr), '"doozer rev" prints the current');
  assertEquals(text(late.stdout), "");
  const snapshot = `/ ${rev} snapshot 0\n\n/m ${rev} file 3\na19\n` +
    `/ ${rev} current 0\n\n`;
  for (const line of ["watch --snapshot /m", "watch --snapshot -r 2 /m"]) {
    await using watch = new Running(line, { DOOZER_URI: node.uri });
    await watch.printed(/current/);
    assertEquals(watch.stdout, snapshot);
    const lost = line.includes("-r") ? `rev 2 to ${rev} are lost` : "";
    assertEquals(watch.stderr.includes(lost), true, watch.stderr);
  }
  await using watch = new Running(`watch -o json /m -a ${proxy.addr}`);
  await using strict = new Running(`watch --strict /m -a ${proxy.addr}`);
  let last = 0;
  await until("both watch", async () => {
    last = await client.set("/m", "b");
    return watch.stdout !== "" && strict.stdout !== "";
  });
  await watch.printed(new RegExp(`"rev":${last},`));
  await strict.printed(new RegExp(`/m ${last} `));
  proxy.admits = false;
  proxy.cut();
  const now = await fill("c");
  proxy.admits = true;
  await watch.printed(/"kind":"current"/);
  const lines = watch.stdout.trimEnd().split("\n").slice(-3);
  assertEquals(lines.map((line) => JSON.parse(line)), [
    { rev: now, kind: "snapshot", from: last + 1 },
    { path: "/m", rev: now, kind: "file", value: "c19" },
    { rev: now, kind: "current" },
  ]);
  const notices = watch.stderr.trimEnd().split("\n").map((l) => JSON.parse(l));
  assertEquals(
    notices.find(({ notice }) => notice === "events_lost"),
    { notice: "events_lost", from: last + 1, to: now },
  );
  assertEquals(await strict.ended(), 2);
  assertStringIncludes(
    strict.stderr,
    `[TOO_LATE] The changes from rev ${last + 1} on are lost`,
  );
});

Deno.test("watch prints what it is asked for", async () => {
  await using node = await startNodeProcess();
  using client = await connect(node.uri, { name: 'x"\ny' });
  const first = await client.set("/f", "one");
  const second = await client.set("/f", "two!");
  const third = await client.del("/f");
  const run = async (line: string) => {
    const args = [...line.split(" "), "-r", String(first), "-t", "1s", "/f"];
    return text((await runDoozer(node.uri, { args, status: 2 })).stdout);
  };
  assertEquals(
    await run("watch --previous"),
    `/f ${first} set 3 was 0 -\none\n` +
      `/f ${second} set 4 was ${first} 3\ntwo!\none\n` +
      `/f ${third} del 0 was ${second} 4\n\ntwo!\n`,
  );
  assertEquals(await run("watch --kind del,nop"), `/f ${third} del 0\n\n`);
  assertEquals(
    await run("watch --kind set --kind nop --no-value"),
    `/f ${first} set 0\n\n/f ${second} set 0\n\n`,
  );
  const stamped = await run("watch --stamps --kind del");
  assert(/^\/f \d+ del 0 at 20\S+Z by "x\\"\\ny"\n\n$/.test(stamped), stamped);
  const json = await run("watch -o json --previous --stamps --no-value");
  const [, row] = json.split("\n").map((line) => line && JSON.parse(line));
  const { time, ...rest } = row;
  assertEquals(rest, {
    path: "/f",
    rev: second,
    kind: "set",
    previousRev: first,
    previous: "one",
    origin: 'x"\ny',
  });
  assertEquals(new Date(time).toISOString(), time);
});

Deno.test("a reader that goes away ends a watch quietly", async () => {
  await using node = await startNodeProcess();
  const child = spawn(["watch", "-r", "1", "/**"], { DOOZER_URI: node.uri });
  const reader = child.stdout.getReader();
  await reader.read();
  await reader.cancel();
  let done = false;
  const ended = child.status.finally(() => done = true);
  await until("the watch has ended", async () => {
    await runDoozer(node.uri, { args: ["nop"], status: 0 });
    return done;
  });
  const stderr = await new Response(child.stderr).text();
  await child.stdin.close();
  assertEquals([(await ended).code, stderr], [0, ""]);
});
