/**
 * What the system said of a file or a directory, in words for the operator.
 *
 * @module
 */

import { AdvisedError } from "./failure.ts";

/** The name of the system's error, as "ENOSPC"; empty if it has none. */
export function systemCode(error: unknown): string {
  if (!(error instanceof Error) || !("code" in error)) return "";
  return typeof error.code === "string" ? error.code : "";
}

/** The system's words, without what the runtime adds of its call. */
export function systemText(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return /^.*?\(os error \d+\)/s.exec(text)?.[0] ?? text;
}

/** Whether there was no space left, or none that this user may have. */
export function isFull(error: unknown): boolean {
  const code = systemCode(error);
  return code === "ENOSPC" || code === "EDQUOT";
}

/** Why, and what to do. */
interface Advice {
  readonly because: string;
  readonly hint: string;
}

const DENIED: Advice = {
  because: "the user that runs doozer lacks the right to read and write there",
  hint: 'Give it to that user with "chown", or name another directory with ' +
    "--data",
};
const FULL: Advice = {
  because: "there is no space left on its disk",
  hint: "Make room there, or name another directory with --data",
};

/** Of the errors that an operator can do something about. */
const ADVICE: Readonly<Record<string, Advice>> = {
  EACCES: DENIED,
  EPERM: DENIED,
  EDQUOT: FULL,
  ENOSPC: FULL,
  ENOTDIR: {
    because: "it is not a directory",
    hint: "Name a directory with --data",
  },
  EROFS: {
    because: "its file system is read-only",
    hint: "Mount it for writing, or name another directory with --data",
  },
};

/** The sentence for a directory that cannot be used. */
export function badDirectory(path: string, error: unknown): AdvisedError {
  if (error instanceof AdvisedError) return error;
  const { because, hint } = ADVICE[systemCode(error)] ?? {
    because: systemText(error),
    hint: "Name another directory with --data",
  };
  return new AdvisedError("OTHER", unusable(path, because), {
    hint,
    cause: error,
  });
}

/** The sentence for a file that cannot be read. */
export function badFile(path: string, error: unknown): AdvisedError {
  const isDenied = ADVICE[systemCode(error)] === DENIED;
  return new AdvisedError(
    "OTHER",
    `Cannot read "${path}": ${systemText(error)}`,
    {
      hint: isDenied
        ? 'Give all files there to the user that runs doozer, with "chown"'
        : "See what the system's log (dmesg) says of that disk",
      cause: error,
    },
  );
}

/** How all refusals of a data directory begin. */
export function unusable(path: string, because: string): string {
  return `Cannot use the data directory "${path}": ${because}`;
}
