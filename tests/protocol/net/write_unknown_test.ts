/**
 * A write that may have taken effect goes on until its time is over.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { Proxy } from "./proxy.ts";
import { type FakeNode, serveFake } from "./servers.ts";
import { connectTo } from "./ways.ts";

/** Orders at once what it is asked to. */
function settleAtOnce({ backend }: FakeNode): void {
  const { proposeOnce, openSession } = backend;
  backend.proposeOnce = (...order) => {
    proposeOnce.apply(backend, order);
    queueMicrotask(() => backend.settle());
  };
  backend.openSession = (...order) => {
    openSession.apply(backend, order);
    queueMicrotask(() => backend.settle());
  };
}

Deno.test("a write that may have taken effect goes on until its time is over", async () => {
  using lost = await serveFake();
  using other = await serveFake();
  settleAtOnce(lost);
  settleAtOnce(other);
  await using first = new Proxy(lost.addr);
  await using second = new Proxy(other.addr);
  using client = await connectTo([first.addr, second.addr]);
  // It knows the session, as a node of the cluster would.
  other.backend.openSession("", { settled() {} });
  first.loseAnswer("SET");
  // It has just started: it refuses, more often than there are servers.
  let refusals = 0;
  other.backend.isOpen = false;
  second.onAnswer = ({ verb }) => {
    if (verb === "SET" && ++refusals === 3) other.backend.isOpen = true;
    return "pass";
  };
  assertEquals(await client.set("/a", "1"), 1);
  assertEquals(refusals, 4);
});
