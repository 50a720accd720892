import { transaction } from "rootstock"
import type { Clock } from "rootstock/clock"
import { invalidRequest } from "rootstock/fields"
import type { Jobs } from "rootstock/jobs"
import type { Logger } from "rootstock/log"
import { openSchedules, type Schedules } from "rootstock/schedule"
import { absent, commonRules, type FieldProblem, fail } from "rootstock/shared"
import { calendarAnnounce, calendarFire } from "../jobs/definitions.ts"
import type { CalendarEvent } from "../schema.ts"
import type { EventMetadata } from "../shapes.ts"
import { tenant } from "../tenancy.ts"
import type { Context } from "./context.ts"
import { checkTiming, type EventTiming, nextTrigger } from "./event-times.ts"
import type { PeopleChecks } from "./people-checks.ts"

export type NewEvent = {
  roleId: string
  title: string
  description?: string | null | undefined
  eventType?: CalendarEvent["eventType"] | undefined
  scheduledAt?: Date | null | undefined
  cronExpression?: string | null | undefined
  sourceChatId?: string | null | undefined
  sourceMessageId?: string | null | undefined
  metadata?: EventMetadata | undefined
}
export type EventChanges = { [K in keyof NewEvent]?: NewEvent[K] | undefined } & { isActive?: boolean | undefined }

export type EventFilters = { roleId?: string | undefined; activeOnly?: boolean | undefined }

/** The key of an event's own schedule. */
export const scheduleKey = (eventId: string): string => `calendar:${eventId}`

/** Most events whose schedules are mended or moved in one go. */
const portion = 500

/**
 * The calendar: events that fire once or again and again, in the zone of their organisation. When one fires next is kept
 * here and by nobody else, in one transaction with the event's own schedule.
 */
export class CalendarService {
  readonly #stores: Context["stores"]
  readonly #jobs: Jobs
  readonly #schedules: Schedules
  readonly #clock: Clock
  readonly #log: Logger
  readonly #people: PeopleChecks

  constructor(context: Pick<Context, "stores" | "jobs" | "clock" | "log">, people: PeopleChecks) {
    const { stores, jobs, clock, log } = context
    this.#stores = stores
    this.#jobs = jobs
    this.#schedules = openSchedules(jobs)
    this.#clock = clock
    this.#log = log.named("assistants.calendar")
    this.#people = people
  }

