/**
 * The command line as a process against a node as a process: what the
 * original's client did (cli_cases.json), and what ours does beyond it.
 *
 * @module
 */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import config from "../../deno.json" with { type: "json" };
import { LIMITS } from "../../store/mod.ts";
import cases from "./cli_cases.json" with { type: "json" };
import {
  type NodeProcess,
  runDoozer,
  type RunResult,
  spawn,
  startNodeProcess,
  startWatch,
  text,
} from "./node_process.ts";
import { doozerCommand } from "./process.ts";

/** What the original did, or where we differ and why. */
interface Case {
  readonly name: string;
  readonly args?: readonly string[];
  readonly stdin?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** "secret" is a node with secrets; the plain one if left out. */
  readonly node?: string;
  /** `<number>` is any, `<any>` anything, `$name` a rev saved before. */
  readonly stdout?: string;
  readonly stderr?: string;
  readonly exit?: number;
  /** The name under which to save the rev that was printed. */
  readonly save?: string;
  /** Why this is not what the original did. */
  readonly change?: string;
  /** Why this is not replayed. */
  readonly left_out?: string;
}

const SECRETS = { DOOZER_RWSECRET: "rw", DOOZER_ROSECRET: "ro" };

Deno.test("the original's command lines", async (t) => {
  await using plain = await startNodeProcess();
  await using secret = await startNodeProcess({ env: SECRETS });
  const saved = new Map<string, string>([["version", config.version]]);
  const { stdout } = await runDoozer(plain.uri, { args: ["self"] });
  saved.set("id", text(stdout));
  for (const row of cases as readonly Case[]) {
    const ignore = row.left_out !== undefined;
    await t.step({
      name: `${row.name}${ignore ? ` (${row.left_out})` : ""}`,
      ignore,
      fn: () => replay(row, row.node === "secret" ? secret : plain, saved),
    });
  }
});

async function replay(
  row: Case,
  node: NodeProcess,
  saved: Map<string, string>,
): Promise<void> {
  saved.set("uri", node.uri);
  const env = Object.entries(row.env ?? {}).map(([name, value]) => [
    name,
    fillIn(value ?? "", saved),
  ]);
  const run = await runDoozer(node.uri, {
    args: (row.args ?? []).map((arg) => fillIn(arg, saved)),
    stdin: row.stdin ?? "",
    env: Object.fromEntries(env),
  });
  const stderr = text(run.stderr);
  assertEquals(run.code, row.exit, stderr);
  assertMatches(text(run.stdout), fillIn(row.stdout ?? "", saved));
  assertMatches(stderr, fillIn(row.stderr ?? "", saved));
  if (row.save !== undefined) saved.set(row.save, text(run.stdout).trim());
}

/** Puts saved values in: `$m`, or `$m+1`. */
function fillIn(template: string, saved: ReadonlyMap<string, string>): string {
  return template.replace(/\$(\w+)(?:\+(\d+))?/g, (whole, name, more) => {
    const value = saved.get(name) ?? "";
    assert(value !== "", `Nothing is saved as ${whole}`);
    return more === undefined ? value : String(Number(value) + Number(more));
  });
}

function assertMatches(got: string, wanted: string): void {
  const parts = wanted.split(/(<number>|<any>)/).map((part) =>
    part === "<number>"
      ? "\\d+"
      : part === "<any>"
      ? "[^]*"
      : part.replace(/[^\w\s]/g, "\\$&")
  );
  if (!new RegExp(`^${parts.join("")}$`).test(got)) assertEquals(got, wanted);
}

Deno.test("get is exact for any bytes, as text and as JSON", async () => {
  await using node = await startNodeProcess();
  // More than a pipe holds, with every byte in many neighbourhoods.
  const length = LIMITS.valueBytes;
  const body = Uint8Array.from({ length }, (_, i) => i * (i >> 8));
  const run = (args: string[]): Promise<RunResult> =>
    runDoozer(node.uri, { args, stdin: body, status: 0 });
  await run(["add", "/bytes"]);
  assertEquals((await run(["get", "/bytes"])).stdout, body);
  const { stdout } = await run(["get", "-o", "json", "/bytes"]);
  const decoded = atob(JSON.parse(text(stdout)).value_base64);
  assertEquals(Uint8Array.from(decoded, (c) => c.charCodeAt(0)), body);
});

Deno.test({
  name: "a machine that refuses is no fault of doozer",
  ignore: Deno.build.os !== "linux", // It has /dev/full.
  fn: async () => {
    await using node = await startNodeProcess();
    const rows: readonly [string, string, string][] = [
      ["add /m", "</", "Cannot read standard input: "],
      ["self", ">/dev/full", "Cannot write standard output: "],
    ];
    for (const [line, redirection, message] of rows) {
      const args = [...doozerCommand(), ...line.split(" ")];
      const { code, stderr } = await new Deno.Command("sh", {
        args: ["-c", `exec "$@" ${redirection}`, "sh", ...args],
        env: { DOOZER_URI: node.uri },
      }).output();
      assert(text(stderr).startsWith(`doozer: ${message}`), text(stderr));
      assertEquals(code, 2);
    }
  },
});

Deno.test({
  name: "a write that could not be printed is told to be done",
  ignore: Deno.build.os !== "linux", // It has /dev/full.
  fn: async () => {
    await using node = await startNodeProcess();
    for (const line of ["add /m", "set /m -1", "-o json del /m -1"]) {
      const args = [...doozerCommand(), ...line.split(" ")];
      const { code, stderr } = await new Deno.Command("sh", {
        args: ["-c", 'exec "$@" </dev/null >/dev/full', "sh", ...args],
        env: { DOOZER_URI: node.uri },
      }).output();
      const { stdout } = await runDoozer(node.uri, { args: ["rev"] });
      const done = line.includes("del")
        ? "The file is deleted"
        : `The write is done, at rev ${text(stdout).trim()}`;
      assertStringIncludes(text(stderr), `${done}, but not printed: `);
      assertEquals(code, 2);
    }
  },
});

