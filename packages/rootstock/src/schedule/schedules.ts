import { ConfigError, ConflictError, NotFoundError, ValidationError } from "../errors/index.ts"
import type { Job, Jobs } from "../jobs/index.ts"
import type { Changes, Tables } from "../schema/index.ts"
import { afterCommit } from "../session/index.ts"
import type { Database, Storages } from "../storage/index.ts"
import {
  checkGrace,
  checkKey,
  type Definition,
  define,
  type MisfireOptions,
  type Sent,
  type SentJson,
} from "./define.ts"
import { firesAfter, firesUntil } from "./fires.ts"
import { type Fire, knownJob, makeFires, nameOf, type WantedFire } from "./make-fires.ts"
import { Measures } from "./measures.ts"
import { checkMisfire, mostFires } from "./misfire.ts"
import { type ScheduleRow, scheduleStorages } from "./storages.ts"
import type { schedule } from "./tables.ts"
import { firstFire, readTiming, storeTiming, type Timing, type TimingInput } from "./timing.ts"
import { columnsOf, misfireOf, type Schedule, type ScheduleState, timingOf, viewOf } from "./view.ts"
import { wakeSchedulers } from "./wakes.ts"

/** A schedule as it is made at run time. */
export type NewSchedule<P = unknown> = TimingInput & (Sent<P> | SentJson) & MisfireOptions

/** What to change of a schedule; the rest stays. */
export type ScheduleChanges = MisfireOptions & {
  readonly cron?: string
  readonly timeZone?: string
  /** Makes it one that fires once. */
  readonly at?: Date
  /** Kind of the job. */
  readonly kind?: string
  /** As the kind's payload is stored: names in snake_case, instants as text. */
  readonly payload?: unknown
}

export type ScheduleFilter = {
  readonly source?: Schedule["source"] | undefined
  readonly state?: ScheduleState | undefined
  readonly kind?: string | undefined
  /** The beginning of the key. */
  readonly prefix?: string | undefined
}

/** A schedule that was changed. */
export type ChangedSchedule = { readonly before: Schedule; readonly after: Schedule }

/** A fire that is to come. */
export type UpcomingFire = {
  readonly at: Date
  /** The wall clock of the schedule's zone with its offset, e.g. `2026-03-29T03:30:00+02:00`. */
  readonly local: string
}

/** The most fires that are told of in advance. */
const mostUpcoming = 1_000

/**
 * The schedules of an opened database: those that the program declares, and stored ones, which are made and changed while
 * it runs. Each call is part of the ambient transaction, and is seen by all processes once that commits.
 */
export class Schedules {
  readonly jobs: Jobs
  /** Storages of the tables of schedules. */
  readonly store: Storages<typeof scheduleStorages, Tables>
  /** @internal */
  readonly measures = new Measures()

  constructor(jobs: Jobs) {
    this.jobs = jobs
    this.store = storagesOf(jobs.database)
  }

  /**
   * Makes a schedule.
   *
   * @param key its name, e.g. `calendar:7`
   * @throws UniqueError where there is one with this key; ValidationError
   *
   * ### Examples
   *
   * ```ts
   * await schedules.add("calendar:7", { at: event.startsAt, job: remind, payload: { eventId: 7 } })
   * await schedules.add("digest:3", { cron: "0 9 * * MON", timeZone: "Asia/Tokyo", job: digest, payload: { userId: 3 } })
   * ```
   */
  async add<P>(key: string, input: NewSchedule<P>): Promise<Schedule> {
    const row = await this.store.schedules.create(this.#newRow(key, input as NewSchedule))
    this.#wake(row.nextAt)
    return viewOf(row)
  }

  /** Makes many schedules, all or none; 10,000 in one call are normal. */
  async addMany<P>(entries: readonly (NewSchedule<P> & { readonly key: string })[]): Promise<void> {
    const rows = entries.map(({ key, ...input }) => this.#newRow(key, input as unknown as NewSchedule))
    await this.store.schedules.createMany(rows, { returning: false })
    this.#wake(earliest(rows.map(({ nextAt }) => nextAt)))
  }

  /**
   * Makes a schedule, or puts it in the place of the stored one with this key. Where the timing is the same, a fire that is
   * due stays due; a paused one stays paused.
   */
  async put<P>(key: string, input: NewSchedule<P>): Promise<Schedule> {
    const row = this.#newRow(key, input as NewSchedule)
    return this.#transaction(async () => {
      const before = await this.store.schedules.lock(key)
      if (before !== undefined) refuseDeclared(before, "replaced")
      const same = before !== undefined && before.spec === row.spec && before.timeZone === row.timeZone
      const kept = same && before.nextAt !== null ? { nextAt: before.nextAt } : {}
      const rev = before === undefined ? row.rev : before.rev + 1
      const after = await this.store.schedules.upsert({ ...row, ...kept, rev })
      this.#wake(after.nextAt)
      return viewOf(after)
    })
  }

