/**
 * Lists files in pieces, all of them as of one rev, as a client of the library
 * does it: what it gets must be all that there was.
 *
 * @module
 */
import type { ClientResponse } from "../../../protocol/mod.ts";
import { LIST_FLAGS, type ListEntry } from "../../../protocol/mod.ts";
import { compileGlob, type DoozerError, type Rev } from "../../../store/mod.ts";
import { checkFiles } from "../checkers/streams.ts";
import { fail } from "../violation.ts";
import type { ClientParts } from "./parts.ts";

/** What may come of a list: all files, or why not. */
export type ListDone = (
  files: readonly ListEntry[] | undefined,
  error?: DoozerError,
) => void;

interface Wish {
  /** For all of it, by the client's clock. */
  readonly timeoutMs: number;
  /** The list must be as of that rev, or a later one. */
  readonly floor?: Rev;
  readonly done: ListDone;
}

/** More than this is asked for again. */
const PIECE_ENTRIES = 100;

/** Lists files. */
export class Lister {
  readonly #client: ClientParts;

  constructor(client: ClientParts) {
    this.#client = client;
  }

  /** Lists the files of a glob. */
  list(glob: string, wish: Wish): void {
    const until = this.#client.now() + wish.timeoutMs;
    this.#ask({ glob, files: [], rev: undefined, until }, wish);
  }

  #ask(list: List, wish: Wish): void {
    const { core, now } = this.#client;
    const { glob, files, rev, until } = list;
    core.ask({
      verb: "WALK",
      ask: {
        path: glob,
        offset: files.length,
        limit: PIECE_ENTRIES,
        ...(rev === undefined ? {} : { rev }),
      },
      // 0 would be for ever.
      timeoutMs: Math.max(1, until - now()),
    }, {
      answered: (response) => this.#answered(list, { response, wish }),
      failed: (error) => this.#failed(error, wish),
    });
  }

  #answered(
    list: List,
    { response, wish }: { response: ClientResponse; wish: Wish },
  ): void {
    const { rev, flags, entries = [] } = response;
    const { glob, files } = list;
    if (rev === undefined || list.rev !== undefined && rev !== list.rev) {
      fail("lists", `${glob} goes on at ${rev}, not at ${list.rev}`);
    }
    if (rev < (wish.floor ?? 0)) {
      fail("stale read", `${glob} at ${rev}, though ${wish.floor} was known`);
    }
    if (rev > this.#client.teller().rev) {
      fail("lists", `${glob} at ${rev} by a node that is not there`);
    }
    files.push(...entries);
    if (flags !== LIST_FLAGS.last) {
      if (entries.length === 0) fail("lists", `${glob} gets no further`);
      return this.#ask({ ...list, rev }, wish);
    }
    const { world: { canon }, saw } = this.#client;
    checkFiles(canon, { files, glob: compileGlob(glob), rev });
    saw(rev);
    wish.done(files);
  }

  #failed(error: DoozerError, { done }: Wish): void {
    const { code } = error;
    // The rev of the first pieces may be forgotten before the last.
    const mayBe = ["UNAVAILABLE", "CLOSED", "TOO_LATE"].includes(code);
    if (!mayBe) fail("an odd answer", `a list is told ${error.message}`);
    done(undefined, error);
  }
}

interface List {
  readonly glob: string;
  readonly files: ListEntry[];
  /** The rev of all pieces, once the first is there. */
  readonly rev: Rev | undefined;
  /** When it must be whole, by the client's clock. */
  readonly until: number;
}
