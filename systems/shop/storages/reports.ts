import { Storage } from "rootstock"
import type { Row } from "rootstock/schema"
import { reportRuns, reports, tables } from "../schema.ts"
import type { PlacedOrder } from "./orders.ts"

export type Report = Row<typeof reports>

/** Rows of one INSERT. */
const rowsAtOnce = 500

export class ReportStorage extends Storage(reports, tables) {
  /** The rows of a day `YYYY-MM-DD`, by id. */
  forDate(day: string): Promise<Report[]> {
    return this.list({ where: { reportAt: day }, orderBy: { id: "asc" } })
  }

  /**
   * Adds a row for each of these orders that has none for the day yet; gives those that were added, by order.
   *
   * @param placed the orders of the day, in the order of their ids
   */
  async addForDay(day: string, placed: readonly PlacedOrder[], createdAt: Date): Promise<Report[]> {
    const added: Report[] = []
    for (let at = 0; at < placed.length; at += rowsAtOnce) {
      const rows = placed
        .slice(at, at + rowsAtOnce)
        .map(({ orderId, countProduct }) => ({ reportAt: day, orderId, countProduct, createdAt }))
      // An order that has its row is passed over, so that a day can be reported again.
      const portion = await this.sql
        .insertInto("reports")
        .values(rows)
        .onConflict((conflict) => conflict.columns(["reportAt", "orderId"]).doNothing())
        .returningAll()
        .execute()
      added.push(...portion)
    }
    return added.sort((one, other) => one.orderId - other.orderId)
  }
}

export class ReportRunStorage extends Storage(reportRuns, tables) {
  /** Notes that a day is being reported, and locks its row; whether it is the first time. */
  async begin(day: string, startedAt: Date): Promise<boolean> {
    const made = await this.sql
      .insertInto("reportRuns")
      .values({ reportDate: day, startedAt, createdAt: startedAt, updatedAt: startedAt, reportsCount: 0 })
      .onConflict((conflict) => conflict.column("reportDate").doNothing())
      .returning("reportDate")
      .execute()
    if (made.length > 0) return true
    await this.lock(day)
    return false
  }
}
