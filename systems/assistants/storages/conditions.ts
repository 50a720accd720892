import { type RawBuilder, sql } from "kysely"
import { tenant } from "../tenancy.ts"

/** The condition for rows that are active, or for all. */
export function activeOf(activeOnly: boolean): { isActive?: true } {
  return activeOnly ? { isActive: true } : {}
}

/** The condition for rows that are not marked as deleted, or for all. */
export function undeletedOf(includeDeleted: boolean): { isDeleted?: false } {
  return includeDeleted ? {} : { isDeleted: false }
}

/** For SQL of our own over a table with `org_id`, which no scope narrows: the rows of the present organisation, or all where all are meant. */
export function ofTenant(): RawBuilder<boolean> {
  return tenant.isUnbounded ? sql`TRUE` : sql`org_id = ${tenant.current}`
}
