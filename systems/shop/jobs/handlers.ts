import { transaction } from "rootstock"
import { handle, type JobContext, type JobHandler, PermanentError } from "rootstock/jobs"
import { actAs, addDays, dayOf, RuleError } from "rootstock/shared"
import type { Services } from "../services/index.ts"
import {
  orderMessage,
  orderUpdateMessage,
  productMessage,
  productUpdateMessage,
  reportMessage,
  reportRun,
} from "./definitions.ts"

/** What the handlers of the shop's queues do; each runs in the transaction that completes its job. */
export function makeHandlers(services: Services, timeZone: string): JobHandler[] {
  const { products, orders, rejectedOrders, reports } = services
  return [
    handle(productMessage, (product, context) => obeying(context, () => products.create(product))),
    handle(productUpdateMessage, ({ id, ...changes }, context) => obeying(context, () => products.update(id, changes))),
    handle(orderMessage, (order, context) =>
      asJob(context, async () => {
        try {
          await transaction(() => orders.place(order, "queue"), { nested: true, name: "order" })
        } catch (error) {
          if (!(error instanceof RuleError)) throw error
          // One of ours, or one without an id, is known by that of its job.
          await rejectedOrders.keep(order, error, context.messageId ?? context.job.id)
        }
      }),
    ),
    handle(orderUpdateMessage, ({ id, ...change }, context) => obeying(context, () => orders.changeStatus(id, change))),
    // It runs when the broker has confirmed the message.
    handle(reportMessage, ({ reportDate }) => reports.noteSent(reportDate)),
    handle(reportRun, ({ reportDate }, { fireAt }) =>
      // The day that has ended when the job is for, whenever it runs.
      reports.make(reportDate ?? addDays(dayOf(fireAt, timeZone), -1)),
    ),
  ]
}

/** Who changes something is the job. */
function asJob<T>({ job }: JobContext, work: () => Promise<T>): Promise<T> {
  return actAs({ kind: "job", id: job.id }, work)
}

/** A rule that is broken once is broken at every attempt. */
async function obeying(context: JobContext, work: () => Promise<unknown>): Promise<void> {
  try {
    await asJob(context, work)
  } catch (error) {
    if (!(error instanceof RuleError) || error.rule.status >= 500) throw error
    throw new PermanentError(`${error.code}: ${error.message}`, { cause: error })
  }
}
