/**
 * A cluster's entries in its name service.
 *
 * @module
 */

import { assertEquals, assertRejects } from "@std/assert";
import { NameService } from "../../cli/name_service.ts";
import type { RunningNode } from "../../cli/start.ts";
import {
  type Client,
  connect,
  DoozerError,
  type NodeStatus,
} from "../../protocol/net/connect.ts";
import { startLocal } from "./local_node.ts";

/** A node of the cluster, as far as the name service asks it. */
interface FakeNode {
  readonly id: string;
  role: NodeStatus["role"];
  members: readonly string[];
  readonly durable?: boolean;
}

/** Uses a name service that is there. */
async function withService(
  use: (of: (node: FakeNode) => NameService, client: Client) => Promise<void>,
): Promise<void> {
  const running: RunningNode = await startLocal();
  const uri = `doozer:?ca=${running.addr}`;
  try {
    using client = await connect(uri);
    await use((node) => serviceOf(node, uri), client);
  } finally {
    await running.stop();
  }
}

function serviceOf(node: FakeNode, uri: string): NameService {
  const status = () => {
    const members = node.members.map((id) => ({ id }));
    const { role, durable = false } = node;
    return { role, durable, members } as unknown as NodeStatus;
  };
  return new NameService({
    uri,
    name: "web",
    node: { id: node.id, status },
    addr: `${node.id}:1`,
    log: { debug() {}, info() {}, warn() {}, error() {} },
  });
}

async function filesOf(client: Client): Promise<Record<string, string>> {
  const files: Record<string, string> = {};
  for (const glob of ["/ctl/boot/web", "/ctl/ns/web/*"]) {
    for await (const { path, value } of client.walk(glob)) {
      files[path] = new TextDecoder().decode(value);
    }
  }
  return files;
}

Deno.test("one wins, each node registers, whoever goes leaves nothing", () =>
  withService(async (of, client) => {
    const a: FakeNode = { id: "A", role: "leader", members: ["A", "B"] };
    const b: FakeNode = { id: "B", role: "follower", members: ["A", "B"] };
    const [forA, forB] = [of(a), of(b)];
    assertEquals([await forA.won(), await forB.won()], [true, false]);
    await Promise.all([forA.keepRegistered(), forB.keepRegistered()]);
    assertEquals((await forA.addresses()).toSorted(), ["A:1", "B:1"]);
    await forA.leave();
    const left = { "/ctl/boot/web": "A", "/ctl/ns/web/B": "B:1" };
    assertEquals(await filesOf(client), left);
    // The last one takes the cluster along, which was in memory.
    b.members = ["B"];
    await forB.leave();
    assertEquals(await filesOf(client), {});
  }));

Deno.test("a durable cluster keeps its name when its last node stops", () =>
  withService(async (of, client) => {
    const a: FakeNode = {
      id: "A",
      role: "leader",
      members: ["A"],
      durable: true,
    };
    const forA = of(a);
    await forA.won();
    await forA.keepRegistered();
    await forA.leave();
    assertEquals(await filesOf(client), { "/ctl/boot/web": "A" });
  }));

Deno.test("the leader removes entries of nodes that are gone", () =>
  withService(async (of, client) => {
    await client.set("/ctl/ns/web/DEAD", "dead:1");
    const b: FakeNode = { id: "B", role: "follower", members: ["A", "B"] };
    const forB = of(b);
    await forB.keepRegistered();
    assertEquals((await forB.addresses()).toSorted(), ["B:1", "dead:1"]);
    const a: FakeNode = { id: "A", role: "leader", members: ["A", "B"] };
    const forA = of(a);
    await forA.keepRegistered();
    assertEquals((await forA.addresses()).toSorted(), ["A:1", "B:1"]);
    await Promise.all([forA.leave(), forB.leave()]);
  }));

Deno.test("a name service that is away is no reason to stop", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const uri = `doozer:?ca=127.0.0.1:${listener.addr.port}`;
  listener.close();
  const service = serviceOf({ id: "A", role: "leader", members: ["A"] }, uri);
  await service.keepRegistered();
  await service.leave();
  // Whoever begins needs it.
  await assertRejects(() => service.addresses(), DoozerError);
});
