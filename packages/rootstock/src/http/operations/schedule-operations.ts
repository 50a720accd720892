import { createHash } from "node:crypto"
import type {
  ChangedSchedule,
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

/** What is written down of a schedule that was acted upon. */
type Written = { readonly key: string } & Pick<AuditEntry, "before" | "after">

/** Something that is done with schedules. */
type Act = {
  readonly name: string
  /** Does it where there is something to do; others are left as they are, and nothing is written down of them. */
  readonly carryOut: (schedules: Schedules, keys: readonly string[]) => Promise<readonly Written[]>
}

const stateOf = ({ state, nextAt }: Schedule) => ({ state, nextAt })

function statesOf(changed: readonly ChangedSchedule[]): Written[] {
  return changed.map(({ before, after }) => ({ key: after.key, before: stateOf(before), after: stateOf(after) }))
}

const pause: Act = {
  name: "pause",
  carryOut: async (schedules, keys) => statesOf(await schedules.pauseMany(keys)),
}

const resume: Act = {
  name: "resume",
  carryOut: async (schedules, keys) => statesOf(await schedules.resumeMany(keys)),
}

const change = (changes: ScheduleChanges): Act => ({
  name: "change",
  carryOut: async (schedules, keys) =>
    (await schedules.changeMany(keys, changes)).map(({ before, after }) => ({ key: after.key, before, after })),
})

const remove: Act = {
  name: "remove",
  async carryOut(schedules, keys) {
    await schedules.store.schedules.lockMany(keys)
    const gone = (await schedules.getMany(keys)).filter((one) => !isDeclared(one))
    await schedules.removeMany(gone.map(({ key }) => key))
    return gone.map((before) => ({ key: before.key, before }))
  },
}

const run: Act = {
  name: "run",
  carryOut: async (schedules, keys) =>
    (await schedules.runManyNow(keys)).map(({ key, jobId }) => ({ key, after: { jobId } })),
}

const replay = (range: Range): Act => ({
  name: "replay",
  async carryOut(schedules, keys) {
    const fires = Map.groupBy(await schedules.replayMany(keys, range), ({ key }) => key)
    return Array.from(fires, ([key, { length }]) => ({ key, after: { ...range, fires: length } }))
  },
})

/** One of code whose declaration is gone is none any more. */
const isDeclared = ({ source, nextAt }: Schedule) => source === "code" && nextAt !== null

/** Schedules that are acted upon in one transaction. */
const portion = 500

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
      await this.#record("add", [{ key, after }])
      return after
    })
  }

  /**
   * @param rev the `rev` that it must still have
   * @throws RuleError `SCHEDULE_NOT_FOUND`, `SCHEDULE_DECLARED`; ConflictError; ValidationError
   */
  change(key: string, changes: ScheduleChanges, rev?: number): Promise<Schedule> {
    return this.#transaction(async () => {
      const before = await this.#locked(key)
      if (before.source === "code") refuseDeclared(key)
      const after = await this.#schedules.change(key, changes, rev === undefined ? {} : { rev })
      await this.#record("change", [{ key, before, after }])
      return after
    })
  }

  /** One that is not active is left as it is. @throws RuleError `SCHEDULE_NOT_FOUND` */
  pause(key: string): Promise<Schedule> {
    return this.#actOnOne(key, pause)
  }

  /** One that is not paused is left as it is. @throws RuleError `SCHEDULE_NOT_FOUND` */
  resume(key: string): Promise<Schedule> {
    return this.#actOnOne(key, resume)
  }

  /** @throws RuleError `SCHEDULE_NOT_FOUND`, `SCHEDULE_DECLARED` */
  async remove(key: string): Promise<void> {
    await this.#transaction(async () => {
      if (isDeclared(await this.#locked(key))) refuseDeclared(key)
      await this.#act(remove, [key])
    })
  }

  /** Fires it at once; the id of the job. @throws RuleError `SCHEDULE_NOT_FOUND` */
  run(key: string): Promise<string> {
    return this.#transaction(async () => {
      await this.#locked(key)
      const jobId = await this.#schedules.runNow(key)
      await this.#record("run", [{ key, after: { jobId } }])
      return jobId
    })
  }

  /** Fires it for the times for which it has not fired. @throws RuleError `SCHEDULE_NOT_FOUND`; ValidationError */
  replay(key: string, range: Range): Promise<Fire[]> {
    return this.#transaction(async () => {
      await this.#locked(key)
      const fires = await this.#schedules.replay(key, range)
      if (fires.length > 0) await this.#record("replay", [{ key, after: { ...range, fires: fires.length } }])
      return fires
    })
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

  /** Fires schedules for the times for which they have not fired; how many schedules had such. @throws ValidationError */
  replayAll(target: ScheduleTarget, range: Range): Promise<number> {
    return this.#actOnAll(target, replay(range))
  }

  /** As it is then. */
  #actOnOne(key: string, act: Act): Promise<Schedule> {
    return this.#transaction(async () => {
      await this.#act(act, [key])
      return this.get(key)
    })
  }

  async #actOnAll(target: ScheduleTarget, act: Act): Promise<number> {
    let acted = 0
    for await (const keys of this.#portions(target)) acted += await this.#transaction(() => this.#act(act, keys))
    return acted
  }

  async #act({ name, carryOut }: Act, keys: readonly string[]): Promise<number> {
    const written = await carryOut(this.#schedules, keys)
    await this.#record(name, written)
    return written.length
  }

  #record(name: string, written: readonly Written[]): Promise<void> {
    return this.#audit.recordAll(
      written.map(({ key, ...rest }) => ({
        action: `schedules.${name}`,
        entity: "schedule",
        entityId: entityIdOf(key),
        ...rest,
      })),
    )
  }

  async *#portions(target: ScheduleTarget): AsyncGenerator<readonly string[]> {
    if ("ids" in target) {
      const keys = [...new Set(target.ids)]
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

  /** As it is under the lock, which nobody changes before the transaction ends. @throws RuleError `SCHEDULE_NOT_FOUND` */
  async #locked(key: string): Promise<Schedule> {
    await this.#schedules.store.schedules.lock(key)
    return this.get(key)
  }

  #transaction<T>(work: () => Promise<T>): Promise<T> {
    return transaction(work, { name: "operations.schedules" })
  }
}

function absent(key: string): never {
  throw rules.broken("SCHEDULE_NOT_FOUND", `There is no schedule ${key}.`)
}

function refuseDeclared(key: string): never {
  throw rules.broken("SCHEDULE_DECLARED", `The schedule ${key} is declared in code.`)
}

/** Keys may be longer than the audit's ids; then a hash stands for them. */
function entityIdOf(key: string): string {
  return key.length <= longestEntityId ? key : createHash("sha256").update(key).digest("hex")
}
