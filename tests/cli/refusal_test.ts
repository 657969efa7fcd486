/**
 * What is said of refused secrets and failed TLS connections.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { explain } from "../../cli/failure.ts";
import { adviseOnQuorum, adviseOnTls } from "../../cli/refusal.ts";
import { blameSecret, isDenied } from "../../cli/refusal.ts";
import { getCommand } from "../../cli/get.ts";
import { setCommand } from "../../cli/set.ts";
import { DoozerError } from "../../store/mod.ts";

Deno.test("blameSecret() names where the secret is from", () => {
  const denied = new DoozerError("DENIED", "");
  assert(isDenied(denied));
  const subject = { deed: "set", path: "/m" };
  const wrong = blameSecret(denied, { from: "DOOZER_RWSECRET", refused: true });
  assertEquals(
    explain(wrong, subject).message,
    'Cannot set "/m": the secret in DOOZER_RWSECRET is wrong',
  );
  const weak = explain(
    blameSecret(denied, { from: 'the URI ("sk")', refused: false }),
    subject,
  );
  assertEquals(
    weak.message,
    'Cannot set "/m": the secret in the URI ("sk") is not enough',
  );
  assertEquals(weak.exit, 4);
});

Deno.test("adviseOnTls() speaks of TLS only where a server was met", () => {
  const rows: readonly [string, boolean][] = [
    ["a:1: invalid peer certificate: UnknownIssuer", true],
    ["a:1: nothing listens there (connection refused)", false],
    ["a:1: nothing listens there (connection refused); b:1: bad", true],
    ["a:1: failed to lookup address information: Name not known", false],
  ];
  for (const [reasons, tls] of rows) {
    const detail = `No server can be reached: ${reasons}`;
    const error = adviseOnTls(new DoozerError("UNAVAILABLE", detail));
    const { hint, exit } = explain(error, { deed: "get" });
    assertEquals([hint.includes("--cacert"), exit], [tls, 5], reasons);
    assertEquals(hint.includes("doozer serve"), !tls, reasons);
  }
});

Deno.test("adviseOnQuorum() speaks where the server has none", () => {
  const rows: readonly [string, boolean][] = [
    ["No quorum answers (asked 127.0.0.1:1)", true],
    ["This node is at rev 1, the read asked for at least 4", true],
    ["No server can be reached: a:1: bad", false],
    ["The answer to GET did not come: none came in 7000 ms", false],
    ["The connection to a:1 is lost: the server ended it", false],
    ["GET was aborted before it began", false],
  ];
  for (const [detail, advised] of rows) {
    const error = new DoozerError("UNAVAILABLE", detail);
    const [read, write] = [getCommand, setCommand].map((command) =>
      explain(adviseOnQuorum(error, command), { deed: "ask" })
    );
    assertEquals(read?.hint.includes("--local"), advised, detail);
    assertEquals(write?.hint.includes("Nothing was done"), advised, detail);
    assertEquals([read?.exit, read?.message], [5, detail]);
  }
  const other = new DoozerError("UNKNOWN", "No quorum answers");
  assertEquals(adviseOnQuorum(other, getCommand), other);
});
