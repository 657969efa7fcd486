/**
 * The command line as a process against a node as a process: what the
 * original's client did (cli_cases.json), and what ours does beyond it.
 *
 * @module
 */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import config from "../../deno.json" with { type: "json" };
import cases from "./cli_cases.json" with { type: "json" };
import {
  type NodeProcess,
  runDoozer,
  type RunResult,
  spawn,
  startNodeProcess,
  startWatch,
} from "./node_process.ts";

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

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

Deno.test("get is exact for any bytes, as text and as JSON", async () => {
  await using node = await startNodeProcess();
  const body = Uint8Array.from({ length: 256 }, (_, i) => i);
  const run = (args: string[]): Promise<RunResult> =>
    runDoozer(node.uri, { args, stdin: body, status: 0 });
  await run(["add", "/bytes"]);
  assertEquals((await run(["get", "/bytes"])).stdout, body);
  const { stdout } = await run(["get", "-o", "json", "/bytes"]);
  assertEquals(JSON.parse(text(stdout)).value_base64, btoa(latin1(body)));
});

function latin1(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}

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
  const serving = (async () => {
    for await (const socket of listener) {
      await treat(socket);
      socket.close();
    }
  })();
  try {
    await test(`doozer:?ca=127.0.0.1:${listener.addr.port}`);
  } finally {
    listener.close();
    await serving;
  }
}

/** Reads until the other side ends. */
async function swallow(socket: Deno.Conn): Promise<void> {
  const buffer = new Uint8Array(1024);
  while (await socket.read(buffer).catch(() => null) !== null);
}

