/**
 * What a cluster and its nodes refuse: joins that cannot be, strangers, changes
 * of seats against the rules; each in one sentence, with an exit status.
 *
 * @module
 */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { certificate, NO_OPENSSL } from "../protocol/net/certificate.ts";
import { Cluster, connectTo, print, statusAt } from "./cluster_nodes.ts";
import { freeAddresses, seatsOf, until } from "./cluster_nodes.ts";
import { runDoozer, startNodeProcess, text } from "./node_process.ts";

Deno.test("a node that cannot join says why, in a sentence", async () => {
  const env = { DOOZER_PEERSECRET: "hush-a" };
  const args = ["-c", "one"];
  await using node = await startNodeProcess({ args, env });
  const { addr } = node;
  const [free = ""] = freeAddresses(1);
  const other = { DOOZER_PEERSECRET: "hush-b" };
  const misfit = "the peer secret does not fit";
  const rows: readonly [string[], Record<string, string>, number, string][] = [
    [["-a", free], env, 5, "nothing listens there"],
    [["-a", addr, "-c", "two"], env, 2, 'is of the cluster "one", the one'],
    [["-a", addr], other, 4, misfit],
    [["-a", addr], {}, 4, misfit],
    [["-l", addr, "-a", addr], env, 2, "the address is in use"],
    [["--advertise", addr, "-a", addr], env, 2, "another node"],
    [["--join", addr], env, 2, "lacks this node's own address"],
    [["-b", "doozer:?ca=" + free], env, 5, "No server can be reached"],
  ];
  await Promise.all(
    rows.map(([words, env, status, sentence]) =>
      refusesToServe(words, { sentence, status, env })
    ),
  );
  // Nobody has harmed it.
  assertEquals((await statusAt(addr))?.members.length, 1);
  assert(!node.stderr().includes("hush"), node.stderr());
});

/** One sentence, one of advice, and the status; the log is not counted. */
async function refusesToServe(
  words: readonly string[],
  { sentence, status, env = {} }: {
    sentence: string;
    status: number;
    env?: Record<string, string>;
  },
): Promise<void> {
  const args = ["serve", "-l", "127.0.0.1:0", ...words];
  const { code, stderr } = await runDoozer("", { args, env });
  const lines = text(stderr).trimEnd().split("\n");
  const said = lines.filter((line) => line.startsWith("doozer: "));
  const what = `${words.join(" ")}: ${text(stderr)}`;
  assertEquals([code, said.length], [status, 1], what);
  assertStringIncludes(said[0]!, sentence);
  assert(!text(stderr).includes("    at "), text(stderr));
  assert(!text(stderr).includes("hush"), text(stderr));
}

Deno.test("a first node restarted without -a founds no second cluster", async () => {
  await using cluster = await Cluster.start({ size: 3, args: ["-c", "prod"] });
  const first = cluster.nodes[0]!;
  await cluster.kill(first);
  await cluster.leader();
  const again = ["serve", "-l", first.addr, "-c", "prod"];
  const { code, stderr } = await runDoozer("", { args: again });
  assertEquals(code, 2, text(stderr));
  assertStringIncludes(text(stderr), `found a cluster at ${first.addr}`);
  const [, advice = ""] = /Start this node with -a (\S+)/.exec(text(stderr)) ??
    [];
  assert(cluster.addrs.includes(advice), text(stderr));
  await cluster.add({ args: ["-l", first.addr, "-a", advice] });
  await cluster.untilSeated(3);
});

Deno.test("two seats: one node dies, reads go on, writes say so", async () => {
  const args = ["--request-timeout", "0.5"];
  await using cluster = await Cluster.start({ size: 2, args });
  const [first, second] = cluster.nodes;
  await print(first!.uri, "set", "/x", "-1");
  await using observer = await startNodeProcess({ args: ["-a", first!.addr] });
  await cluster.kill(first!);
  const { uri, addr } = second!;
  await until("it has noticed", async () => !(await statusAt(addr))?.ready);
  const rows: readonly [string[], number][] = [
    [["status"], 5],
    [["members"], 0],
    [["get", "--local", "/x"], 0],
    [["wait", "-r", "1", "/x"], 0],
    [["get", "/x"], 5],
    [["set", "/x", "-1"], 5],
    [["del", "/x", "-1"], 5],
    [["nop"], 5],
  ];
  const before = performance.now();
  await Promise.all(
    rows.map(([args, status]) => runDoozer(uri, { args, status })),
  );
  const ms = performance.now() - before;
  assert(ms < 6_000, `It took ${ms} ms, --request-timeout is 500 ms`);
  const recover = ["recover", "--yes", addr];
  assertStringIncludes(await print(uri, ...recover), "goes on alone");
  await print(uri, "set", "/x", "-1");
  const status = await statusAt(addr);
  assertEquals([status?.ready, seatsOf(status!).length], [true, 1]);
  assertEquals((await statusAt(observer.addr))?.ready, false);
});

