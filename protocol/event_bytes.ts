/**
 * Events as the watches' clients get them, each written once.
 *
 * A thousand watches may be told of one event, and what they are told differs
 * in the tag alone. So the fields behind the tag are written when the first of
 * them asks, and copied for the others. Watches that want other fields get
 * other bytes: there are as many spellings as there are choices.
 *
 * @module
 */
import { type BodyView, LIMITS } from "../store/mod.ts";
import type { Store, StoreEvent } from "../store/mod.ts";
import { WANTS } from "./request.ts";
import { EVENT_FLAGS } from "./response.ts";
import { WireWriter } from "./wire.ts";

/**
 * The longest message that a server sends to a client, in bytes: an event with
 * two bodies. Whoever reads a watch that wants both must make room for it.
 */
export const ANSWER_BYTES_MAX: number = LIMITS.frameBytes + LIMITS.valueBytes;

/** The bits of `want` that say which fields an event has. */
const FIELD_WANTS = WANTS.previous | WANTS.stamp | WANTS.noBody;

/** One spelling of an event. */
interface Spelling {
  readonly writer: WireWriter;
  /** Where it lies in the writer's memory. */
  readonly view: { bytes: Uint8Array; start: number; length: number };
  /** Which event it is of, counted. */
  turn: number;
}

/** The latest event in the spellings that were asked for. */
export class EventBytes {
  readonly #spellings: Spelling[] = [];
  #event: StoreEvent | undefined;
  #rev = 0;
  #turn = 0;

  /**
   * The event's fields behind the tag, with those that `want` asks for; good
   * until the next call. Ask first before the next mutation is applied: until
   * then the bodies are where the event says.
   */
  of(event: StoreEvent, { want, store }: {
    want: number;
    store: Pick<Store, "before">;
  }): BodyView {
    if (event !== this.#event || event.rev !== this.#rev) {
      this.#event = event;
      this.#rev = event.rev;
      this.#turn++;
    }
    const fields = want & FIELD_WANTS;
    const spelling = this.#spellings[fields] ??= newSpelling();
    if (spelling.turn !== this.#turn) {
      spelling.turn = this.#turn;
      spell(spelling, { event, want: fields, store });
    }
    return spelling.view;
  }
}

function newSpelling(): Spelling {
  const writer = new WireWriter(1024);
  const view = { bytes: writer.written(), start: 0, length: 0 };
  return { writer, view, turn: 0 };
}

function spell(
  { writer, view }: Spelling,
  { event, want, store }: {
    event: StoreEvent;
    want: number;
    store: Pick<Store, "before">;
  },
): void {
  writer.clear();
  writer.integer(2, EVENT_FLAGS[event.kind]);
  writer.integer(3, event.rev);
  writer.text(5, event.path);
  if ((want & WANTS.noBody) === 0) writer.bytes(6, event.body);
  writer.integer(16, event.previousRev);
  if ((want & WANTS.previous) !== 0) {
    const before = store.before(event);
    if (before !== undefined) writer.bytes(17, before);
  }
  if ((want & WANTS.stamp) !== 0) {
    writer.integer(18, event.time);
    writer.text(19, event.origin);
  }
  view.bytes = writer.written();
  view.length = writer.length;
}
