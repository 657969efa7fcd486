/**
 * Bugs to be planted: mistakes that somebody could make, each as a change of
 * the source. The simulator is worth what it finds of them.
 *
 * There are no switches in the code itself; `planting.ts` changes a copy.
 *
 * @module
 */
import { ACCEPTOR_BUGS } from "./bugs/acceptors.ts";
import type { Bug } from "./bugs/bug.ts";
import { CLIENT_BUGS } from "./bugs/clients.ts";
import { COMMAND_BUGS } from "./bugs/commands.ts";
import { DISK_BUGS } from "./bugs/disks.ts";
import { LEADER_BUGS } from "./bugs/leaders.ts";
import { READ_BUGS } from "./bugs/reads.ts";
import { SEAT_BUGS } from "./bugs/seats.ts";
import { STATE_BUGS } from "./bugs/states.ts";

const ALL: readonly Bug[] = [
  ...ACCEPTOR_BUGS,
  ...LEADER_BUGS,
  ...SEAT_BUGS,
  ...READ_BUGS,
  ...COMMAND_BUGS,
  ...STATE_BUGS,
  ...DISK_BUGS,
  ...CLIENT_BUGS,
];

/** Those that are found. */
export const BUGS: readonly Bug[] = ALL.filter(({ missed }) => !missed);

/** Those that nothing was seen of yet: they do not count. */
export const NOT_FOUND_YET: readonly Bug[] = ALL.filter(({ missed }) => missed);
