/**
 * Where a command asks: flags before environment before the default.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { findTarget } from "../../cli/ask.ts";
import { Flags } from "../../cli/flags.ts";
import { FakeIo } from "./fake_io.ts";

const HERE = "doozer:?ca=127.0.0.1:8046";
const A = "doozer:?ca=a:1";
const B = "doozer:?ca=b:1";

interface Row {
  readonly does: string;
  readonly flags?: Record<string, unknown>;
  readonly env?: Record<string, string>;
  readonly uri: string;
  readonly options?: Record<string, unknown>;
  readonly secret?: { readonly text?: string; readonly from: string };
}

const ROWS: readonly Row[] = [
  { does: "default", uri: HERE },
  { does: "environment", env: { DOOZER_URI: A }, uri: A },
  { does: "flag first", flags: { uri: B }, env: { DOOZER_URI: A }, uri: B },
  {
    does: "name service",
    env: { DOOZER_BOOT_URI: A },
    uri: HERE,
    options: { bootUri: A },
  },
  {
    does: "name service by flag",
    flags: { "boot-uri": B },
    env: { DOOZER_BOOT_URI: A },
    uri: HERE,
    options: { bootUri: B },
  },
  {
    does: "secret for reading",
    env: { DOOZER_ROSECRET: "ro" },
    uri: HERE,
    secret: { text: "ro", from: "DOOZER_ROSECRET" },
  },
  {
    does: "secret for writing first",
    env: { DOOZER_ROSECRET: "ro", DOOZER_RWSECRET: "rw" },
    uri: HERE,
    secret: { text: "rw", from: "DOOZER_RWSECRET" },
  },
  {
    does: "the URI's own secret first",
    flags: { uri: `${A}&sk=own` },
    env: { DOOZER_RWSECRET: "rw" },
    uri: `${A}&sk=own`,
    secret: { from: 'the URI ("sk")' },
  },
  {
    does: "addresses",
    flags: { uri: ["a:1,b", "c:2"] },
    uri: "doozer:?ca=a:1&ca=b:8046&ca=c:2",
  },
  {
    does: "addresses in the environment",
    env: { DOOZER_URI: "a:1,b:2" },
    uri: "doozer:?ca=a:1&ca=b:2",
  },
  { does: "TLS", flags: { tls: true }, uri: `${HERE}&tls=true` },
];

Deno.test("findTarget() reads flags and environment", async (t) => {
  for (const { does, flags = {}, env = {}, ...wanted } of ROWS) {
    await t.step(does, () => {
      const target = findTarget(new Flags(flags), new FakeIo({ env }));
      const { uri, options = {}, secret } = wanted;
      assertEquals(target, { uri, options, secret });
    });
  }
});