/** A port on which nothing listens: the kernel's last choice, given back. */
function deadAddress(): string {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return `127.0.0.1:${listener.addr.port}`;
}

Deno.test("no server: status 5, and the address is named", async () => {
  const address = deadAddress();
  const uri = `doozer:?ca=${address}`;
  for (const args of [["get", "/m"], ["set", "/m", "-1"], ["watch", "/**"]]) {
    const { stdout, stderr } = await runDoozer(uri, { args, status: 5 });
    assertEquals(stdout.length, 0);
    assertStringIncludes(text(stderr), `${address}: nothing listens there`);
    assertStringIncludes(text(stderr), "doozer serve");
  }
});

Deno.test("the second address is tried where the first is dead", async () => {
  await using node = await startNodeProcess();
  const uri = `doozer:?ca=${deadAddress()}&ca=${node.addr}`;
  await runDoozer(uri, { args: ["rev"], status: 0 });
});

/** A server that is no doozer: it treats each connection in its own way. */
async function withStranger(
  treat: (socket: Deno.Conn) => Promise<void>,
  test: (uri: string) => Promise<void>,
): Promise<void> {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const treated: Promise<void>[] = [];
  const serving = (async () => {
    for await (const socket of listener) {
      treated.push(treat(socket).finally(() => socket.close()));
    }
    await Promise.all(treated);
  })();
  try {
    await test(`doozer:?ca=127.0.0.1:${listener.addr.port}`);
  } finally {
    listener.close();
    await serving;
  }
}

/** Reads until the other side ends, or has hung for much too long. */
async function swallow(socket: Deno.Conn): Promise<void> {
  const buffer = new Uint8Array(1024);
  const hung = setTimeout(() => socket.closeWrite(), 30_000);
  while (await socket.read(buffer).catch(() => null) !== null);
  clearTimeout(hung);
}

Deno.test("a server that is silent from the start: 5, nothing was done", async () => {
  await withStranger(swallow, async (uri) => {
    for (
      const line of ["get /m", "set /m -1", "del /m -1", "nop", "watch /m"]
    ) {
      const args = ["-t", "200ms", ...line.split(" ")];
      const { stderr } = await runDoozer(uri, { args, status: 5 });
      assertStringIncludes(text(stderr), uri.split("=")[1] ?? "");
      assertStringIncludes(text(stderr), "Is it a doozer node");
    }
  });
});

Deno.test("a silent server is found out without -t, too: status 5", async () => {
  await withStranger(swallow, async (uri) => {
    const lines = ["wait /m", "watch /m", "wait -r 9 /m", "get /m"];
    for (
      const { stderr } of await Promise.all(
        lines.map((line) =>
          runDoozer(uri, { args: line.split(" "), status: 5 })
        ),
      )
    ) {
      assertStringIncludes(text(stderr), "it has been silent for 2000 ms");
      assertStringIncludes(text(stderr), "Is it a doozer node");
    }
  });
});

Deno.test("a rev to come is waited for as long as -t allows", async () => {
  await using node = await startNodeProcess();
  const args = ["get", "-r", "999", "-t", "50ms", "/m"];
  const { stderr } = await runDoozer(node.uri, { args, status: 5 });
  assertStringIncludes(text(stderr), "a rev that is yet to come is waited for");
});

Deno.test("a server that is no doozer: status 5", async () => {
  const reply = new TextEncoder().encode("HTTP/1.1 400 Bad Request\r\n\r\n");
  await withStranger(async (socket) => {
    await socket.read(new Uint8Array(1024));
    await socket.write(reply);
  }, async (uri) => {
    const { stderr } = await runDoozer(uri, { args: ["rev"], status: 5 });
    assertStringIncludes(text(stderr), "Is it a doozer node");
  });
});

Deno.test("watch prints changes as they come", async () => {
  await using node = await startNodeProcess();
  await using watch = startWatch(node.uri, ["-r", "1", "/w/*"]);
  const records = watch[Symbol.asyncIterator]();
  for (const path of ["/w/a", "/w/b"]) {
    const args = ["add", path];
    const added = await runDoozer(node.uri, { args, stdin: "x", status: 0 });
    const { value } = await records.next();
    const rev = text(added.stdout).trim();
    assertEquals(text(value ?? new Uint8Array()), `${path} ${rev} set 1\nx\n`);
  }
});

Deno.test("Ctrl-C ends a watch", async () => {
  await using node = await startNodeProcess();
  const child = spawn(["watch", "-r", "1", "/**"], { DOOZER_URI: node.uri });
  const reader = child.stdout.getReader();
  await reader.read();
  child.kill("SIGINT");
  const { signal } = await child.status;
  assertEquals(signal, "SIGINT");
  await Promise.all([reader.cancel(), child.stderr.cancel()]);
  await child.stdin.close();
});

Deno.test("a reader that goes away ends a command quietly", async () => {
  await using node = await startNodeProcess();
  const child = spawn(["wait", "-r", "9", "/m"], { DOOZER_URI: node.uri });
  await child.stdout.cancel();
  // Both writes: the command may begin to wait before or after the first.
  for (const args of [["nop"], ["add", "/m"]]) {
    await runDoozer(node.uri, { args, status: 0 });
  }
  const { code } = await child.status;
  const stderr = await new Response(child.stderr).text();
  await child.stdin.close();
  assertEquals([code, stderr], [0, ""]);
});
