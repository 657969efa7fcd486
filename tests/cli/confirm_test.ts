/**
 * Questions to the person at the terminal.
 *
 * @module
 */

import { assertEquals, assertRejects } from "@std/assert";
import { confirm } from "../../cli/confirm.ts";
import { UsageError } from "../../cli/usage_error.ts";
import { DoozerError } from "../../store/mod.ts";
import { FakeIo } from "./fake_io.ts";

const QUESTION = { text: "Sure? ", accepts: (text: string) => text === "yes" };

Deno.test("confirm() goes on after the right answer alone", async () => {
  for (const stdin of ["yes\n", " yes \r\nno\n", "yes"]) {
    const io = new FakeIo({ stdin, inputIsTerminal: true });
    await confirm(io, QUESTION);
    assertEquals(io.stderr, "Sure? ");
  }
  for (const stdin of ["", "\n", "no\nyes\n", "y\n", "x".repeat(5000)]) {
    const io = new FakeIo({ stdin, inputIsTerminal: true });
    const asked = confirm(io, QUESTION);
    const error = await assertRejects(() => asked, DoozerError);
    assertEquals(error.code, "OTHER", stdin);
  }
});

Deno.test("confirm() asks nobody who is not there", async () => {
  const io = new FakeIo({ stdin: "yes\n" });
  const asked = confirm(io, QUESTION);
  const error = await assertRejects(() => asked, UsageError);
  assertEquals([error.hint.includes("--yes"), io.stderr], [true, ""]);
});
