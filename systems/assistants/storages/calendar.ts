import { sql } from "kysely"
import { type CalendarEvent, calendarEvents } from "../schema.ts"
import { tenant } from "../tenancy.ts"
import { activeOf, ofTenant } from "./conditions.ts"
import { Entities } from "./entities.ts"

const soonestFirst = { nextTriggerAt: "asc", createdAt: "asc" } as const

/** Events of the calendar. */
export class CalendarStorage extends Entities(calendarEvents, tenant.column("orgId")) {
  listByOrg(orgId: string, activeOnly = false): Promise<CalendarEvent[]> {
    return this.list({ where: { orgId, ...activeOf(activeOnly) }, orderBy: soonestFirst })
  }

  listByRole(roleId: string, activeOnly = false): Promise<CalendarEvent[]> {
    return this.list({ where: { roleId, ...activeOf(activeOnly) }, orderBy: soonestFirst })
  }

  /** Active events whose time has come, the longest due first. */
  async getDueEvents(now: Date, limit = 1_000): Promise<CalendarEvent[]> {
    // A condition with bound values would not be known to be that of the partial index.
    return this.sql
      .selectFrom("calendarEvents")
      .selectAll()
      .where(sql<boolean>`is_active AND next_trigger_at IS NOT NULL`)
      .where("nextTriggerAt", "<=", now)
      .where(ofTenant())
      .orderBy("nextTriggerAt")
      .orderBy("id")
      .limit(limit)
      .execute()
  }

  /** Lets it fire no more; whether it was active. */
  async deactivate(id: string): Promise<boolean> {
    return (await this.updateWhere({ id, isActive: true }, { isActive: false, nextTriggerAt: null })) > 0
  }
}
