import { afterCommit, transaction } from "rootstock"
import type { Clock } from "rootstock/clock"
import { invalidRequest } from "rootstock/fields"
import type { Jobs } from "rootstock/jobs"
import type { Logger } from "rootstock/log"
import { dayOf, rangeOfDay } from "rootstock/shared"
import { reportMessage, reportRun } from "../jobs/definitions.ts"
import type { Report, Stores } from "../storages/index.ts"
import type { Context } from "./context.ts"

/** Which orders were placed on a day, and how many pieces each has. */
export class ReportService {
  readonly #stores: Stores
  readonly #jobs: Jobs
  readonly #log: Logger
  readonly #clock: Clock
  readonly #timeZone: string
  readonly #broker: boolean

  constructor({ stores, jobs, log, clock, timeZone, broker }: Context) {
    this.#stores = stores
    this.#jobs = jobs
    this.#log = log.named("shop.reports")
    this.#clock = clock
    this.#timeZone = timeZone
    this.#broker = broker
  }

  /** The report of a day `YYYY-MM-DD`, by id; today in the business zone where none is given. */
  forDate(day: string = this.#today()): Promise<Report[]> {
    return this.#stores.reports.forDate(day)
  }

  /**
   * Asks for the report of a day, which a worker makes.
   *
   * @returns the id of the job
   * @throws RuleError `VALIDATION_FAILED` for a day that has not begun
   */
  async ask(day: string): Promise<string> {
    if (day > this.#today()) throw invalidRequest([{ path: "body/report_date", message: "must not be in the future" }])
    return this.#jobs.send(reportRun, { reportDate: day })
  }

  /**
   * Makes the report of a day: a row for each of its orders that has none yet, and a message of what was added. A day that
   * was reported before and has no more orders is left as it is.
   */
  async make(day: string): Promise<Report[]> {
    this.#log.info(`Starting report generation for date: ${day}`, { report_date: day })
    return transaction(async () => {
      const startedAt = this.#clock.now()
      const isFirst = await this.#stores.reportRuns.begin(day, startedAt)
      const placed = await this.#stores.orders.placedWithin(rangeOfDay(day, this.#timeZone))
      const added = await this.#stores.reports.addForDay(day, placed, startedAt)
      const run = await this.#stores.reportRuns.getOrFail(day)
      const sends = isFirst || added.length > 0
      if (sends) await this.#publish(day, added)
      await this.#stores.reportRuns.update(day, {
        startedAt,
        reportsCount: run.reportsCount + added.length,
        finishedAt: this.#clock.now(),
        error: null,
      })
      afterCommit(() => this.#log.info(`Created ${added.length} reports for date ${day}`, { report_date: day }))
      // In the database the message is where it belongs once this commits; a broker has to confirm it first.
      if (sends && !this.#broker) await this.noteSent(day)
      return added
    })
  }

  /** Notes that the message of a day was handed over. */
  async noteSent(day: string): Promise<void> {
    await this.#stores.reportRuns.update(day, { messageSentAt: this.#clock.now() })
    const queue = this.#broker ? "RabbitMQ queue 'report'" : "queue 'report'"
    afterCommit(() => this.#log.info(`Sent report message to ${queue} for date ${day}`, { report_date: day }))
  }

  async #publish(day: string, added: readonly Report[]): Promise<void> {
    await this.#jobs.send(reportMessage, {
      reportDate: day,
      reportsCount: added.length,
      reports: added.map(({ id, orderId, countProduct, reportAt }) => ({
        reportId: id,
        orderId,
        countProduct,
        reportAt,
      })),
      createdAt: this.#clock.now(),
    })
  }

  #today(): string {
    return dayOf(this.#clock.now(), this.#timeZone)
  }
}