  /**
   * Changes a stored schedule. Where its timing changes, its next fire is the first from now on; a fire that was due by the
   * earlier one is dropped.
   *
   * @param options.rev the `rev` that it must still have
   * @throws NotFoundError, ConflictError (another rev), ValidationError
   */
  change(key: string, changes: ScheduleChanges, options: { rev?: number } = {}): Promise<Schedule> {
    return this.#edit(key, options.rev, (row) => {
      refuseDeclared(row, "changed")
      return this.#changed(row, changes)
    })
  }

  /** As {@link change}, of many; those that are declared in code are left as they are. @throws ValidationError */
  changeMany(keys: readonly string[], changes: ScheduleChanges): Promise<ChangedSchedule[]> {
    return this.#editMany(keys, (row) => (row.source === "stored" ? this.#changed(row, changes) : {}))
  }

  /** Stops a schedule from firing until it is resumed. @throws NotFoundError */
  pause(key: string): Promise<Schedule> {
    return this.#edit(key, undefined, () => ({ enabled: false }))
  }

  /** Pauses those that are active. */
  pauseMany(keys: readonly string[]): Promise<ChangedSchedule[]> {
    return this.#editMany(keys, (row) => (row.enabled && row.nextAt !== null ? { enabled: false } : {}))
  }

  /**
   * Lets a paused schedule fire again. What recurs goes on with its next time; what fires once is due where its time has
   * passed.
   *
   * @throws NotFoundError
   */
  resume(key: string): Promise<Schedule> {
    return this.#edit(key, undefined, (row) => this.#resumed(row))
  }

  /** Resumes those that are paused, as {@link resume} does. */
  resumeMany(keys: readonly string[]): Promise<ChangedSchedule[]> {
    return this.#editMany(keys, (row) => this.#resumed(row))
  }

  /** Removes a stored schedule, or one whose declaration is gone; whether there was one. */
  async remove(key: string): Promise<boolean> {
    return (await this.removeMany([key])) === 1
  }

  /** Removes stored schedules; how many there were. @throws ValidationError where one is declared in code */
  removeMany(keys: readonly string[]): Promise<number> {
    return this.#transaction(async () => {
      if (keys.length === 0) return 0
      const declared = await this.store.schedules.find({ key: keys, source: "code", nextAt: { not: null } })
      if (declared !== undefined) refuseDeclared(declared, "removed")
      return this.store.schedules.deleteWhere({ key: keys })
    })
  }

  /** The schedule with this key, or undefined. */
  async get(key: string): Promise<Schedule | undefined> {
    const row = await this.store.schedules.get(key)
    return row && viewOf(row)
  }

  /** The schedules with these keys, in no order; those that are not there are left out. */
  async getMany(keys: readonly string[]): Promise<Schedule[]> {
    return (await this.store.schedules.getMany(keys)).map(viewOf)
  }

  /** Schedules by their keys, a page at a time. */
  async list(
    options: ScheduleFilter & { cursor?: string | undefined; limit?: number } = {},
  ): Promise<{ schedules: Schedule[]; next: string | undefined }> {
    const { cursor, limit = 50, ...filter } = options
    const page = await this.store.schedules.after(cursor, { where: whereOf(filter), limit })
    return { schedules: page.rows.map(viewOf), next: page.next }
  }

  /** How many schedules there are. */
  count(filter: ScheduleFilter = {}): Promise<number> {
    return this.store.schedules.count(whereOf(filter))
  }

  /**
   * The next fires of a schedule; of a paused one those that would come.
   *
   * @param count up to 1,000
   * @throws NotFoundError
   */
  async next(key: string, count = 10): Promise<UpcomingFire[]> {
    return this.upcoming(viewOf(await this.#found(key)), count)
  }

  /** As {@link next}, of a schedule that was read already. */
  upcoming({ state, at, cron, timeZone, nextAt }: Schedule, count = 10): UpcomingFire[] {
    if (nextAt === null) return []
    const timing = readTiming((at === null ? { cron, timeZone } : { at }) as TimingInput)
    return upcoming(timing, state === "active" ? new Date(nextAt.getTime() - 1) : this.#now(), count)
  }

  /**
   * The fires that a timing would have from now on, before it is stored.
   *
   * @throws ValidationError
   */
  preview(input: TimingInput, count = 10): UpcomingFire[] {
    return upcoming(readTiming(input), this.#now(), count)
  }

  /** Fires a schedule at once, for the present instant, whatever its timing; the id of the job. @throws NotFoundError */
  async runNow(key: string): Promise<string> {
    return this.#transaction(async () => {
      const row = await this.#locked(key)
      const fireAt = this.#now()
      const [fire] = await this.#fire([{ row, fireAt }], "hand")
      return (fire ?? (await this.store.fires.getOrFail({ key, fireAt }))).jobId
    })
  }

  /** Fires many schedules at once, for the present instant; the fires. */
  runManyNow(keys: readonly string[]): Promise<Fire[]> {
    return this.#transaction(async () => {
      const fireAt = this.#now()
      const rows = await this.store.schedules.lockMany(keys)
      return this.#fire(
        rows.map((row) => ({ row, fireAt })),
        "hand",
      )
    })
  }

  /** The fires that were made, the latest time first, as far back as they are kept. */
  async fires(key: string, options: { before?: Date; limit?: number } = {}): Promise<Fire[]> {
    const { before, limit = 50 } = options
    return this.store.fires.list({
      where: { key, ...(before === undefined ? {} : { fireAt: { lt: before } }) },
      orderBy: { fireAt: "desc" },
      limit,
    })
  }

  /**
   * The times in `[from, to)`, and before now, for which a schedule has not fired: while nobody ran it, while it was
   * paused, or before it was made.
   *
   * @throws NotFoundError; ValidationError where there would be more than 1,000 times
   */
  async missed(key: string, range: { from: Date; to: Date }): Promise<Date[]> {
    const wanted = await this.#missed([await this.#found(key)], range)
    return wanted.map(({ fireAt }) => fireAt)
  }

  /**
   * Fires a schedule for the times in `[from, to)`, and before now, for which it has not fired.
   *
   * A time whose fire is older than fires are kept counts as one that was missed.
   *
   * @returns the fires
   * @throws NotFoundError; ValidationError where there would be more than 1,000
   */
  replay(key: string, range: { from: Date; to: Date }): Promise<Fire[]> {
    return this.#transaction(async () => this.#fire(await this.#missed([await this.#locked(key)], range), "replay"))
  }

  /** As {@link replay}, of many. @throws ValidationError where one would have more than 1,000 fires */
  replayMany(keys: readonly string[], range: { from: Date; to: Date }): Promise<Fire[]> {
    return this.#transaction(async () => {
      const rows = await this.store.schedules.lockMany(keys)
      return this.#fire(await this.#missed(rows, range), "replay")
    })
  }

  /** The times for which the schedules have not fired. */
  async #missed(rows: readonly ScheduleRow[], { from, to }: { from: Date; to: Date }): Promise<WantedFire[]> {
    const last = new Date(Math.min(to.getTime() - 1, this.#now().getTime()))
    const due = rows.flatMap((row) => timesOf(row, from, last).map((fireAt) => ({ row, fireAt })))
    const keys = rows.map(({ key }) => key)
    const fired = await this.store.fires.list({ where: { key: keys, fireAt: { between: [from, last] } } })
    const made = new Set(fired.map(({ key, fireAt }) => nameOf(key, fireAt)))
    return due.filter(({ row, fireAt }) => !made.has(nameOf(row.key, fireAt)))
  }

  async #fire(wanted: readonly WantedFire[], cause: "hand" | "replay"): Promise<Fire[]> {
    const fires = await makeFires(this, wanted, cause)
    this.#count(cause, fires.length)
    return fires
  }

  /** What is measured: fires and their lateness by this process, and the schedules of the database by state. */
  metrics() {
    return this.measures.metrics(this.jobs.database, this.#now())
  }

  #newRow(key: string, input: NewSchedule) {
    const job = "job" in input ? this.#ownJob(input.job) : knownJob(this.jobs, input.kind)
    const json = "job" in input ? job.payload.write(input.payload) : job.payload.check(input.payload)
    const definition = define(input, job, json)
    return {
      key: checkKey(key),
      source: "stored" as const,
      ...columnsOf(definition),
      nextAt: this.#first(definition.timing),
      rev: this.#now().getTime(),
    }
  }

  #ownJob(job: Job): Job {
    if (this.jobs.definition(job.kind) === job) return job
    throw new ValidationError(`The kind of job ${job.kind} is not among those of this database.`, {
      cure: "Add it to `jobs` where the jobs are opened.",
    })
  }

  /** @throws ValidationError where the calendar ends before */
  #first(timing: Timing): Date {
    const first = firstFire(timing, this.#now())
    if (first !== undefined) return first
    throw new ValidationError("The schedule never fires before the year 10000.", { cure: "Mend its cron expression." })
  }

  /** Changes a row under its lock. */
  #edit(
    key: string,
    rev: number | undefined,
    changesOf: (row: ScheduleRow) => Changes<typeof schedule>,
  ): Promise<Schedule> {
    return this.#transaction(async () => {
      const row = await this.#locked(key)
      if (rev !== undefined && rev !== row.rev) {
        throw new ConflictError(`The schedule ${key} is not at rev ${rev} any more.`, {
          cure: "Read it again, and decide whether the change still fits.",
        })
      }
      const changes = changesOf(row)
      if (Object.keys(changes).length === 0) return viewOf(row)
      const after = await this.store.schedules.update(key, { ...changes, rev: row.rev + 1 })
      this.#wake(after.nextAt)
      return viewOf(after)
    })
  }

  /** Changes rows under their locks; those for which there is no change are left out. */
  #editMany(
    keys: readonly string[],
    changesOf: (row: ScheduleRow) => Changes<typeof schedule>,
  ): Promise<ChangedSchedule[]> {
    return this.#transaction(async () => {
      const edits = (await this.store.schedules.lockMany(keys))
        .map((row) => ({ row, changes: changesOf(row) }))
        .filter(({ changes }) => Object.keys(changes).length > 0)
      await this.store.schedules.updateMany(
        edits.map(({ row: { key, rev }, changes }) => ({ ...changes, key, rev: rev + 1 })),
      )
      const after = await this.getMany(edits.map(({ row }) => row.key))
      this.#wake(earliest(after.flatMap(({ nextAt }) => nextAt ?? [])))
      const byKey = new Map(after.map((one) => [one.key, one]))
      return edits.map(({ row }) => ({ before: viewOf(row), after: byKey.get(row.key) as Schedule }))
    })
  }

  /** What a change makes of a row. */
  #changed(row: ScheduleRow, changes: ScheduleChanges): Changes<typeof schedule> {
    const kind = knownJob(this.jobs, changes.kind ?? row.kind)
    const timing = changedTiming(row, changes)
    const definition: Definition = {
      timing,
      job: kind,
      json: kind.payload.check(changes.payload === undefined ? row.payload : changes.payload),
      misfire: changes.misfire === undefined ? misfireOf(row) : checkMisfire(changes.misfire),
      graceMs: changes.graceMs === undefined ? row.graceMs : checkGrace(changes.graceMs),
    }
    const { spec, timeZone } = storeTiming(timing)
    const same = spec === row.spec && timeZone === row.timeZone
    return { ...columnsOf(definition), ...(same ? {} : { nextAt: this.#first(timing) }) }
  }

  #resumed(row: ScheduleRow): Changes<typeof schedule> {
    if (row.enabled) return {}
    const recurs = row.nextAt !== null && row.timeZone !== null
    return { enabled: true, ...(recurs ? { nextAt: this.#first(timingOf(row)) } : {}) }
  }

  async #found(key: string): Promise<ScheduleRow> {
    return (await this.store.schedules.get(key)) ?? absent(key)
  }

  async #locked(key: string): Promise<ScheduleRow> {
    return (await this.store.schedules.lock(key)) ?? absent(key)
  }

  #transaction<T>(work: () => Promise<T>): Promise<T> {
    return this.jobs.database.transaction(work, { name: "schedules" })
  }

  #wake(due: Date | null | undefined): void {
    if (due != null) afterCommit(() => wakeSchedulers(this.jobs.database, due.getTime()))
  }

  #count(cause: Fire["cause"], count: number): void {
    afterCommit(() => this.measures.fired(cause, count))
  }

  #now(): Date {
    return this.jobs.clock.now()
  }
}

