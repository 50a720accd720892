import { day, listOf, objectOf, optional, refined, uuidText } from "rootstock/fields"
import { type Route, route } from "rootstock/http"
import { report } from "../fields.ts"
import type { Services } from "../services/index.ts"

const query = {
  reportDate: optional(refined(day, { description: "Today in the business zone where it is left out." })),
}

export function reportRoutes({ reports }: Services): Route[] {
  return [
    route(
      "GET",
      "/report",
      { summary: "Orders of a day with their numbers of pieces, by id", tag: "reports", query, answer: listOf(report) },
      (call) => reports.forDate(call.query.reportDate),
    ),
    route(
      "POST",
      "/report/run",
      {
        summary: "Make the report of a day",
        description: "A worker makes it. A day that was reported before gets the orders that came since.",
        tag: "reports",
        body: objectOf("ReportRequest", { reportDate: day }),
        answer: objectOf("ReportAsked", { reportDate: day, jobId: uuidText }),
        status: 202,
      },
      async ({ body: { reportDate } }) => ({ reportDate, jobId: await reports.ask(reportDate) }),
    ),
  ]
}
