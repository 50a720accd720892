import { createHash } from "node:crypto"
import type {
  Fire,
  NewSchedule,
  Schedule,
  ScheduleChanges,
  ScheduleFilter,
  Schedules,
  TimingInput,
  UpcomingFire,
} from "../../schedule/index.ts"
import { transaction } from "../../session/index.ts"
import type { AuditEntry, AuditStorage } from "../../shared/index.ts"
import { rules } from "./rules.ts"

/** Which schedules: those with these keys, or all that a filter finds. */
export type ScheduleTarget = { readonly ids: readonly string[] } | { readonly filter: ScheduleFilter }

/** The times in `[from, to)`, and before now. */
type Range = { readonly from: Date; readonly to: Date }

/** Something that is done with a schedule. */
type Act<T> = {
  readonly name: "change" | "pause" | "resume" | "remove" | "run" | "replay"
  /** Schedules that are left as they are, and what it comes to where only one is meant. */
  readonly except?: {
    readonly applies: (schedule: Schedule) => boolean
    readonly outcome: (schedule: Schedule) => T
  }
  readonly carryOut: (schedules: Schedules, key: string) => Promise<T>
  /** What is written down of it. */
  readonly written: (before: Schedule, outcome: T) => Pick<AuditEntry, "before" | "after">
}

const itself = (schedule: Schedule) => schedule

const stateChange = ({ state, nextAt }: Schedule, after: Schedule) => ({
  before: { state, nextAt },
  after: { state: after.state, nextAt: after.nextAt },
})

const pause: Act<Schedule> = {
  name: "pause",
  except: { applies: ({ state }) => state !== "active", outcome: itself },
  carryOut: (schedules, key) => schedules.pause(key),
  written: stateChange,
}

const resume: Act<Schedule> = {
  name: "resume",
  except: { applies: ({ state }) => state !== "paused", outcome: itself },
  carryOut: (schedules, key) => schedules.resume(key),
  written: stateChange,
}

const remove: Act<boolean> = {
  name: "remove",
  // One of code whose declaration is gone may go.
  except: { applies: ({ source, nextAt }) => source === "code" && nextAt !== null, outcome: refuseDeclared },
  carryOut: (schedules, key) => schedules.remove(key),
  written: (before) => ({ before }),
}

const run: Act<string> = {
  name: "run",
  carryOut: (schedules, key) => schedules.runNow(key),
  written: (_before, jobId) => ({ after: { jobId } }),
}

const replay = (range: Range): Act<Fire[]> => ({
  name: "replay",
  carryOut: (schedules, key) => schedules.replay(key, range),
  written: (_before, fires) => ({ after: { ...range, fires: fires.length } }),
})

const change = (changes: ScheduleChanges, rev?: number): Act<Schedule> => ({
  name: "change",
  except: { applies: ({ source }) => source === "code", outcome: refuseDeclared },
  carryOut: (schedules, key) => schedules.change(key, changes, rev === undefined ? {} : { rev }),
  written: (before, after) => ({ before, after }),
})

/** Schedules that are acted upon in one transaction. */
const portion = 100

/** The most characters of the id of what was changed, in the audit. */
const longestEntityId = 64

/** What operators do with schedules. */
export class ScheduleOperations {
  readonly #schedules: Schedules
  readonly #audit: AuditStorage

  constructor(schedules: Schedules, audit: AuditStorage) {
    this.#schedules = schedules
    this.#audit = audit
  }

  /** Schedules by their keys, a page at a time. @throws ValidationError for a cursor of another list */
  list(options: ScheduleFilter & { cursor?: string | undefined; limit?: number }) {
    return this.#schedules.list(options)
  }

