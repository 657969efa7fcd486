/**
 * The command table: the one place where the commands are listed.
 *
 * @module
 */

import { addCommand } from "./add.ts";
import { backupCommand } from "./backup.ts";
import type { Command } from "./command.ts";
import { delCommand } from "./del.ts";
import { findCommand } from "./find.ts";
import { getCommand } from "./get.ts";
import { helpCommand } from "./help.ts";
import { lsCommand } from "./ls.ts";
import { membersCommand } from "./members.ts";
import { nopCommand } from "./nop.ts";
import { recoverCommand } from "./recover.ts";
import { restoreCommand } from "./restore.ts";
import { revCommand } from "./rev.ts";
import { selfCommand } from "./self.ts";
import { serveCommand } from "./serve.ts";
import { setCommand } from "./set.ts";
import { statCommand } from "./stat.ts";
import { statusCommand } from "./status.ts";
import { touchCommand } from "./touch.ts";
import { verifyCommand } from "./verify.ts";
import { versionCommand } from "./version.ts";
import { waitCommand } from "./wait.ts";
import { watchCommand } from "./watch.ts";

/** Every command, in the order of the help. */
export const COMMANDS: readonly Command[] = [
  serveCommand,
  addCommand,
  backupCommand,
  delCommand,
  findCommand,
  getCommand,
  helpCommand,
  lsCommand,
  membersCommand,
  nopCommand,
  recoverCommand,
  restoreCommand,
  revCommand,
  selfCommand,
  setCommand,
  statCommand,
  statusCommand,
  touchCommand,
  verifyCommand,
  versionCommand,
  waitCommand,
  watchCommand,
];
