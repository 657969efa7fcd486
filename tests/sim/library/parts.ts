/**
 * What the parts of a client of the library know of it, and it lets them do.
 *
 * @module
 */
import type { ClientCore } from "../../../protocol/mod.ts";
import type { Rev } from "../../../store/mod.ts";
import type { Micros } from "../agenda.ts";
import type { Teller } from "../checkers/streams.ts";
import type { World } from "../world.ts";
import type { LibraryScenario } from "./scenario.ts";

/** What the parts of a client know of it. */
export interface ClientParts {
  readonly world: World;
  readonly scenario: LibraryScenario;
  readonly number: number;
  /** Its session's name, and so the origin of its events. */
  readonly name: string;
  readonly core: ClientCore;
  /** How fast its clock goes. */
  readonly rate: number;
  /** Its clock, in ms. */
  readonly now: () => number;
  /** Who tells what it is told now. */
  readonly teller: () => Teller;
  /** The rev that it has seen: it must see no older state. */
  readonly seen: () => Rev;
  readonly saw: (rev: Rev) => void;
  /** The client's own business, not within what the library does. */
  readonly soon: (act: () => void, delay?: Micros) => void;
  readonly say: (what: string) => void;
}
