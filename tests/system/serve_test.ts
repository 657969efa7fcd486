/**
 * `doozer serve` as a process: how it starts, what it says, how it ends.
 *
 * @module
 */

import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import {
  runDoozer,
  spawn,
  startNodeProcess,
  startWatch,
  text,
} from "./node_process.ts";

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
    [["-l", "9032"], 127, 'did you mean ":9032"?'],
    [["-a", "x", "--join", "x,y"], 127, "-a and --join are given"],
    [["-a", "127.0.0.1:80:80"], 127, "127.0.0.1:80:80"],
    [["--advertise", "0.0.0.0:80"], 127, "nobody can dial it"],
    [["-l", "0.0.0.0:0", "--insecure", "-a", "x"], 127, "--advertise"],
    [["-b", "nothing"], 127, "nothing"],
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

Deno.test("serve registers the address that it is bound to", async (t) => {
  const rows: readonly [string, RegExp][] = [
    ["localhost:0", /^(127\.0\.0\.1|\[::1\]):[1-9]\d*$/],
    ["127.0.0.1:0", /^127\.0\.0\.1:[1-9]\d*$/],
    ["[::1]:0", /^\[::1\]:[1-9]\d*$/],
  ];
  for (const [listen, pattern] of rows) {
    await t.step(listen, async () => {
      await using node = await startNodeProcess({ args: ["-l", listen] });
      const self = text((await runDoozer(node.uri, { args: ["self"] })).stdout);
      const args = ["get", `/ctl/node/${self}/addr`];
      const { stdout } = await runDoozer(node.uri, { args, status: 0 });
      assertEquals(text(stdout), node.addr);
      assert(pattern.test(node.addr), node.addr);
    });
  }
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
  const get = ["get", "/ctl/name"];
  await runDoozer(loud.uri, { args: get, env: bad, status: 4 });
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
  const start = lines.find(({ uri }) => uri !== undefined);
  assertEquals([start.uri, start.durable], [node.uri, false]);
  assert(lines.length > 1, node.stderr());
});

Deno.test("a log that nobody reads holds nothing up", async () => {
  const args = ["serve", "-l", "127.0.0.1:0", "-log-level", "debug"];
  const child = spawn(args);
  // A node that hangs must fail the test, not hold it.
  const hung = setTimeout(() => child.kill("SIGKILL"), 30_000);
  await Promise.all([child.stdin.close(), child.stdout.cancel()]);
  const log = child.stderr.getReader();
  let addr: string | undefined;
  for (let said = ""; addr === undefined;) {
    const { value, done } = await log.read();
    assert(!done, "It ended before it served");
    said += text(value ?? new Uint8Array());
    addr = /ca=([^,\s]+),/.exec(said)?.[1];
  }
  // A frame of a negative length: at least a line each, of above 100 bytes.
  const bad = new Uint8Array(4).fill(255);
  for (let i = 0; i < 2000; i++) await abuse(addr, bad);
  const rev = { args: ["rev"], status: 0 };
  await runDoozer(`doozer:?ca=${addr}`, rev);
  child.kill("SIGTERM");
  const { code } = await child.status;
  clearTimeout(hung);
  assertEquals(code, 0);
  await log.cancel();
});

/** Sends bytes for which the node ends the connection, and awaits that. */
async function abuse(addr: string, bytes: Uint8Array): Promise<void> {
  const [hostname = "", port] = addr.split(":");
  using socket = await Deno.connect({ hostname, port: Number(port) });
  await socket.write(bytes);
  await socket.read(new Uint8Array(1)).catch(() => null);
}

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

Deno.test({
  name: `TLS files that do not fit are named${
    openssl ? "" : " (there is no openssl command)"
  }`,
  ignore: !openssl,
  fn: async () => {
    const dir = await Deno.makeTempDir();
    try {
      await makeCertificate(dir);
      await Deno.rename(`${dir}/key.pem`, `${dir}/other.pem`);
      await makeCertificate(dir);
      const junk = "-----BEGIN CERTIFICATE-----\njunk\n";
      await Deno.writeTextFile(`${dir}/junk.pem`, junk);
      await refuseTlsFiles(dir);
    } finally {
      await Deno.remove(dir, { recursive: true });
    }
  },
});

async function refuseTlsFiles(dir: string): Promise<void> {
  const rows: readonly [string, string][] = [
    ["cert.pem", "other.pem"],
    ["key.pem", "cert.pem"],
    ["cert.pem", "cert.pem"],
    ["junk.pem", "key.pem"],
    ["cert.pem", "junk.pem"],
  ];
  for (const names of rows) {
    const [cert, key] = names.map((name) => `${dir}/${name}`);
    const args = ["-tlscert", cert ?? "", "-tlskey", key ?? ""];
    const { message } = await assertRejects(
      async () => {
        await using _ = await startNodeProcess({ args });
      },
      Error,
    );
    const start = "The node ended with status 2: doozer: Cannot serve with " +
      `TLS: the certificate "${cert}" and the key "${key}" cannot be used ` +
      "together: ";
    assert(message.startsWith(start), message);
    assert(!message.includes("    at "), message);
  }
}

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
  const { stderr } = await runDoozer(plain, stranger);
  assertStringIncludes(text(stderr), "--cacert");
  assert(!text(stderr).includes("doozer serve"), text(stderr));
  const mute = await runDoozer(plain, { args: ["get", "/m"], status: 5 });
  assertStringIncludes(text(mute.stderr), "--tls");
}
