/**
 * `doozer watch`: prints changes as they come.
 *
 * @module
 */

import type { ChangeEvent, Client, WatchItem } from "../protocol/net/mod.ts";
import type { WatchOptions } from "../protocol/net/mod.ts";
import { DoozerError } from "../store/mod.ts";
import { askForLong } from "./ask.ts";
import type { Call, Command } from "./command.ts";
import { READ_FLAGS } from "./common_flags.ts";
import type { ExitStatus } from "./exit_status.ts";
import { EXIT } from "./exit_status.ts";
import type { Flags } from "./flags.ts";
import type { Notices } from "./notices.ts";
import { itemFields, type ItemForm, renderItem } from "./record.ts";
import { MORE_RECORD_HELP, RECORD_HELP } from "./record.ts";
import { readRevFlag } from "./rev_words.ts";
import type { TimeLimit } from "./time_limit.ts";
import { UsageError } from "./usage_error.ts";
import { firstRev } from "./wait.ts";

const KINDS: readonly ChangeEvent["kind"][] = ["set", "del", "nop"];

/** `doozer watch`. */
export const watchCommand: Command = {
  name: "watch",
  summary: "watch for changes",
  args: [{ name: "glob" }],
  flags: [
    {
      long: "snapshot",
      help: "begin with the files that there are; with -r, only if the " +
        "servers do not keep that rev any more",
    },
    {
      long: "strict",
      help: "end with an error when changes are lost because no server keeps " +
        "them any more, instead of going on from a snapshot",
    },
    {
      long: "kind",
      takes: "set|del|nop",
      many: true,
      help: "only such changes; several with commas, or several flags",
    },
    { long: "previous", help: "print the body of before, too" },
    { long: "stamps", help: "print when and by whom it was asked for" },
    { long: "no-value", help: "print no bodies of sets" },
    ...READ_FLAGS,
  ],
  about: "Prints every change to a file that matches <glob>, in order, each " +
    "once and without a gap, until it is interrupted. With -r, begins with " +
    "that rev, as far back as the servers keep their history; without, with " +
    "the first change after the command has begun. With -t, ends after that " +
    "time, with exit status 2.\n\n" +
    "When its server is lost it goes on at another one, where it was, and " +
    "says so on standard error; it tries for ever, unless -t is given. Where " +
    "no server keeps the changes any more that it has missed, it says which, " +
    "and prints a snapshot of all files instead; --strict ends it.\n\n" +
    RECORD_HELP + MORE_RECORD_HELP,
  examples: [
    { line: 'doozer watch "/app/**"', does: "prints what changes" },
    {
      line: 'doozer watch -o json -r 1 "/**"',
      does: "prints all since rev 1, an object per line",
    },
    {
      line: 'doozer watch --snapshot "/config/**" -a 10.0.0.7,10.0.0.8',
      does: "prints all files, then what changes, whichever node is lost",
    },
    {
      line: "doozer watch --kind set,del --stamps --no-value '/ctl/cal/*'",
      does: "tells who takes which seat, and when",
    },
  ],
  synonyms: ["tail", "follow"],
  run: watchChanges,
};

async function watchChanges(call: Call): Promise<ExitStatus> {
  const [glob = ""] = call.args;
  const { flags } = call;
  const from = readRevFlag(flags);
  const options: WatchOptions = {
    ...from,
    snapshot: flags.on("snapshot"),
    onTooLate: flags.on("strict") ? "fail" : "snapshot",
    previous: flags.on("previous"),
    stamps: flags.on("stamps"),
    values: !flags.on("no-value"),
    ...readKinds(flags),
  };
  await askForLong(call, (client, own) => {
    return new Watching(call, own).follow(client, { glob, options });
  });
  return EXIT.done;
}

function readKinds(flags: Flags): Pick<WatchOptions, "kinds"> {
  const words = flags.all("kind").flatMap((text) => text.split(","));
  if (words.length === 0) return {};
  const wrong = words.find((word) => !KINDS.some((kind) => kind === word));
  if (wrong !== undefined) {
    throw new UsageError(
      `Cannot watch for the kind "${wrong}": it is none of ${KINDS.join(", ")}`,
    );
  }
  return { kinds: KINDS.filter((kind) => words.includes(kind)) };
}

/** A watch that is printed. */
class Watching {
  readonly #call: Call;
  readonly #limit: TimeLimit;
  readonly #notices: Notices;
  readonly #form: ItemForm;
  /** The first rev that was not told. */
  #next = 0;

  constructor(
    call: Call,
    { limit, notices }: { limit: TimeLimit; notices: Notices },
  ) {
    this.#call = call;
    this.#limit = limit;
    this.#notices = notices;
    const { flags } = call;
    this.#form = {
      previous: flags.on("previous"),
      values: !flags.on("no-value"),
    };
  }

  /** Prints what comes, until it ends with an error. */
  async follow(
    client: Client,
    { glob, options }: { glob: string; options: WatchOptions },
  ): Promise<void> {
    const { output } = this.#call;
    const { snapshot = false, rev } = options;
    const limit = this.#limit;
    const begin = snapshot && rev === undefined
      ? {}
      : { rev: await firstRev(client, { from: options, limit }) };
    this.#next = begin.rev ?? 0;
    const unread = new AbortController();
    const bounds = { timeoutMs: limit.waitMs(), signal: unread.signal };
    const all = { ...options, ...begin, ...bounds, marks: true };
    try {
      for await (const item of client.watch(glob, all)) {
        this.#look(item, options);
        if (item.kind !== "mark") {
          await output.print(
            renderItem(item, this.#form),
            itemFields(item, this.#form),
          );
          // Whoever reads us wants it now.
          output.flushSoon(() => unread.abort());
        }
      }
    } catch (error) {
      // What has come before it; or the reader has gone, which counts first.
      await output.flush();
      throw this.#explain(error);
    }
  }

  /** Keeps up with how far it is, and with what is lost. */
  #look(item: WatchItem, { snapshot }: WatchOptions): void {
    const { kind, rev } = item;
    if (kind === "file") return;
    if (kind !== "snapshot") {
      this.#next = rev + 1;
      return;
    }
    const { from } = item;
    if (from === undefined) return;
    const isFirst = from === this.#next && !this.#notices.hasLost;
    if (isFirst && !snapshot) {
      // Whoever names a rev that is gone has to know, and to choose another.
      throw new DoozerError("TOO_LATE", "");
    }
    this.#notices.eventsLost({ from, to: rev });
  }

  /** Says which changes are lost. */
  #explain(error: unknown): unknown {
    const isLate = error instanceof DoozerError && error.code === "TOO_LATE";
    if (!isLate || !this.#notices.hasLost) return error;
    return new DoozerError(
      "TOO_LATE",
      `The changes from rev ${this.#next} on are lost: no server that ` +
        "answers keeps them any more",
      { cause: error },
    );
  }
}
