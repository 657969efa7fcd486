/**
 * A write on its way: its asker is told once, and its body stays as it was.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import type { Line } from "../../../protocol/client/line.ts";
import {
  whyUnfitWrite,
  WriteCommand,
} from "../../../protocol/client/write_command.ts";
import type { WriteOrder } from "../../../protocol/client/write_command.ts";
import { DoozerError, LIMITS } from "../../../store/mod.ts";

function newCommand(): { command: WriteCommand; told: string[] } {
  const told: string[] = [];
  const value = Uint8Array.of(1);
  const ask = { path: "/a", rev: -1, value };
  const order = { verb: "SET", ask, timeoutMs: 0 } as const;
  const command = new WriteCommand(order, {
    deadline: Infinity,
    asker: {
      written: (rev) => told.push(`rev ${rev}`),
      failed: ({ code }) => told.push(code),
    },
  });
  value[0] = 2;
  return { command, told };
}

Deno.test("WriteCommand tells its asker once, whatever comes later", () => {
  const acts: readonly [string, (command: WriteCommand) => void][] = [
    ["rev 3", (command) => command.succeed(3)],
    ["rev undefined", (command) => command.succeed(undefined)],
    ["ISDIR", (command) => command.fail(new DoozerError("ISDIR", "is one"))],
    ["UNKNOWN", (command) => command.failUnknown("lost")],
  ];
  for (const [first, act] of acts) {
    const { command, told } = newCommand();
    act(command);
    for (const [, again] of acts) again(command);
    assertEquals(told, [first]);
  }
});

Deno.test("WriteCommand keeps a body of its own", () => {
  assertEquals(newCommand().command.ask.value, Uint8Array.of(1));
});

Deno.test("a command is unsure when it is, or was, on a line", () => {
  const { command } = newCommand();
  assertEquals(command.isUnsure, false);
  command.line = {} as Line;
  assertEquals(command.isUnsure, true);
  command.line = undefined;
  command.maybe = true;
  assertEquals(command.isUnsure, true);
});

Deno.test("whyUnfitWrite() finds what would never be ordered", () => {
  const cases: readonly [Pick<WriteOrder, "verb" | "ask">, string?][] = [
    [{ verb: "SET", ask: { path: "/a", rev: 0 } }],
    [{ verb: "NOP", ask: {} }],
    [{ verb: "DEL", ask: { path: "/a", rev: -1 } }],
    [{ verb: "SET", ask: { path: "a", rev: 0 } }, "BAD_PATH"],
    [{ verb: "DEL", ask: { rev: 0 } }, "BAD_PATH"],
    [{ verb: "SET", ask: { path: "/a", rev: 0.5 } }, "OTHER"],
    [{
      verb: "SET",
      ask: { path: "/a", value: new Uint8Array(LIMITS.valueBytes + 1) },
    }, "LIMIT"],
  ];
  for (const [order, code] of cases) {
    assertEquals(whyUnfitWrite({ ...order, timeoutMs: 0 })?.code, code);
  }
});
