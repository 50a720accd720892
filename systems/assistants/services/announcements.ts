import type { Logger } from "rootstock/log"
import { RuleError } from "rootstock/shared"
import type { Notifier } from "../notifications/notifier.ts"
import type { CalendarEvent } from "../schema.ts"
import { tenant } from "../tenancy.ts"
import { texts } from "../texts.ts"
import type { AiService } from "./ai.ts"
import type { Context } from "./context.ts"

/** What is to be told of an event that fired. */
export type Announcement = { readonly eventId: string; readonly dueAt: Date }

/** Most people whom one event tells something. */
const mostPeople = 1_000

/** Has roles say what events that fired are about, and tells it to those whom it concerns. */
export class Announcements {
  readonly #stores: Context["stores"]
  readonly #log: Logger
  readonly #ai: Pick<AiService, "say">
  readonly #notifier: Pick<Notifier, "notify">

  constructor(
    { stores, log }: Pick<Context, "stores" | "log">,
    parts: { ai: Pick<AiService, "say">; notifier: Pick<Notifier, "notify"> },
  ) {
    this.#stores = stores
    this.#log = log.named("assistants.calendar")
    this.#ai = parts.ai
    this.#notifier = parts.notifier
  }

  /**
   * Announces a fire. The role is asked outside of every transaction; `commit` then writes all notices in one.
   *
   * @param options.signal ends the asking
   */
  async announce(
    { eventId, dueAt }: Announcement,
    { signal, commit }: { signal: AbortSignal; commit: (effects: () => Promise<void>) => Promise<void> },
  ): Promise<void> {
    const event = await tenant.unbounded(() => this.#stores.calendar.get(eventId))
    if (event === undefined) return
    await tenant.run(event.orgId, async () => {
      const content = await this.#textOf(event, signal)
      await commit(() => this.#tell(event, dueAt, content))
    })
  }

  async #tell(event: CalendarEvent, dueAt: Date, content: string | null): Promise<void> {
    for (const userId of await this.#people(event)) {
      await this.#notifier.notify({
        userId,
        dedupeKey: `calendar:${event.id}:${dueAt.toISOString()}`,
        type: "calendar",
        title: texts.reminder(event.title),
        content,
        reference: { type: "calendar_event", id: event.id },
        eventId: event.id,
        roleId: event.roleId,
      })
    }
  }

  /** What the role says to the event; where it cannot, the event's own description. */
  async #textOf(event: CalendarEvent, signal: AbortSignal): Promise<string | null> {
    const { id, orgId, roleId, title, description, createdByUserId } = event
    try {
      const question = texts.askForReminder(title, description)
      const { content } = await this.#ai.say({
        orgId,
        roleId,
        trigger: "calendar",
        messages: [{ role: "user", content: question }],
        ...(createdByUserId === null ? {} : { behalfOfId: createdByUserId }),
        signal,
      })
      return content
    } catch (error) {
      if (!(error instanceof RuleError)) throw error
      this.#log.warning(`The role of event ${id} cannot answer`, { event_id: id, error })
      return description
    }
  }

  /** Those whom the event names, else who made it, else who has the role: of them, who is active. */
  async #people({ metadata, createdByUserId, roleId, orgId }: CalendarEvent): Promise<string[]> {
    const { users } = this.#stores
    const active = { orgId, isActive: true }
    const of = (where: object) =>
      users.list({ where: { ...active, ...where }, orderBy: { id: "asc" }, limit: mostPeople })
    const named = metadata.notify_user_ids ?? []
    if (named.length > 0) return (await of({ id: named })).map(({ id }) => id)
    const creator = createdByUserId === null ? [] : await of({ id: createdByUserId })
    return (creator.length > 0 ? creator : await of({ roleId })).map(({ id }) => id)
  }
}
