import { Storage } from "rootstock"
import type { Row } from "rootstock/schema"
import { reportRuns, reports } from "../schema.ts"

export type Report = Row<typeof reports>

export class ReportStorage extends Storage(reports) {
  /** The rows of a day `YYYY-MM-DD`, by id. */
  forDate(day: string): Promise<Report[]> {
    return this.list({ where: { reportAt: day }, orderBy: { id: "asc" } })
  }
}

export class ReportRunStorage extends Storage(reportRuns) {}
