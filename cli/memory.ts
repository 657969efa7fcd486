/**
 * What a node remembers: its data directory, and whether it can go on with it.
 *
 * An id names one unbroken memory. Where that is lost or damaged the node
 * takes a new id, copies the state of the others, and asks for the seat of the
 * old one; where there are no others it stops, and says what is wrong.
 *
 * @module
 */
import { type Disk, type Found, readContacts } from "../consensus/mod.ts";
import { readDirectory } from "../consensus/mod.ts";
import type { NodeId } from "../protocol/mod.ts";
import type { Log } from "../protocol/net/mod.ts";
import { DoozerError } from "../store/mod.ts";
import type { DataDirectory } from "./data_directory.ts";
import { AdvisedError } from "./failure.ts";
import { unusable } from "./file_failure.ts";

/** A node that cannot go on under its id, and who can help. */
export interface Lost {
  /** Its id; "" where that is not known. */
  readonly id: NodeId | "";
  /** Addresses of the other cals. */
  readonly contacts: readonly string[];
}

/** How a durable node begins. */
export type Memory =
  /** With what it remembers. */
  | { readonly how: "resume"; readonly found: Found }
  /** As a node that was never there before. */
  | { readonly how: "blank" }
  /** In place of another, which it was. */
  | { readonly how: "repair"; readonly lost: Lost };

/**
 * Reads the directory, and sets aside what cannot be used.
 *
 * @throws {AdvisedError} where there is damage and nobody to help.
 */
export function readMemory(
  directory: DataDirectory,
  { others, clusterName, log }: {
    /** Addresses of nodes that the operator has named. */
    others: readonly string[];
    clusterName?: string | undefined;
    log: Log;
  },
): Memory {
  const found = readWhatIsThere(directory);
  if (found === undefined) return withoutState(directory);
  const { damage, torn, header } = found;
  const { cluster } = header;
  if (cluster !== "" && cluster !== (clusterName ?? cluster)) {
    throw otherCluster(directory.path, { cluster, clusterName });
  }
  if (damage !== undefined) {
    // Where it was alone, an address that it was given once helps nobody.
    const contacts = found.alone || found.contacts.length > 0
      ? found.contacts
      : others;
    if (contacts.length === 0) throw damaged(directory.path, found);
    const aside = directory.setAside();
    log.error(
      "The data directory is damaged: {file} at byte {offset}: {why}. Node " +
        "{id} is given up, its files are in {aside}; the state is copied " +
        "from {contacts}",
      { ...damage, id: header.node, aside, contacts: contacts.join(", ") },
    );
    return { how: "repair", lost: { id: header.node, contacts } };
  }
  if (isWithoutState(found)) {
    directory.discard();
    return withoutState(directory);
  }
  if (torn !== undefined) {
    log.warn(
      "The last write to {file} is not whole, from byte {offset} on, as after " +
        "a loss of power while it was written: {bytes} bytes are cut off",
      { ...torn },
    );
  }
  return { how: "resume", found };
}

/**
 * Says that a node's memory is an old one, and who has a newer.
 *
 * @throws {AdvisedError} where nobody could bring it up to date.
 */
export function tellOutdated({ id, contacts }: Lost, log: Log): void {
  const because = "others remember more of it than its data directory does, " +
    "as if that were an old copy";
  if (contacts.length === 0) {
    throw new AdvisedError("OTHER", `Cannot go on as node ${id}: ${because}`, {
      hint: "No other node has a vote. Put the newest directory back; or go " +
        'on from this one with "doozer recover --data DIR", which loses what ' +
        "came after",
    });
  }
  log.error("Node {id} is given up: {because}. It copies from {contacts}", {
    id,
    because,
    contacts: contacts.join(", "),
  });
}

/**
 * Reads a data directory.
 *
 * @throws {AdvisedError} where another version of the program has written it.
 */
export function readWhatIsThere(
  { disk, path }: { disk: Disk; path: string },
): Found | undefined {
  try {
    return readDirectory(disk);
  } catch (error) {
    const isVersion = error instanceof DoozerError &&
      !(error instanceof AdvisedError);
    if (!isVersion) throw error;
    throw new AdvisedError(error.code, unusable(path, error.detail), {
      hint:
        "Nothing was changed: use the program that wrote it, or a newer one",
      cause: error,
    });
  }
}

/** It was stopped before it had a state, and so before it ever had a seat. */
function isWithoutState(found: Found): boolean {
  const { header: { founder }, applied, accepted } = found;
  if (applied > 0) return false;
  // What a founder has accepted may be acknowledged, unlike that of others:
  // they have no vote before they have a durable state.
  return !founder || accepted.length === 0;
}

/** Files may be gone, or a repair was cut short: others may know more. */
function withoutState({ disk }: DataDirectory): Memory {
  const { node: id = "", contacts = [] } = readContacts(disk) ?? {};
  return contacts.length === 0
    ? { how: "blank" }
    : { how: "repair", lost: { id, contacts } };
}

function otherCluster(
  path: string,
  { cluster, clusterName }: {
    cluster: string;
    clusterName?: string | undefined;
  },
): AdvisedError {
  const because = `it is of the cluster "${cluster}", not "${clusterName}"`;
  return new AdvisedError("OTHER", unusable(path, because), {
    hint: "Leave -c out to go on, or name another directory with --data",
  });
}

function damaged(path: string, { damage, applied }: Found): AdvisedError {
  const { file, offset, why } = damage!;
  return new AdvisedError(
    "OTHER",
    `Cannot use the data directory "${path}": ${file} is damaged at byte ` +
      `${offset}: ${why}. No other node is known to copy the state from`,
    {
      hint:
        `Restore a backup with "doozer restore FILE --data DIR"; or go on ` +
        `from before the damage (slot ${applied}) with "doozer recover ` +
        `--data ${path}", which loses what came after; or, where other nodes ` +
        "have the state, name one with -a",
    },
  );
}
