/**
 * Who may do what: every right, with every grant, under every set of secrets.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import {
  Access,
  ANONYMOUS,
  encodeText,
  type Grant,
  type Right,
  type Secrets,
} from "../../protocol/mod.ts";

const RW = "write-secret";
const RO = "read-secret";

const NONE: Grant = { read: false, write: false };
const READ: Grant = { read: true, write: false };
const BOTH: Grant = { read: true, write: true };

const OPEN: Secrets = {};
const RW_ONLY: Secrets = { rw: RW };
const RO_ONLY: Secrets = { ro: RO };
const TWO: Secrets = { rw: RW, ro: RO };
const SAME: Secrets = { rw: RW, ro: RW };

Deno.test("Access.allows() decides by the secrets and the grant", () => {
  const rows: [Secrets, Grant, read: boolean, write: boolean][] = [
    [OPEN, NONE, true, true],
    [OPEN, READ, true, true],
    [OPEN, BOTH, true, true],
    [RW_ONLY, NONE, true, false],
    [RW_ONLY, READ, true, false],
    [RW_ONLY, BOTH, true, true],
    [RO_ONLY, NONE, false, false],
    [RO_ONLY, READ, true, false],
    [TWO, NONE, false, false],
    [TWO, READ, true, false],
    [TWO, BOTH, true, true],
    [SAME, NONE, false, false],
    [SAME, BOTH, true, true],
  ];
  for (const [secrets, grant, read, write] of rows) {
    const access = new Access(secrets);
    const label = JSON.stringify({ secrets, grant });
    assertEquals(access.allows(grant, "none"), true, label);
    assertEquals(access.allows(grant, "read"), read, label);
    assertEquals(access.allows(grant, "read all"), read, label);
    assertEquals(access.allows(grant, "write"), write, label);
    // What nobody has thought of is nobody's right.
    assertEquals(access.allows(grant, "admin" as Right), false, label);
  }
});

Deno.test("Access.grantFor() knows the secrets, and no others", () => {
  const rows: [Secrets, given: string, Grant | undefined][] = [
    [OPEN, "", NONE],
    [OPEN, "x", undefined],
    [RW_ONLY, RW, BOTH],
    [RW_ONLY, RO, undefined],
    [RW_ONLY, "", undefined],
    [RO_ONLY, RO, READ],
    [RO_ONLY, RW, undefined],
    [RO_ONLY, "", undefined],
    [TWO, RW, BOTH],
    [TWO, RO, READ],
    [TWO, "", undefined],
    [SAME, RW, BOTH],
    [TWO, RW + "x", undefined],
    [TWO, RW.slice(0, -1), undefined],
    [TWO, "x" + RW.slice(1), undefined],
    [TWO, RW.slice(0, -1) + "x", undefined],
    [TWO, RW + RW, undefined],
    [TWO, RW + "\0", undefined],
    [{ rw: "ü", ro: "世" }, "世", READ],
    [{ rw: "ü", ro: "世" }, "ü", BOTH],
  ];
  for (const [secrets, given, grant] of rows) {
    const access = new Access(secrets);
    const label = JSON.stringify({ secrets, given });
    assertEquals(access.grantFor(NONE, encodeText(given)), grant, label);
  }
});

Deno.test("Access.grantFor() never takes a right away", () => {
  const access = new Access(TWO);
  assertEquals(access.grantFor(BOTH, encodeText(RO)), BOTH);
  assertEquals(access.grantFor(BOTH, encodeText(RW)), BOTH);
  assertEquals(access.grantFor(READ, encodeText(RO)), READ);
  assertEquals(access.grantFor(READ, encodeText(RW)), BOTH);
  assertEquals(new Access(OPEN).grantFor(READ, encodeText("")), READ);
});

Deno.test("Access takes an empty secret for none", () => {
  for (const secrets of [{ rw: "" }, { ro: "" }, { rw: "", ro: "" }]) {
    const access = new Access(secrets);
    assertEquals(access.allows(ANONYMOUS, "read"), true);
    assertEquals(access.allows(ANONYMOUS, "write"), true);
  }
  const access = new Access({ rw: "", ro: RO });
  assertEquals(access.grantFor(NONE, encodeText("")), undefined);
  assertEquals(access.allows(READ, "write"), false);
});

Deno.test("Access compares bytes, not text made of them", () => {
  const access = new Access({ rw: "\ufffd" });
  // A byte that is no UTF-8 would be the same text.
  assertEquals(access.grantFor(NONE, Uint8Array.of(0xff)), undefined);
  assertEquals(access.grantFor(NONE, encodeText("\ufffd")), BOTH);
});

Deno.test("ANONYMOUS has earned nothing", () => {
  assertEquals(ANONYMOUS, NONE);
});
