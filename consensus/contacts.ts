/**
 * Contacts: whom to ask where nothing else on the disk can be read.
 *
 * A small file of its own, written anew whenever the other cals change. It is
 * a help and no more: nothing that must be right depends on it.
 *
 * @module
 */
import { CONTACTS_FILE, type DataFileHeader } from "../protocol/mod.ts";
import { encodeHeader, partOf } from "../protocol/mod.ts";
import type { Disk, DiskFailure } from "./disk.ts";
import type { Machine } from "./machine.ts";
import { addressesOf } from "./status.ts";

/** What contacts need of their surroundings. */
export interface ContactsOptions {
  readonly disk: Disk;
  readonly enqueue: (act: () => void) => void;
  readonly onBroken: (failure: DiskFailure) => void;
  readonly header: () => Omit<
    DataFileHeader,
    "kind" | "number" | "salt" | "firstBatch"
  >;
}

/** After so many ticks it is looked whether they have changed. */
const LOOK_TICKS = 10;

/** One node's file of contacts. */
export class Contacts {
  readonly #options: ContactsOptions;
  #written = "";
  #busy = false;

  constructor(options: ContactsOptions) {
    this.#options = options;
  }

  /** Time goes on: writes them down where they have changed. */
  tick(now: number): void {
    if (now % LOOK_TICKS !== 0 || this.#busy) return;
    const header = this.#options.header();
    // What was there before says whom to ask, as long as there is no state.
    if (header.cluster === "") return;
    const text = [header.lineage, ...header.contacts].join();
    if (text === this.#written) return;
    this.#busy = true;
    const { disk, enqueue, onBroken } = this.#options;
    const file = partOf(CONTACTS_FILE);
    const bytes = encodeHeader({
      ...header,
      kind: "contacts",
      number: 0,
      salt: new Uint8Array(8),
      firstBatch: 0,
    });
    const ops = [
      { type: "create", file },
      { type: "append", file, bytes },
      { type: "sync", file },
      { type: "rename", file, to: CONTACTS_FILE },
    ] as const;
    disk.perform("snapshot", {
      ops,
      done: (failure) =>
        enqueue(() => {
          this.#busy = false;
          if (failure === undefined) this.#written = text;
          else if (failure.kind === "broken") onBroken(failure);
        }),
    });
  }
}

/** The addresses of the other cals. */
export function contactsOf(machine: Machine, id: string): readonly string[] {
  const addresses = addressesOf(machine);
  const contacts: string[] = [];
  for (const [node, address] of addresses) {
    if (node !== id && machine.members.isCal(node)) contacts.push(address);
  }
  return contacts;
}
