/**
 * Tests of abuse by quantity, beside a client that must notice nothing.
 *
 * @module
 */

import { assert } from "@std/assert";
import { type NodeProcess, startNodeProcess } from "./node_process.ts";
import { Witness } from "./witness.ts";

const RSS_MIB_MAX = 300;
/** A test that hangs must fail instead; none comes near. */
const HANG_MS = 120_000;

/** Runs an abuse beside a witness that checks before and after it. */
export function testOverload(
  name: string,
  abuse: (node: NodeProcess, witness: Witness) => Promise<void>,
): void {
  const fn = async (): Promise<void> => {
    await using node = await startNodeProcess();
    using witness = await Witness.connect(node.addr);
    await abuse(node, witness);
    await witness.check();
    assertSmall(node);
  };
  Deno.test({ name: `overload: ${name}`, timeout: HANG_MS, fn });
}

/** The node holds no more memory than any abuse may make it hold. */
export function assertSmall(node: NodeProcess): void {
  if (Deno.build.os !== "linux") return;
  // Deno itself opens /proc only with every permission.
  const args = [`/proc/${node.pid}/status`];
  const { stdout } = new Deno.Command("cat", { args }).outputSync();
  const status = new TextDecoder().decode(stdout);
  const kib = Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]);
  assert(
    kib > 0 && kib < RSS_MIB_MAX << 10,
    `The node's memory is ${kib >> 10} MiB; the limit is ${RSS_MIB_MAX} MiB`,
  );
}