  /** @throws RuleError `SCHEDULE_NOT_FOUND` */
  async get(key: string): Promise<Schedule> {
    return (await this.#schedules.get(key)) ?? absent(key)
  }

  /** The next fires of a schedule that was read; of a paused one those that would come. */
  upcoming(schedule: Schedule, count: number): UpcomingFire[] {
    return this.#schedules.upcoming(schedule, count)
  }

  /** The fires that a timing would have from now on. @throws ValidationError */
  preview(timing: TimingInput, count: number): UpcomingFire[] {
    return this.#schedules.preview(timing, count)
  }

  /** The fires that were made, the latest time first, a page at a time. @throws RuleError `SCHEDULE_NOT_FOUND` */
  async fires(key: string, { cursor, limit }: { cursor?: string | undefined; limit: number }) {
    await this.get(key)
    const { fires } = this.#schedules.store
    const page = await fires.after(cursor, { where: { key }, orderBy: { fireAt: "desc" }, limit })
    return { fires: page.rows, next: page.next }
  }

  /** The times for which it has not fired. @throws RuleError `SCHEDULE_NOT_FOUND`; ValidationError */
  async missed(key: string, range: Range): Promise<Date[]> {
    await this.get(key)
    return this.#schedules.missed(key, range)
  }

  /** @throws UniqueError where there is one with this key; ValidationError */
  add(key: string, input: NewSchedule): Promise<Schedule> {
    return this.#transaction(async () => {
      const after = await this.#schedules.add(key, input)
      await this.#audit.record({ action: "schedules.add", ...entityOf(key), after })
      return after
    })
  }

  /**
   * @param rev the `rev` that it must still have
   * @throws RuleError `SCHEDULE_NOT_FOUND`, `SCHEDULE_DECLARED`; ConflictError; ValidationError
   */
  change(key: string, changes: ScheduleChanges, rev?: number): Promise<Schedule> {
    return this.#actOnOne(key, change(changes, rev))
  }

  /** One that is paused already is left as it is. @throws RuleError `SCHEDULE_NOT_FOUND` */
  pause(key: string): Promise<Schedule> {
    return this.#actOnOne(key, pause)
  }

  /** One that is not paused is left as it is. @throws RuleError `SCHEDULE_NOT_FOUND` */
  resume(key: string): Promise<Schedule> {
    return this.#actOnOne(key, resume)
  }

  /** @throws RuleError `SCHEDULE_NOT_FOUND`, `SCHEDULE_DECLARED` */
  async remove(key: string): Promise<void> {
    await this.#actOnOne(key, remove)
  }

  /** Fires it at once; the id of the job. @throws RuleError `SCHEDULE_NOT_FOUND` */
  run(key: string): Promise<string> {
    return this.#actOnOne(key, run)
  }

  /** Fires it for the times for which it has not fired. @throws RuleError `SCHEDULE_NOT_FOUND`; ValidationError */
  replay(key: string, range: Range): Promise<Fire[]> {
    return this.#actOnOne(key, replay(range))
  }

  /** Changes stored schedules; how many. @throws ValidationError where one of them would make no sense */
  changeAll(target: ScheduleTarget, changes: ScheduleChanges): Promise<number> {
    return this.#actOnAll(target, change(changes))
  }

  /** Pauses active schedules; how many. */
  pauseAll(target: ScheduleTarget): Promise<number> {
    return this.#actOnAll(target, pause)
  }

  /** Resumes paused schedules; how many. */
  resumeAll(target: ScheduleTarget): Promise<number> {
    return this.#actOnAll(target, resume)
  }

  /** Removes schedules that are not declared in code; how many. */
  removeAll(target: ScheduleTarget): Promise<number> {
    return this.#actOnAll(target, remove)
  }

  /** Fires schedules at once; how many. */
  runAll(target: ScheduleTarget): Promise<number> {
    return this.#actOnAll(target, run)
  }

  /** Fires schedules for the times for which they have not fired; how many schedules. @throws ValidationError */
  replayAll(target: ScheduleTarget, range: Range): Promise<number> {
    return this.#actOnAll(target, replay(range))
  }

  #actOnOne<T>(key: string, act: Act<T>): Promise<T> {
    return this.#transaction(async () => {
      const before = (await this.#locked(key)) ?? absent(key)
      if (act.except?.applies(before)) return act.except.outcome(before)
      const outcome = await act.carryOut(this.#schedules, key)
      await this.#audit.record(entryOf(act, before, outcome))
      return outcome
    })
  }

  async #actOnAll<T>(target: ScheduleTarget, act: Act<T>): Promise<number> {
    let acted = 0
    for await (const keys of this.#portions(target)) {
      acted += await this.#transaction(async () => {
        const entries: AuditEntry[] = []
        for (const key of keys) {
          const before = await this.#locked(key)
          if (before === undefined || act.except?.applies(before)) continue
          entries.push(entryOf(act, before, await act.carryOut(this.#schedules, key)))
        }
        await this.#audit.recordAll(entries)
        return entries.length
      })
    }
    return acted
  }

  /** The keys in the order in which their rows are locked, whoever asks. */
  async *#portions(target: ScheduleTarget): AsyncGenerator<readonly string[]> {
    if ("ids" in target) {
      const keys = [...new Set(target.ids)].sort()
      for (let at = 0; at < keys.length; at += portion) yield keys.slice(at, at + portion)
      return
    }
    let cursor: string | undefined
    do {
      const page = await this.#schedules.list({ ...target.filter, cursor, limit: portion })
      yield page.schedules.map(({ key }) => key)
      cursor = page.next
    } while (cursor !== undefined)
  }

  /** As it is under the lock, which nobody changes before the transaction ends. */
  async #locked(key: string): Promise<Schedule | undefined> {
    await this.#schedules.store.schedules.lock(key)
    return this.#schedules.get(key)
  }

  #transaction<T>(work: () => Promise<T>): Promise<T> {
    return transaction(work, { name: "operations.schedules" })
  }
}

function absent(key: string): never {
  throw rules.broken("SCHEDULE_NOT_FOUND", `There is no schedule ${key}.`)
}

function refuseDeclared({ key }: Schedule): never {
  throw rules.broken("SCHEDULE_DECLARED", `The schedule ${key} is declared in code.`)
}

function entryOf<T>(act: Act<T>, before: Schedule, outcome: T): AuditEntry {
  return { action: `schedules.${act.name}`, ...entityOf(before.key), ...act.written(before, outcome) }
}

/** Keys may be longer than the audit's ids; then a hash stands for them. */
function entityOf(key: string): Pick<AuditEntry, "entity" | "entityId"> {
  const entityId = key.length <= longestEntityId ? key : createHash("sha256").update(key).digest("hex")
  return { entity: "schedule", entityId }
}