Deno.test("hostile writes of seats change nothing", async (t) => {
  await using cluster = await Cluster.start({ size: 2 });
  const { addr, uri } = cluster.nodes[0]!;
  const { id, seats } = (await statusAt(addr))!;
  const own = `/ctl/cal/${seats.find((seat) => seat.id === id)!.name}`;
  const rows: readonly [string, string[], string][] = [
    ["an id twice", ["set", "/ctl/cal/9", "-1"], id],
    ["garbage", ["set", "/ctl/cal/9", "-1"], "garbage\0\xff"],
    ["an id nobody has", ["set", "/ctl/cal/9", "-1"], "A".repeat(16)],
    ["a seat below a seat", ["set", "/ctl/cal/9/9", "-1"], ""],
    ["a file in the place of all", ["set", "/ctl/cal", "-1"], ""],
    ["garbage over a cal", ["set", own, "-1"], "garbage"],
  ];
  for (const [what, args, stdin] of rows) {
    await t.step(what, async () => {
      const { stderr } = await runDoozer(uri, { args, stdin, status: 2 });
      assert(/\[(SEAT|ISDIR)\]/.test(text(stderr)), text(stderr));
    });
  }
  assertEquals((await statusAt(addr))?.seats, seats);
  await t.step("no cal left", () => refusesLastCal(cluster));
});

/** One of two seats may be given up, the last one not. */
async function refusesLastCal(cluster: Cluster): Promise<void> {
  const { addr } = cluster.nodes[0]!;
  const { seats } = (await statusAt(addr))!;
  using client = await connectTo(addr, 5_000);
  const given = await until("a seat is given up", async () => {
    const [path] = seats.map(({ name }) => `/ctl/cal/${name}`);
    return await client.del(path!).then(() => true, () => false);
  });
  assert(given);
  await until("that is in force", async () => {
    const { seats = [], ready } = (await statusAt(addr)) ?? {};
    return ready && seats.length === 1;
  });
  const [last] = (await statusAt(addr))!.seats;
  const path = `/ctl/cal/${last!.name}`;
  const { uri } = cluster.nodes[0]!;
  for (const args of [["set", path, "-1"], ["del", path, "-1"]]) {
    const { stderr } = await runDoozer(uri, { args, status: 2 });
    assertStringIncludes(text(stderr), "[SEAT] ");
  }
  assertEquals((await statusAt(addr))!.seats, [last]);
}

Deno.test("strangers on the peer port change nothing", async () => {
  await using cluster = await Cluster.start({ size: 2 });
  const before = await statusAt(cluster.addrs[0]!);
  for (const addr of cluster.addrs) {
    for (let turn = 0; turn < 50; turn++) await abuse(addr, turn);
  }
  for (const node of cluster.nodes) {
    const status = (await statusAt(node.addr))!;
    assert(status.ready, status.reason);
    assertEquals(status.members.length, 2);
    assertEquals(status.rev, before!.rev);
    await print(node.uri, "get", "/ctl/name");
  }
});

/** A frame that begins as a node's hello does; or not even that. */
async function abuse(addr: string, turn: number): Promise<void> {
  const [hostname = "", port] = addr.split(":");
  using socket = await Deno.connect({ hostname, port: Number(port) });
  const bytes = crypto.getRandomValues(new Uint8Array(5 + turn * 20));
  new DataView(bytes.buffer).setUint32(0, bytes.length - turn % 3);
  if (turn % 5 > 0) bytes[4] = 0;
  await socket.write(bytes);
  await socket.closeWrite().catch(() => {}); // It may have hung up already.
  const answer = new Uint8Array(1 << 16);
  while (await socket.read(answer).catch(() => null) !== null);
}

Deno.test({
  name: `nodes with TLS and a peer secret form a cluster${NO_OPENSSL}`,
  ignore: NO_OPENSSL !== "",
  fn: async () => {
    const folder = await Deno.makeTempDir();
    try {
      const { cert, key } = await certificate();
      await Deno.writeTextFile(`${folder}/cert.pem`, cert);
      await Deno.writeTextFile(`${folder}/key.pem`, key);
      await clusterOverTls(`${folder}/cert.pem`, `${folder}/key.pem`);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

async function clusterOverTls(cert: string, key: string): Promise<void> {
  const env = { DOOZER_PEERSECRET: "hush", DOOZER_CACERT: cert };
  const args = ["-tlscert", cert, "-tlskey", key];
  await using first = await startNodeProcess({ args, env });
  const attach = [...args, "-a", first.addr];
  await using second = await startNodeProcess({ args: attach, env });
  const seat = { args: ["add", "/ctl/cal/1"], env, status: 0 };
  await runDoozer(first.uri, seat);
  await until("both have seats", async () => {
    const args = ["status", "-o", "json"];
    const { stdout } = await runDoozer(second.uri, { args, env, status: 0 });
    return seatsOf(JSON.parse(text(stdout))).length === 2;
  });
  const set = { args: ["set", "/x", "-1"], stdin: "1", env, status: 0 };
  await runDoozer(second.uri, set);
  const get = { args: ["get", "/x"], env, status: 0 };
  assertEquals(text((await runDoozer(first.uri, get)).stdout), "1");
}

Deno.test("status and members tell how it is, for scripts", async () => {
  await using cluster = await Cluster.start({ size: 3 });
  const { uri, addr } = cluster.nodes[1]!;
  await runDoozer(uri, { args: ["status"], status: 0 });
  const lines = (await print(uri, "members", "-o", "json")).trimEnd();
  const members = lines.split("\n").map((line) => JSON.parse(line));
  assertEquals(members.map(({ seat }) => seat), ["0", "1", "2"]);
  assertEquals(
    members.map(({ addr }) => addr).toSorted(),
    cluster.addrs.toSorted(),
  );
  assertEquals(members.filter(({ leader }) => leader).length, 1);
  assert(members.every(({ reachable }) => reachable));
  const status = JSON.parse(await print(uri, "status", "-o", "json"));
  assertEquals([status.ready, status.canLose, status.addr], [true, 1, addr]);
  const [free = ""] = freeAddresses(1);
  await runDoozer(`doozer:?ca=${free}`, { args: ["status"], status: 5 });
});
