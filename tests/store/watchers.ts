/**
 * A watcher that takes note of all that it is told, as far as it has room.
 *
 * @module
 */
import {
  compileGlob,
  type EventKind,
  type Refusal,
  type Store,
  type StoreEvent,
  Watch,
  type Watcher,
} from "../../store/mod.ts";
import { textOf } from "./changes.ts";

/** Watches one store, and tells what it was told. */
export class Listener implements Watcher {
  readonly told: string[] = [];
  readonly watches: Watch[] = [];
  /** How many events it still takes. */
  room = Infinity;
  /** Called with each event that it takes. */
  onEvent: (watch: Watch, event: StoreEvent) => void = () => {};

  watched(watch: Watch, event: StoreEvent): boolean {
    const number = this.watches.indexOf(watch) + 1;
    if (this.room === 0) {
      this.told.push(`${number}: no room for ${event.rev}`);
      return false;
    }
    this.room--;
    const { rev, path, kind, body } = event;
    this.told.push(`${number}: ${rev} ${kind} ${path} ${textOf(body)}`.trim());
    this.onEvent(watch, event);
    return true;
  }

  watchEnded(watch: Watch, { code }: Refusal): void {
    const number = this.watches.indexOf(watch) + 1;
    this.told.push(`${number}: ${code} at ${watch.next}`);
  }

  /** Starts a watch, the next one by number; a refusal is noted. */
  watch(
    store: Store,
    glob: string,
    wish: { from: number; kinds?: readonly EventKind[] },
  ): Watch {
    const watch = new Watch(this, { glob: compileGlob(glob), ...wish });
    this.watches.push(watch);
    const refusal = store.waits.watch(watch);
    if (refusal !== undefined) {
      this.told.push(`${this.watches.length} now: ${refusal.code}`);
    }
    return watch;
  }

  /** What it was told since it was last asked. */
  take(): string[] {
    return this.told.splice(0);
  }
}

/** Lets those that are behind read to the end. */
export function catchUp(store: Store, units = 1000): void {
  while (store.waits.behind) store.waits.catchUp(units);
}
