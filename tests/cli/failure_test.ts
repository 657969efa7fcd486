/**
 * What failures say.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { explain, hideSecrets, renderFailure } from "../../cli/failure.ts";
import { UsageError } from "../../cli/usage_error.ts";
import {
  AssertionError,
  DoozerError,
  ERROR_CODES,
  type ErrorCode,
} from "../../store/mod.ts";

Deno.test("explain() makes a sentence of a bare code", () => {
  const rows: readonly [ErrorCode, string, string][] = [
    ["ISDIR", "", 'Cannot get "/d": it is a directory'],
    ["ISDIR", ERROR_CODES.ISDIR, 'Cannot get "/d": it is a directory'],
    ["NOENT", "", 'Cannot get "/d": no such file or directory'],
    ["OTHER", "out of luck", 'Cannot get "/d": out of luck'],
    ["UNAVAILABLE", "Cannot connect to x:1", "Cannot connect to x:1"],
  ];
  for (const [code, detail, message] of rows) {
    const failure = explain(new DoozerError(code, detail), {
      deed: "get",
      path: "/d",
    });
    assertEquals(failure.message, message);
    assertEquals(failure.path, "/d");
  }
});

Deno.test("explain() has a reason for every code", () => {
  for (const code of Object.keys(ERROR_CODES) as ErrorCode[]) {
    const { message } = explain(new DoozerError(code, ""), { deed: "ask" });
    assert(/^Cannot ask: [a-z]/.test(message), message);
  }
});

Deno.test("explain() advises by what has become of the servers", () => {
  const rows: readonly [string, string][] = [
    ["No server can be reached: a:1: nothing listens there", "doozer serve"],
    [
      "No server can be reached: a:1: it has been silent for 2000 ms",
      "Is it a doozer node",
    ],
    [
      "No server can be reached: a:1: what it sends is no answer: bad",
      "Is it a doozer node",
    ],
    [
      "No server can be reached: a:1, b:2: no answer within the time-out",
      "Is it a doozer node",
    ],
    ["The answer to GET did not come: none came in 9 ms", "yet to come"],
    [
      "The answer to GET did not come: none came in 9 ms " +
      "(The connection to a:1 is lost)",
      "doozer serve",
    ],
    [
      "The answer to GET did not come: none came in 9 ms " +
      "(No server can be reached: a:1: it has been silent for 2000 ms)",
      "doozer serve",
    ],
  ];
  for (const [detail, advice] of rows) {
    const error = new DoozerError("UNAVAILABLE", detail);
    const { hint, exit } = explain(error, { deed: "get" });
    assertEquals(
      [hint.includes(advice), exit],
      [true, 5],
      `${detail}: ${hint}`,
    );
  }
});

Deno.test("explain() tells a fault of ours from an answer", () => {
  const failure = explain(new AssertionError("one is one"), { deed: "ask" });
  assertEquals([failure.error, failure.exit], ["BUG", 2]);
  assert(failure.message.includes("one is one"));
});

Deno.test("renderFailure() prints text or one line of JSON", () => {
  const usage = explain(new UsageError("Wrong", "Do right"), { deed: "ask" });
  assertEquals(
    renderFailure(usage, { json: false }),
    "doozer: Wrong\nDo right\n",
  );
  assertEquals(
    renderFailure(usage, { json: true }),
    '{"error":"USAGE","message":"Wrong","hint":"Do right","exit":127}\n',
  );
  const noent = explain(new DoozerError("NOENT", ""), { deed: "get" });
  assertEquals(
    renderFailure(noent, { json: false }),
    "doozer: [NOENT] Cannot get: no such file or directory\n",
  );
});

Deno.test("no secret of a URI gets into a message", () => {
  assertEquals(
    hideSecrets('Cannot read "doozer:?sk=abc&ca=x": no (sk=d/e+f)'),
    'Cannot read "doozer:?sk=...&ca=x": no (sk=...',
  );
  const error = new DoozerError("OTHER", "Bad URI doozer:?ca=x&sk=hush");
  const { message } = explain(error, { deed: "get" });
  assert(!message.includes("hush"), message);
});
