/**
 * What a server says to HELLO.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { EXTENSIONS } from "../../protocol/mod.ts";
import { FakeBackend, FakeClient, STATUS } from "./fake_backend.ts";

function hello(client: FakeClient): unknown {
  const [answer, ...others] = client.ask({ tag: 3, verb: "HELLO" });
  assertEquals([answer?.tag, others], [3, []]);
  return JSON.parse(new TextDecoder().decode(answer?.value));
}

const ALL = {
  id: STATUS.id,
  lineage: STATUS.lineage,
  version: "0.1.0",
  cluster: "local",
  rev: 1,
  extensions: ["watch", "session", "list"],
};

Deno.test("HELLO tells who the server is, and what it can", () => {
  const backend = new FakeBackend();
  backend.write("/a");
  assertEquals(hello(new FakeClient(backend)), ALL);
  assertEquals([...EXTENSIONS], ALL.extensions);
});

Deno.test("HELLO is answered by a node without state", () => {
  const backend = new FakeBackend();
  backend.isOpen = false;
  backend.lineage = "";
  const wanted = { ...ALL, lineage: "", rev: 0 };
  assertEquals(hello(new FakeClient(backend)), wanted);
});

Deno.test("HELLO names history and cluster to those only who may read", () => {
  const backend = new FakeBackend();
  backend.write("/a");
  const client = new FakeClient(backend, { secrets: { rw: "w", ro: "r" } });
  assertEquals(hello(client), { ...ALL, lineage: "", cluster: "" });
  client.ask({ verb: "ACCESS", value: "r" });
  assertEquals(hello(client), ALL);
});