/** The times of a schedule in `[from, last]`. @throws ValidationError where there are more than 1,000 */
function timesOf(row: ScheduleRow, from: Date, last: Date): Date[] {
  const timing = timingOf(row)
  if ("at" in timing) return [timing.at].filter((at) => at >= from && at <= last)
  const times = firesUntil(timing.cron, timing.timeZone, new Date(from.getTime() - 1), last, mostFires + 1)
  if (times.length <= mostFires) return times
  throw new ValidationError(`${row.key} has more than ${mostFires} times between the two instants.`, {
    cure: "Take a shorter range, and go on from its end.",
  })
}

function absent(key: string): never {
  throw new NotFoundError(`There is no schedule ${key}.`, {
    cure: "Check the key; a schedule that fires once goes when it has fired.",
  })
}

/** Those in code are static while they are declared. */
function refuseDeclared({ key, source, nextAt }: ScheduleRow, done: string): void {
  if (source === "stored" || (done === "removed" && nextAt === null)) return
  throw new ValidationError(`The schedule ${key} is declared in code and cannot be ${done}.`, {
    cure: "Change its declaration, or pause it.",
  })
}

function changedTiming(row: ScheduleRow, { at, cron, timeZone }: ScheduleChanges): Timing {
  if (at !== undefined) return readTiming({ at, cron, timeZone } as TimingInput)
  if (cron === undefined && timeZone === undefined) return timingOf(row)
  const before = row.timeZone === null ? {} : { cron: row.spec, timeZone: row.timeZone }
  return readTiming({ ...before, ...(cron && { cron }), ...(timeZone && { timeZone }) } as TimingInput)
}

