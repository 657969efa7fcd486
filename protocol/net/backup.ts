/**
 * Pulls a backup out of a server, piece by piece.
 *
 * @module
 */
import {
  BACKUP_FLAGS,
  type ClientAsk as Ask,
  type ClientResponse,
} from "../mod.ts";
import { READ_WAYS } from "../mod.ts";
import { DoozerError, type Rev } from "../../store/mod.ts";
import type { Asking, AskOptions } from "./asking.ts";

/** How a backup is made. */
export interface BackupOptions extends AskOptions {
  /**
   * Whether this server's copy will do as it is, which may be behind; else all
   * writes that were acknowledged anywhere before are in the backup, and that
   * takes a quorum.
   */
  readonly local?: boolean;
  /** The history that is meant, where it is not that of `connect`. */
  readonly lineage?: string;
}

/** A piece of a backup. */
export interface BackupPiece {
  /** To be kept, in order. */
  readonly bytes: Uint8Array;
  /** Whether the backup is whole with it. */
  readonly last: boolean;
  /** The rev of which the whole is; the same in every piece. */
  readonly rev: Rev;
}

/** So many pieces are asked for at once, so that a long way costs less. */
const PIECES_AHEAD = 4;

/** The pieces in order, up to the last one. */
export async function* pullBackup(
  asking: Asking,
  options: BackupOptions,
): AsyncGenerator<BackupPiece, void, void> {
  const { local = false, lineage } = options;
  const meant: Ask = lineage === undefined ? {} : { lineage };
  const way: Ask = local ? meant : { ...meant, read: READ_WAYS.linearizable };
  const ask = async (index: number, fields: Ask): Promise<BackupPiece> => {
    // The server keeps it for this connection: another has no part of it.
    const request = {
      verb: "BACKUP",
      ask: { ...fields, offset: index },
    } as const;
    return pieceIn(await asking.ask({ ...request, once: true }, options));
  };
  // The others are asked for when it is open: they would overtake this one.
  const first = await ask(0, way);
  yield first;
  if (first.last) return;
  const ahead: Promise<BackupPiece>[] = [];
  try {
    for (let index = 1;; index++) {
      const asked = ask(index, meant);
      asked.catch(() => {}); // Thrown when its turn comes, if it does.
      ahead.push(asked);
      if (ahead.length < PIECES_AHEAD) continue;
      const piece = await ahead.shift()!;
      if (piece.rev !== first.rev) throw mixed(first, piece);
      yield piece;
      if (piece.last) return;
    }
  } finally {
    // What was asked beyond the last piece is answered: there is no more.
    await Promise.allSettled(ahead);
  }
}

function pieceIn({ flags, rev, value }: ClientResponse): BackupPiece {
  if (rev === undefined || value === undefined) {
    throw new DoozerError("OTHER", "The server's answer lacks a field");
  }
  return { bytes: value, last: flags === BACKUP_FLAGS.last, rev };
}

function mixed(first: BackupPiece, piece: BackupPiece): DoozerError {
  const is = `A piece of the backup is of rev ${piece.rev}`;
  return new DoozerError("OTHER", `${is}, the first one of ${first.rev}`);
}
