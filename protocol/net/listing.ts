/**
 * Lists, many entries to an answer, all as of one rev.
 *
 * @module
 */
import type {
  ClientAsk as Ask,
  ClientResponse,
  ListEntry,
  Verb,
} from "../mod.ts";
import { LIST_FLAGS } from "../mod.ts";
import { DoozerError } from "../../store/mod.ts";
import type { Asking, AskOptions } from "./asking.ts";

/** So many entries are asked for at once. */
const ENTRIES_MAX = 1024;

/** The entries of a list; `ask` says of what, and how to read the first. */
export async function* listEntries(
  asking: Asking,
  list: {
    readonly verb: Verb;
    readonly ask: Ask;
    readonly options: AskOptions;
  },
): AsyncGenerator<ListEntry, void, void> {
  const { verb, ask, options } = list;
  const page = (fields: Ask): Promise<ClientResponse | undefined> =>
    asking.ask({ verb, ask: { ...fields, limit: ENTRIES_MAX } }, options)
      .catch(endOfList);
  let next: Promise<ClientResponse | undefined> = page({ ...ask, offset: 0 });
  for (let offset = 0;;) {
    const answer = await next;
    if (answer === undefined) return;
    const { rev, flags } = answer;
    const entries = answer.entries ?? singleEntry(answer);
    offset += entries.length;
    const isEmpty = entries.length === 0 && !isSingle(answer);
    if (isEmpty && flags !== LIST_FLAGS.last) {
      const what = `The server's answer to ${verb} is no piece of the list`;
      throw new DoozerError("OTHER", what);
    }
    const last = flags === LIST_FLAGS.last && !isSingle(answer);
    if (!last) {
      // Of the same rev, whatever is written meanwhile; asked for ahead.
      const pinned = isSingle(answer) ? {} : { rev: rev! };
      next = page({ path: ask.path, offset, ...pinned });
      next.catch(() => {}); // Thrown when its turn comes, if it does.
    }
    yield* entries;
    if (last) return;
  }
}

/** A server that does not know the extension answers one entry at a time. */
function isSingle({ entries, rev, path }: ClientResponse): boolean {
  return entries === undefined && (path !== undefined || rev === undefined);
}

function singleEntry({ path, rev = 0, value }: ClientResponse): ListEntry[] {
  return path === undefined ? [] : [{ path, rev, value, len: 0 }];
}

function endOfList(error: unknown): undefined {
  if (error instanceof DoozerError && error.code === "RANGE") return undefined;
  throw error;
}
