/**
 * How `members` and `status` show the nodes of a cluster.
 *
 * @module
 */

import type { MemberStatus } from "../protocol/net/mod.ts";

/** Seats first, in their order: 2 before 10; then observers. */
export function sortMembers(
  members: readonly MemberStatus[],
): MemberStatus[] {
  return members.toSorted((a, b) =>
    compareSeats(a.seat, b.seat) || compareTexts(a.id, b.id)
  );
}

function compareSeats(a: string | null, b: string | null): number {
  if (a === null || b === null) return Number(a === null) - Number(b === null);
  return seatNumber(a) - seatNumber(b) || compareTexts(a, b);
}

/** Names of seats are any; those that are no number come last. */
function seatNumber(name: string): number {
  return /^\d{1,15}$/.test(name) ? Number(name) : Number.MAX_SAFE_INTEGER;
}

function compareTexts(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The cells of a member's line. */
export function memberRow(member: MemberStatus): string[] {
  const { seat, id, addr, leader, reachable } = member;
  const role = leader ? "leader" : seat === null ? "observer" : "cal";
  const heard = reachable ? "reachable" : "unreachable";
  return [seat ?? "-", id, addr, role, heard];
}

/** Rows as lines, each column as wide as it needs. */
export function alignColumns(rows: readonly (readonly string[])[]): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [i, cell] of row.entries()) {
      widths[i] = Math.max(widths[i] ?? 0, cell.length);
    }
  }
  return rows.map((row) =>
    row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join("  ").trimEnd()
  );
}
