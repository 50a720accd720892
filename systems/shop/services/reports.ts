import type { Clock } from "rootstock/clock"
import { dayOf } from "rootstock/shared"
import type { Report, Stores } from "../storages/index.ts"
import type { Context } from "./context.ts"

/** Which orders were placed on a day, and how many pieces each has. */
export class ReportService {
  readonly #stores: Stores
  readonly #clock: Clock
  readonly #timeZone: string

  constructor({ stores, clock, timeZone }: Context) {
    this.#stores = stores
    this.#clock = clock
    this.#timeZone = timeZone
  }

  /** The report of a day `YYYY-MM-DD`, by id; today in the business zone where none is given. */
  forDate(day: string = dayOf(this.#clock.now(), this.#timeZone)): Promise<Report[]> {
    return this.#stores.reports.forDate(day)
  }
}
