/**
 * The lines of members: their order, and their columns.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { alignColumns, memberRow, sortMembers } from "../../cli/member_rows.ts";
import type { MemberStatus } from "../../protocol/net/mod.ts";

function member(id: string, fields: Partial<MemberStatus> = {}): MemberStatus {
  return {
    id,
    addr: `${id.toLowerCase()}:1`,
    hostname: "h",
    version: "0.1.0",
    seat: null,
    leader: false,
    reachable: true,
    ...fields,
  };
}

Deno.test("sortMembers() puts seats first, by their numbers", () => {
  const members = [
    member("D"),
    member("A", { seat: "x" }),
    member("B", { seat: "10" }),
    member("C"),
    member("E", { seat: "2" }),
    member("F", { seat: "02" }),
  ];
  const ids = sortMembers(members).map(({ id }) => id).join("");
  assertEquals(ids, "FEBACD");
});

Deno.test("memberRow() names the role", () => {
  const rows = [
    member("A", { seat: "0", leader: true }),
    member("B", { seat: "1", reachable: false }),
    member("C"),
  ].map(memberRow);
  assertEquals(rows, [
    ["0", "A", "a:1", "leader", "reachable"],
    ["1", "B", "b:1", "cal", "unreachable"],
    ["-", "C", "c:1", "observer", "reachable"],
  ]);
});

Deno.test("alignColumns() makes columns as wide as they need", () => {
  assertEquals(alignColumns([]), []);
  const rows = [["a", "bb", ""], ["ccc"], ["d", "e", "f"]];
  assertEquals(alignColumns(rows), ["a    bb", "ccc", "d    e   f"]);
});
