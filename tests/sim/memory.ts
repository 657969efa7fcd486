/**
 * What a process does with what it finds on its disk: the same as cli/memory.ts
 * does with a data directory, which the simulator cannot use because that one
 * touches a real disk.
 *
 * @module
 */
import type { Disk, Found } from "../../consensus/mod.ts";
import { readContacts, readDirectory } from "../../consensus/mod.ts";
import type { NodeId } from "../../protocol/mod.ts";

/** A node that cannot go on under its id, and who can help. */
export interface Lost {
  /** Its id; "" where that is not known. */
  readonly id: NodeId | "";
  /** Addresses of the other cals. */
  readonly contacts: readonly string[];
}

/** How a process begins. */
export type Memory =
  | { readonly how: "resume"; readonly found: Found }
  | { readonly how: "blank" }
  | { readonly how: "repair"; readonly lost: Lost }
  /** It says what is wrong, and leaves all as it is. */
  | { readonly how: "stops"; readonly why: string };

/** What is read, and what is to be done first. */
export type Reading =
  | { readonly first: "nothing"; readonly memory: Memory }
  | { readonly first: "discard"; readonly found: Found }
  | { readonly first: "set aside"; readonly found: Found; readonly lost: Lost };

/** Reads a directory; `others` are addresses that an operator has named. */
export function readMemory(disk: Disk, others: readonly string[]): Reading {
  const found = readDirectory(disk);
  if (found === undefined) {
    return { first: "nothing", memory: withoutState(disk) };
  }
  const { damage, header } = found;
  if (damage !== undefined) {
    const contacts = found.alone || found.contacts.length > 0
      ? found.contacts
      : others;
    if (contacts.length > 0) {
      return { first: "set aside", found, lost: { id: header.node, contacts } };
    }
    const why = `${damage.file} at ${damage.offset}: ${damage.why}`;
    return { first: "nothing", memory: { how: "stops", why } };
  }
  return isWithoutState(found)
    ? { first: "discard", found }
    : { first: "nothing", memory: { how: "resume", found } };
}

/** It was stopped before it had a state, and so before it ever had a seat. */
function isWithoutState(found: Found): boolean {
  const { header: { founder }, applied, accepted } = found;
  return applied === 0 && (!founder || accepted.length === 0);
}

/** Files may be gone, or a repair was cut short: others may know more. */
function withoutState(disk: Disk): Memory {
  const { node: id = "", contacts = [] } = readContacts(disk) ?? {};
  return contacts.length === 0
    ? { how: "blank" }
    : { how: "repair", lost: { id, contacts } };
}
