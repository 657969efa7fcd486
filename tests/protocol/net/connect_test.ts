/**
 * Connecting by URI: addresses, names, secrets.
 *
 * @module
 */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { type Client, connect } from "../../../protocol/net/mod.ts";
import { DoozerError } from "../../../store/mod.ts";
import { deadAddress, serveNode, serveScript } from "./servers.ts";

const RW = "write & read";
const RO = "read";

async function errorOf(connecting: Promise<Client>): Promise<DoozerError> {
  return await assertRejects(() => connecting, DoozerError);
}

Deno.test("connect() finds the server that lives", async () => {
  await using node = await serveNode();
  using client = await connect(`doozer:?ca=${deadAddress()}&ca=${node.addr}`);
  assertEquals(client.address, node.addr);
  assertEquals(await client.self(), node.id);
});

Deno.test("connect() says what is wrong with a URI", async () => {
  const rows: [uri: string, detail: string][] = [
    ["http://h", "Cannot read the URI"],
    ["doozer:?ca=h:x", "Cannot read the address"],
    ["doozer:?", "neither an address"],
    ["doozer:?cn=example", "no name service is given"],
  ];
  for (const [uri, detail] of rows) {
    const error = await errorOf(connect(uri));
    assertEquals(error.code, "OTHER");
    assert(error.detail.includes(detail), error.detail);
  }
});

Deno.test("connect() gives the secret, the option before the URI's", async () => {
  await using node = await serveNode({ secrets: { rw: RW, ro: RO } });
  const sk = encodeURIComponent(RO);
  {
    using client = await connect(`${node.uri}&sk=${sk}`);
    assertEquals((await client.get("/ctl/name")).value.length, 5);
    const set = await assertRejects(() => client.set("/a", ""), DoozerError);
    assertEquals(set.code, "DENIED");
    // Rights grow, and do not shrink.
    await client.access(RW);
    const wrong = client.access("wrong");
    assertEquals(
      (await assertRejects(() => wrong, DoozerError)).code,
      "DENIED",
    );
    assert(await client.set("/a", "") > 0);
  }
  using client = await connect(`${node.uri}&sk=${sk}`, { secret: RW });
  assert(await client.set("/a", "") > 0);
  using anonymous = await connect(node.uri);
  const get = await assertRejects(() => anonymous.get("/a"), DoozerError);
  assertEquals(get.code, "DENIED");
});

Deno.test("connect() with a wrong secret fails, and closes its socket", async () => {
  await using node = await serveNode({ secrets: { rw: RW } });
  const error = await errorOf(connect(node.uri, { secret: "wrong" }));
  assertEquals([error.code, error.detail], ["DENIED", "permission denied"]);
  await node.log.find(/has left/);
});

Deno.test("connect() looks a cluster up by its name", async () => {
  await using names = await serveNode({ clusterName: "DzNS" });
  await using node = await serveNode({ clusterName: "example" });
  {
    using boot = await connect(names.uri);
    await boot.set("/ctl/ns/example/AAAA", deadAddress());
    await boot.set("/ctl/ns/example/BBBB", node.addr);
    await boot.set("/ctl/ns/other/CCCC", names.addr);
  }
  const bootUri = names.uri;
  using client = await connect("doozer:?cn=example", { bootUri });
  assertEquals(await client.self(), node.id);
  // An address in the URI makes the look-up needless.
  const uri = `doozer:?cn=other&ca=${node.addr}`;
  using direct = await connect(uri, { bootUri: "doozer:?ca=127.0.0.1:1" });
  assertEquals(await direct.self(), node.id);
  const error = await errorOf(connect("doozer:?cn=nobody", { bootUri }));
  const wanted = `The name service at ${names.addr} knows no node of "nobody"`;
  assertEquals([error.code, error.detail], ["UNAVAILABLE", wanted]);
});

Deno.test("connect() does not show the cluster's secret to the name service", async () => {
  await using names = await serveNode({ secrets: { rw: "of-the-names" } });
  await using node = await serveNode({ secrets: { rw: RW } });
  {
    using boot = await connect(names.uri, { secret: "of-the-names" });
    await boot.set("/ctl/ns/example/BBBB", node.addr);
  }
  // The name service would deny this secret.
  const options = { bootUri: names.uri, secret: RW };
  using client = await connect("doozer:?cn=example", options);
  assert(await client.set("/a", "") > 0);
});

Deno.test("connect() ends a name service's walk that is aborted", async () => {
  await using silent = serveScript(() => {});
  const bootUri = silent.uri;
  const signal = AbortSignal.timeout(20);
  const error = await errorOf(
    connect("doozer:?cn=example", { bootUri, timeoutMs: 40, signal }),
  );
  assertEquals(error.code, "UNAVAILABLE");
});

Deno.test("connect() gives up a server that never takes the secret", async () => {
  await using silent = serveScript(() => {});
  const options = { secret: "hush", timeoutMs: 20 };
  const error = await errorOf(connect(silent.uri, options));
  assertEquals(error.code, "UNAVAILABLE");
  assert(!error.message.includes("hush"));
});
