/**
 * What a WATCH asks for: what is left out, and what cannot be.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import {
  type AskedWatch,
  askedWatchOf,
  WINDOW_MAX,
  wrongWindow,
} from "../../protocol/asked_watch.ts";
import { type ClientRequest, emptyRequest } from "../../protocol/mod.ts";
import { WANTS, WANTS_KNOWN } from "../../protocol/request.ts";
import { compileGlob, LIMITS, type Refusal } from "../../store/mod.ts";

const GLOB = compileGlob("/**");
const ALL = ["set", "del", "nop"] as const;

function asked(fields: Partial<ClientRequest>): AskedWatch | Refusal {
  const request = { ...emptyRequest(), ...fields };
  return askedWatchOf(request, { glob: GLOB, rev: 7 });
}

Deno.test("askedWatchOf() knows what is meant where a field is absent", () => {
  const plain: AskedWatch = {
    glob: GLOB,
    from: 8,
    kinds: ALL,
    previous: false,
    window: undefined,
    progressMs: undefined,
    want: 0,
  };
  const least = LIMITS.progressMs;
  const rows: [Partial<ClientRequest>, Partial<AskedWatch>][] = [
    [{}, {}],
    [{ rev: 3 }, { from: 3 }],
    [{ rev: 99 }, { from: 99 }],
    [{ rev: 0 }, { from: 1 }],
    [{ rev: -5 }, { from: 1 }],
    [{ window: 1 }, { window: 1 }],
    [{ window: WINDOW_MAX }, { window: WINDOW_MAX }],
    [{ progress: least + 1 }, { progressMs: least + 1 }],
    [{ progress: least - 1 }, { progressMs: least }],
    [{ progress: 0 }, { progressMs: least }],
    [{ progress: -9 }, { progressMs: least }],
    [{ want: 7 }, { want: 7, previous: true }],
    [{ want: WANTS.previous }, { want: WANTS.previous, previous: true }],
    [{ want: WANTS.stamp }, { want: WANTS.stamp }],
    [{ want: WANTS.noSet }, { want: 8, kinds: ["del", "nop"] }],
    [{ want: WANTS.noDel }, { want: 16, kinds: ["set", "nop"] }],
    [{ want: WANTS.noNop }, { want: 32, kinds: ["set", "del"] }],
    [{ want: WANTS_KNOWN }, { want: 63, kinds: [], previous: true }],
  ];
  for (const [fields, wanted] of rows) {
    const label = JSON.stringify(fields);
    assertEquals(asked(fields), { ...plain, ...wanted }, label);
  }
});

Deno.test("askedWatchOf() refuses what it does not know", () => {
  const most = Number.MAX_SAFE_INTEGER;
  for (const window of [0, -1, WINDOW_MAX + 1, most, -most]) {
    const detail = `Cannot allow ${window} bytes: field 20 (window) is from ` +
      "1 to 2147483648";
    assertEquals(asked({ window }), { code: "OTHER", detail });
    assertEquals(wrongWindow(window), { code: "OTHER", detail });
  }
  for (const want of [64, 127, -1, 2 ** 32 + 1, most]) {
    const detail = `Cannot watch with want ${want}: field 22 (want) has bits ` +
      "from 0 to 63";
    assertEquals(asked({ want }), { code: "OTHER", detail });
  }
});
