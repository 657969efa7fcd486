/**
 * `recover` does nothing that is not confirmed, and asks the right node.
 *
 * @module
 */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { confirms } from "../../cli/confirm.ts";
import { STATUS } from "../protocol/fake_backend.ts";
import { type FakeNode, serveFake } from "../protocol/net/servers.ts";
import { type FakeOptions, runFake } from "./fake_io.ts";

function recover(
  node: FakeNode,
  { args = [], ...options }: FakeOptions & { args?: string[] } = {},
): ReturnType<typeof runFake> {
  return runFake(["recover", node.addr, ...args], options);
}

Deno.test("confirms() takes yes, or enough of the id", () => {
  const rows: [string, boolean][] = [
    ["yes", true],
    ["LKVN", true],
    ["lkvnv", true],
    [STATUS.id, true],
    ["LKV", false],
    ["", false],
    ["y", false],
    ["no", false],
    ["KVNV", false],
    [`${STATUS.id}X`, false],
  ];
  for (const [answer, wanted] of rows) {
    assertEquals(confirms(answer, STATUS.id), wanted, answer);
  }
});

Deno.test("recover asks on a terminal, naming the node and the lost", async () => {
  using node = await serveFake();
  const lost = { ...STATUS.members[0]!, id: "GONE", reachable: false };
  node.backend.told = { ...STATUS, members: [...STATUS.members, lost] };
  const terminal = { inputIsTerminal: true };
  const no = await recover(node, { ...terminal, stdin: "no\n" });
  assertEquals([no.status, no.stdout, node.backend.recovered], [2, "", 0]);
  assertStringIncludes(no.stderr, `node ${STATUS.id} at 127.0.0.1:8046 of`);
  assertStringIncludes(no.stderr, "  GONE at 127.0.0.1:8046\n");
  assertStringIncludes(no.stderr, "not confirmed: nothing was done");
  const yes = await recover(node, { ...terminal, stdin: "lkvn\n" });
  assertEquals([yes.status, node.backend.recovered], [0, 1]);
  assertStringIncludes(yes.stdout, `The node ${STATUS.id} goes on alone`);
});

Deno.test("recover without a terminal needs --yes", async () => {
  using node = await serveFake();
  const without = await recover(node, { stdin: "yes\n" });
  assertEquals([without.status, node.backend.recovered], [127, 0]);
  assertStringIncludes(without.stderr, "--yes");
  const args = ["--yes", "-o", "json"];
  const { status, stdout, stderr } = await recover(node, { args });
  assertEquals([status, stderr, node.backend.recovered], [0, "", 1]);
  const { id, addr } = STATUS;
  assertEquals(JSON.parse(stdout), { recovered: true, id, addr });
});

Deno.test("recover tells why the node refuses", async () => {
  using node = await serveFake();
  node.backend.recovery = { code: "OTHER", detail: "It hears the leader ABC" };
  const run = await recover(node, { args: ["--yes"] });
  assertEquals([run.status, run.stdout], [2, ""]);
  assertStringIncludes(run.stderr, "doozer: It hears the leader ABC");
});

Deno.test("recover takes the secret, but not the address, of the URI", async () => {
  const secrets = { rw: "a+b&c", ro: "ro" };
  using node = await serveFake({ secrets });
  const uri = (secret: string) => `doozer:?ca=127.0.0.1:1&sk=${secret}`;
  const run = (secret: string) =>
    recover(node, { args: ["--yes"], env: { DOOZER_URI: uri(secret) } });
  assertEquals((await run("ro")).status, 4);
  assertEquals((await run("a%2Bb%26c")).status, 0);
  assertEquals(node.backend.recovered, 1);
  const bad = await runFake(["recover", "--yes", "no:such:address"]);
  assertEquals(bad.status, 2);
  assertStringIncludes(bad.stderr, "Cannot read the address");
});