  /** Events of the organisation; those that fire next come first. */
  list({ roleId, activeOnly = false }: EventFilters, page: { cursor?: string | undefined; limit: number }) {
    return this.#stores.calendar.after(page.cursor, {
      where: { ...(roleId === undefined ? {} : { roleId }), ...(activeOnly ? { isActive: true } : {}) },
      orderBy: [{ nextTriggerAt: { direction: "asc", nulls: "last" } }, { id: "asc" }],
      limit: page.limit,
    })
  }

  /** @throws RuleError `NOT_FOUND` */
  async get(id: string): Promise<CalendarEvent> {
    return (await this.#stores.calendar.getById(id)) ?? fail(absent("event", id))
  }

  /** @throws RuleError `NOT_FOUND` (the role), `VALIDATION_FAILED` */
  async create(input: NewEvent): Promise<CalendarEvent> {
    const event = await transaction(
      async () => {
        const me = await this.#people.me()
        return this.#make({ ...input, createdByUserId: me.id })
      },
      { name: "calendar.create" },
    )
    this.#log.info(`Created event ${event.id}`, { event_id: event.id })
    return event
  }

  /** Makes an event that a role wants, in the ambient transaction. @throws RuleError `NOT_FOUND`, `VALIDATION_FAILED` */
  createForRole(input: NewEvent & { createdByUserId: string | null }): Promise<CalendarEvent> {
    const eventType = (input.cronExpression ?? null) === null ? ("one_time" as const) : ("recurring" as const)
    return transaction(() => this.#make({ ...input, eventType }), { name: "calendar.createForRole" })
  }

  async #make(input: NewEvent & { createdByUserId: string | null }): Promise<CalendarEvent> {
    const { calendar, audit } = this.#stores
    const { eventType = "one_time", scheduledAt = null, cronExpression = null } = input
    const timing = { eventType, scheduledAt, cronExpression }
    const zone = await this.#zone()
    const now = this.#clock.now()
    checkTiming(timing, zone, now)
    await this.#checkReferences(input)
    const event = await calendar.create({
      ...input,
      ...timing,
      orgId: tenant.current,
      nextTriggerAt: nextTrigger(timing, zone, now),
    })
    await this.#putSchedule(event, zone)
    await audit.record({ action: "calendar.create", entity: "calendar_events", entityId: event.id, after: event })
    return event
  }

  /**
   * Changes an event. One that gets a new time in the future fires again, whether it was active or not.
   *
   * @throws RuleError `NOT_FOUND`, `FORBIDDEN`, `VALIDATION_FAILED`
   */
  async update(id: string, changes: EventChanges): Promise<CalendarEvent> {
    const event = await transaction(
      async () => {
        const before = await this.#lockAsOwner(id)
        if (Object.values(changes).every((value) => value === undefined)) return before
        await this.#checkReferences(changes)
        return this.#change(before, changes)
      },
      { name: "calendar.update" },
    )
    this.#log.info(`Changed event ${id}`, { event_id: id })
    return event
  }

  async #change(before: CalendarEvent, changes: EventChanges): Promise<CalendarEvent> {
    const { calendar, audit } = this.#stores
    const timing = changedTiming(before, changes)
    const isNewTime = isOtherTiming(before, timing)
    const isActive = changes.isActive ?? (isNewTime || before.isActive)
    const zone = await this.#zone()
    const now = this.#clock.now()
    // What goes on as it was may be due at this moment.
    const goesOn = !isNewTime && isActive && before.isActive
    if (isActive && !goesOn) checkTiming(timing, zone, now)
    const nextTriggerAt = goesOn ? before.nextTriggerAt : isActive ? nextTrigger(timing, zone, now) : null
    const after = await calendar.update(before.id, { ...changes, ...timing, isActive, nextTriggerAt })
    if (!isActive) await this.#schedules.remove(scheduleKey(before.id))
    else if (!goesOn) await this.#putSchedule(after, zone)
    await audit.record({ action: "calendar.update", entity: "calendar_events", entityId: before.id, before, after })
    return after
  }

  /** @throws RuleError `NOT_FOUND`, `FORBIDDEN` */
  async deactivate(id: string): Promise<void> {
    await transaction(
      async () => {
        const before = await this.#lockAsOwner(id)
        if (!(await this.#stores.calendar.deactivate(id))) return
        await this.#schedules.remove(scheduleKey(id))
        await this.#stores.audit.record({
          action: "calendar.deactivate",
          entity: "calendar_events",
          entityId: id,
          before,
        })
      },
      { name: "calendar.deactivate" },
    )
    this.#log.info(`Deactivated event ${id}`, { event_id: id })
  }

  /**
   * Moves the recurring events of an organisation into its present zone, in the ambient transaction. What is due already
   * stays due.
   */
  async realign(orgId: string): Promise<void> {
    const zone = await this.#zone()
    const now = this.#clock.now()
    let cursor: string | undefined
    do {
      const page = await this.#stores.calendar.after(cursor, {
        where: { orgId, isActive: true, eventType: "recurring", nextTriggerAt: { gt: now } },
        orderBy: { id: "asc" },
        limit: portion,
      })
      if (page.rows.length > 0) {
        await this.#schedules.changeMany(
          page.rows.map(({ id }) => scheduleKey(id)),
          { timeZone: zone },
        )
        await this.#stores.calendar.updateMany(
          page.rows.map((event) => ({ id: event.id, nextTriggerAt: nextTrigger(event, zone, now) })),
        )
      }
      cursor = page.next
    } while (cursor !== undefined)
  }

  /**
   * Fires an event that is due, in the ambient transaction: exactly once for a due time, however many try, and once for all
   * times that went by. What people are told is made by a job of the same transaction.
   *
   * @returns the time for which it fired; undefined where it was not due
   */
  async fire(id: string): Promise<Date | undefined> {
    const known = await tenant.unbounded(() => this.#stores.calendar.get(id))
    if (known === undefined) return undefined
    return tenant.run(known.orgId, async () => {
      const { calendar } = this.#stores
      const event = await calendar.lock(id)
      const now = this.#clock.now()
      const due = event?.nextTriggerAt
      if (event === undefined || !event.isActive || due === null || due === undefined || due > now) return undefined
      const next = nextTrigger(event, await this.#zone(), now)
      await calendar.update(
        id,
        {
          triggerCount: event.triggerCount + 1,
          lastTriggeredAt: now,
          nextTriggerAt: next,
          isActive: next !== null,
        },
        { where: { nextTriggerAt: due } },
      )
      await this.#jobs.send(calendarAnnounce, { eventId: id, dueAt: due })
      this.#log.info(`Event ${id} fired`, { event_id: id, due_at: due.toISOString() })
      return due
    })
  }

  /**
   * Mends what is due without a live schedule, whatever became of it: the event is fired, and a recurring one gets its
   * schedule again.
   *
   * @returns how many were mended
   */
  async repair(): Promise<number> {
    return tenant.unbounded(async () => {
      const due = await this.#stores.calendar.getDueEvents(this.#clock.now(), portion)
      if (due.length === 0) return 0
      const schedules = await this.#schedules.getMany(due.map(({ id }) => scheduleKey(id)))
      const live = new Set(schedules.filter(({ state }) => state !== "ended").map(({ key }) => key))
      const lost = due.filter(({ id }) => !live.has(scheduleKey(id)))
      if (lost.length === 0) return 0
      await transaction(
        async () => {
          await this.#restoreSchedules(lost.filter(({ eventType }) => eventType === "recurring"))
          await this.#jobs.sendMany(
            calendarFire,
            lost.map(({ id }) => ({ eventId: id })),
            ({ eventId }) => ({ dedupe: { key: scheduleKey(eventId), onTwin: "ignore" } }),
          )
        },
        { name: "calendar.repair" },
      )
      this.#log.warning(`${lost.length} events were due without a live schedule`, { events: lost.length })
      return lost.length
    })
  }

  async #restoreSchedules(events: readonly CalendarEvent[]): Promise<void> {
    if (events.length === 0) return
    const organizations = await this.#stores.organizations.getMany([...new Set(events.map(({ orgId }) => orgId))])
    const zones = new Map(organizations.map(({ id, timeZone }) => [id, timeZone]))
    await this.#schedules.removeMany(events.map(({ id }) => scheduleKey(id)))
    await this.#schedules.addMany(
      events.map((event) => ({
        key: scheduleKey(event.id),
        ...this.#scheduled(event, zones.get(event.orgId) as string),
      })),
    )
  }

  #putSchedule(event: CalendarEvent, zone: string) {
    return this.#schedules.put(scheduleKey(event.id), this.#scheduled(event, zone))
  }

  #scheduled({ id, eventType, scheduledAt, cronExpression }: CalendarEvent, zone: string) {
    const job = { job: calendarFire, payload: { eventId: id } }
    return eventType === "recurring"
      ? { ...job, cron: cronExpression as string, timeZone: zone }
      : { ...job, at: scheduledAt as Date }
  }

  async #zone(): Promise<string> {
    const id = tenant.current
    return ((await this.#stores.organizations.get(id)) ?? fail(absent("organization", id))).timeZone
  }

  /** The event, for its creator and administrators. */
  async #lockAsOwner(id: string): Promise<CalendarEvent> {
    const event = (await this.#stores.calendar.lock(id)) ?? fail(absent("event", id))
    const me = await this.#people.me()
    if (me.isAdmin || event.createdByUserId === me.id) return event
    throw commonRules.broken("FORBIDDEN", "Only the creator of an event and administrators change it.")
  }

  /** What an event refers to must be of the organisation, and its role one that people may ask. */
  async #checkReferences({ roleId, sourceChatId, sourceMessageId, metadata }: EventChanges): Promise<void> {
    const { roles, chats, messages, users } = this.#stores
    const problems: FieldProblem[] = []
    if (roleId !== undefined && (await roles.get(roleId)) === undefined) throw absent("role", roleId)
    if (typeof sourceChatId === "string" && (await chats.get(sourceChatId)) === undefined) {
      problems.push({ path: "body/source_chat_id", message: "is no chat of the organization" })
    }
    if (typeof sourceMessageId === "string" && (await messages.get(sourceMessageId)) === undefined) {
      problems.push({ path: "body/source_message_id", message: "is no message of the organization" })
    }
    const ids = metadata?.notify_user_ids ?? []
    const found = new Set((await users.list({ where: { id: ids, orgId: tenant.current } })).map(({ id }) => id))
    for (const [index, id] of ids.entries()) {
      if (found.has(id)) continue
      problems.push({ path: `body/metadata/notify_user_ids/${index}`, message: "is no user of the organization" })
    }
    if (problems.length > 0) throw invalidRequest(problems)
  }
}

function changedTiming(before: CalendarEvent, changes: EventChanges): EventTiming {
  const { eventType = before.eventType } = changes
  const kept = <V>(change: V | null | undefined, own: V | null, isOfType: boolean): V | null =>
    change === undefined ? (isOfType || eventType === before.eventType ? own : null) : change
  return {
    eventType,
    scheduledAt: kept(changes.scheduledAt, before.scheduledAt, eventType === "one_time"),
    cronExpression: kept(changes.cronExpression, before.cronExpression, eventType === "recurring"),
  }
}

function isOtherTiming(before: EventTiming, after: EventTiming): boolean {
  return (
    before.eventType !== after.eventType ||
    before.scheduledAt?.getTime() !== after.scheduledAt?.getTime() ||
    before.cronExpression !== after.cronExpression
  )
}