Deno.test("a silent server: 5 for a read, 6 for a write", async () => {
  await withStranger(swallow, async (uri) => {
    const options = (args: string[]) => ({ args: ["-t", "200ms", ...args] });
    const get = await runDoozer(uri, { ...options(["get", "/m"]), status: 5 });
    assertStringIncludes(text(get.stderr), uri.split("=")[1] ?? "");
    for (const args of [["set", "/m", "-1"], ["del", "/m", "-1"], ["nop"]]) {
      const run = await runDoozer(uri, { ...options(args), status: 6 });
      assertStringIncludes(text(run.stderr), "[UNKNOWN] ");
    }
  });
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

Deno.test("a signal ends a node with status 0", async (t) => {
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    await t.step(signal, async () => {
      await using node = await startNodeProcess();
      // With a client that waits, too.
      await using watch = startWatch(node.uri, ["-r", "1", "/**"]);
      await watch[Symbol.asyncIterator]().next();
      const { code } = await node.stop(signal);
      assertEquals(code, 0, node.stderr());
    });
  }
});

Deno.test("a client is told when its node stops", async () => {
  await using node = await startNodeProcess();
  const child = spawn(["watch", "-r", "1", "/**"], { DOOZER_URI: node.uri });
  const reader = child.stdout.getReader();
  await reader.read();
  await node.stop();
  const { code } = await child.status;
  const stderr = await new Response(child.stderr).text();
  await Promise.all([reader.cancel(), child.stdin.close()]);
  assertEquals(code, 5);
  assertStringIncludes(stderr, `The connection to ${node.addr} is lost`);
});

/** Runs `serve` where it cannot start. */
async function failToServe(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<{ code: number; stderr: string }> {
  const options = { args: ["serve", ...args], env };
  const { code, stderr } = await runDoozer("", options);
  return { code, stderr: text(stderr) };
}

Deno.test("serve says why it cannot start", async (t) => {
  await using node = await startNodeProcess();
  const rows: readonly [string[], number, string][] = [
    [["-l", node.addr], 2, `Cannot serve on ${node.addr}: the address is in`],
    [["-l", "192.0.2.1:1", "--insecure"], 2, "no such address"],
    [["-l", "0.0.0.0:0"], 127, "takes a secret and TLS"],
    [["-l", "x"], 127, "takes a secret and TLS"],
    [["-a", "127.0.0.1:1"], 127, "clusters are not there yet"],
    [["-w", ":8000"], 127, "the web view"],
    [["-hist", "0"], 127, "history"],
    [["-tlscert", "/nowhere", "-tlskey", "/nowhere"], 2, '"/nowhere"'],
    [["-tlscert", "deno.json", "-tlskey", "deno.json"], 2, "PEM"],
    [["extra"], 127, "Wrong number of arguments"],
  ];
  for (const [args, code, message] of rows) {
    await t.step(`serve ${args.join(" ")}`, async () => {
      const run = await failToServe(args);
      assertEquals(run.code, code, run.stderr);
      assertStringIncludes(run.stderr, message);
      assert(!run.stderr.includes("    at "), run.stderr);
    });
  }
});

Deno.test("serve accepts the original's flags", async () => {
  const args = "-c prod -w false -fill 3 -timeout 60 -hist 5".split(" ");
  await using node = await startNodeProcess({ args });
  const get = { args: ["get", "/ctl/name"], status: 0 };
  assertEquals(text((await runDoozer(node.uri, get)).stdout), "prod");
  // Seven files found the node; of eight revs five are kept.
  await runDoozer(node.uri, { args: ["nop"], status: 0 });
  const old = { args: ["get", "-r", "1", "/ctl/name"], status: 2 };
  assertStringIncludes(
    text((await runDoozer(node.uri, old)).stderr),
    "[TOO_LATE] ",
  );
});

Deno.test("serve --advertise registers another address", async () => {
  const args = ["--advertise", "10.1.2.3:8046"];
  await using node = await startNodeProcess({ args });
  assert(node.addr.startsWith("127.0.0.1:"));
  const self = await runDoozer(node.uri, { args: ["self"] });
  const path = `/ctl/node/${text(self.stdout)}/addr`;
  const get = await runDoozer(node.uri, { args: ["get", path], status: 0 });
  assertEquals(text(get.stdout), "10.1.2.3:8046");
});

Deno.test("serve prints one line, and no secret", async () => {
  const args = ["-log-level", "debug"];
  await using quiet = await startNodeProcess();
  await runDoozer(quiet.uri, { args: ["rev"], status: 0 });
  const pattern =
    /^doozer [\d.]+: node [A-Z2-7]{16} serves doozer:\?ca=127\.0\.0\.1:\d+, in memory \(everything is lost when it stops\)\n$/;
  assert(pattern.test(quiet.stderr()), quiet.stderr());
  const env = { DOOZER_RWSECRET: "hush-rw", DOOZER_ROSECRET: "hush-ro" };
  await using loud = await startNodeProcess({ args, env });
  const bad = { DOOZER_RWSECRET: "hush-bad" };
  await runDoozer(loud.uri, { args: ["rev"], env: bad, status: 4 });
  await runDoozer(loud.uri, { args: ["rev"], env, status: 0 });
  await loud.stop();
  assert(loud.stderr().split("\n").length > 2, "Nothing was logged");
  assert(!loud.stderr().includes("hush"), loud.stderr());
});

Deno.test("serve -log-format json prints JSON only", async () => {
  const args = ["-log-format", "json", "-log-level", "info"];
  await using node = await startNodeProcess({ args });
  await node.stop();
  const lines = node.stderr().trimEnd().split("\n").map((l) => JSON.parse(l));
  assertEquals(lines[0].uri, node.uri);
  assertEquals(lines[0].durable, false);
  assert(lines.length > 1, node.stderr());
});

Deno.test("serve --insecure is said loudly", async () => {
  const args = ["-l", "0.0.0.0:0", "--insecure"];
  await using node = await startNodeProcess({ args });
  assertStringIncludes(node.stderr(), "INSECURE");
});

async function hasOpenssl(): Promise<boolean> {
  try {
    const command = new Deno.Command("openssl", { args: ["version"] });
    return (await command.output()).success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

async function makeCertificate(dir: string): Promise<void> {
  const words = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 " +
    "-nodes -keyout key.pem -out cert.pem -days 2 -subj /CN=doozer " +
    "-addext subjectAltName=IP:127.0.0.1 " +
    "-addext basicConstraints=critical,CA:FALSE";
  const args = words.split(" ");
  const command = new Deno.Command("openssl", { args, cwd: dir });
  const { success, stderr } = await command.output();
  assert(success, text(stderr));
}

const openssl = await hasOpenssl();

Deno.test({
  name: `TLS${openssl ? "" : " (there is no openssl command)"}`,
  ignore: !openssl,
  fn: async () => {
    const dir = await Deno.makeTempDir();
    try {
      await makeCertificate(dir);
      await tryTls(dir);
    } finally {
      await Deno.remove(dir, { recursive: true });
    }
  },
});

async function tryTls(dir: string): Promise<void> {
  const cert = `${dir}/cert.pem`;
  const args = ["-tlscert", cert, "-tlskey", `${dir}/key.pem`];
  await using node = await startNodeProcess({ args });
  assert(node.uri.endsWith("&tls=true"), node.uri);
  const plain = `doozer:?ca=${node.addr}`;
  const add = { args: ["add", "--cacert", cert, "/m"], stdin: "x" };
  await runDoozer(plain, { ...add, status: 0 });
  const env = { DOOZER_CACERT: cert };
  const get = { args: ["get", "/m"], status: 0, env };
  assertEquals(text((await runDoozer(node.uri, get)).stdout), "x");
  // Nobody vouches for it; and who speaks no TLS gets no answer.
  const stranger = { args: ["--tls", "get", "/m"], status: 5 };
  await runDoozer(plain, stranger);
  const mute = await runDoozer(plain, { args: ["get", "/m"], status: 5 });
  assertStringIncludes(text(mute.stderr), "--tls");
}
