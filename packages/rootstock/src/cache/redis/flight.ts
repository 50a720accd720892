/** What came of a flight, and when it was checked that no invalidation had come before. */
export type Outcome =
  | { readonly asOf: number; readonly failed: false; readonly value: unknown }
  | { readonly asOf: number; readonly failed: true; readonly error: unknown }

/** A load under way. Who began before its outcome was checked may take it. */
export class Flight {
  /** What was loaded: checked when the load began. */
  readonly loaded: Promise<Outcome>
  /** The same, checked again when it was kept: undefined where it was not kept. */
  readonly kept: Promise<Outcome | undefined>
  readonly resolveLoaded: (outcome: Outcome) => void
  readonly resolveKept: (outcome: Outcome | undefined) => void

  constructor() {
    const loaded = Promise.withResolvers<Outcome>()
    const kept = Promise.withResolvers<Outcome | undefined>()
    this.loaded = loaded.promise
    this.kept = kept.promise
    this.resolveLoaded = loaded.resolve
    this.resolveKept = kept.resolve
  }

  /** The outcome for a reader that began at this point; undefined where it must read again. */
  async join(began: number): Promise<Outcome | undefined> {
    const loaded = await this.loaded
    if (loaded.asOf > began) return loaded
    const kept = await this.kept
    return kept !== undefined && kept.asOf > began ? kept : undefined
  }

  /** Nothing follows on the outcome. */
  end(outcome: Outcome): void {
    this.resolveLoaded(outcome)
    this.resolveKept(outcome.failed ? undefined : outcome)
  }
}