function upcoming(timing: Timing, after: Date, count: number): UpcomingFire[] {
  if (!Number.isInteger(count) || count < 1 || count > mostUpcoming) {
    throw new ValidationError(`${count} fires cannot be shown.`, { cure: `Ask for 1 to ${mostUpcoming}.` })
  }
  if ("at" in timing) return [{ at: timing.at, local: timing.at.toISOString() }]
  const found: UpcomingFire[] = []
  for (const at of firesAfter(timing.cron, timing.timeZone, after)) {
    found.push({ at, local: localTime(at, timing.timeZone) })
    if (found.length === count) break
  }
  return found
}

function localTime(at: Date, timeZone: string): string {
  const time = Temporal.Instant.fromEpochMilliseconds(at.getTime()).toZonedDateTimeISO(timeZone)
  return time.toString({ timeZoneName: "never", smallestUnit: "second" })
}

function whereOf({ source, state, kind, prefix }: ScheduleFilter) {
  return {
    ...(source === undefined ? {} : { source }),
    ...(kind === undefined ? {} : { kind }),
    ...(prefix === undefined ? {} : { key: { like: `${prefix.replace(/[\\%_]/g, "\\$&")}%` } }),
    ...(state === "ended" ? { nextAt: null } : {}),
    ...(state === "active" || state === "paused" ? { nextAt: { not: null }, enabled: state === "active" } : {}),
  }
}

function earliest(instants: readonly Date[]): Date | undefined {
  return instants.reduce<Date | undefined>(
    (first, one) => (first === undefined || one < first ? one : first),
    undefined,
  )
}

function storagesOf(database: Database): Storages<typeof scheduleStorages, Tables> {
  try {
    return database.storages(scheduleStorages)
  } catch (cause) {
    throw new ConfigError("The database was opened without the tables of schedules.", {
      cure: "Spread `scheduleTables` into its tables, and make a migration.",
      cause,
    })
  }
}

/**
 * Opens the schedules of a database.
 *
 * @throws ConfigError where the database lacks `scheduleTables`
 *
 * ### Examples
 *
 * ```ts
 * const jobs = openJobs(db, { jobs: [remind] })
 * const schedules = openSchedules(jobs)
 * ```
 */
export const openSchedules = (jobs: Jobs): Schedules => new Schedules(jobs)
