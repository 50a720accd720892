import { defineJob, handle } from "../../../src/jobs/index.ts"
import type { BrokerOptions } from "../../../src/jobs/rabbitmq/index.ts"
import { numbered } from "../support.ts"
import type { BrokerPlace } from "./support.ts"

/** Between the attempts at its jobs, in milliseconds: long enough that what stands between them is seen on a busy machine. */
export const busyBackoffMs = 3_000

/**
 * A worker that does one job at a time and is busy with one, number 0, until it is released: messages of others wait at
 * the broker.
 */
export async function busy(place: BrokerPlace, options: Partial<BrokerOptions> = {}) {
  const queue = place.queue()
  const kind = defineJob(`kind_of_${queue}`, { queue, payload: numbered, backoff: () => busyBackoffMs })
  const jobs = place.open([kind])
  const { promise, resolve: release } = Promise.withResolvers<void>()
  const begun = Promise.withResolvers<void>()
  const served = await place.serve(
    jobs,
    [
      handle(kind, async ({ n }, { commit }) => {
        begun.resolve()
        if (n === 0) await promise
        await commit(() => place.ledger.create({ n }))
      }),
    ],
    { worker: { concurrency: 1 }, broker: options },
  )
  await jobs.send(kind, { n: 0 })
  await begun.promise
  return { jobs, kind, served, release }
}
