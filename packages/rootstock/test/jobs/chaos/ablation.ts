import { hostname } from "node:os"
import { systemClock } from "../../../src/clock/index.ts"
import type { Jobs } from "../../../src/jobs/index.ts"

/**
 * Makes the completion of jobs what it is where it goes by the id alone: nobody looks whether there was a row, nor whether
 * the worker was taken for dead, nor whether the job is still its own. To show that the chaos finds it.
 */
export function completeByIdAlone({ backend, engine, store }: Jobs): void {
  const { dialect } = backend
  const run = backend.run.bind(backend)
  const all = backend.all.bind(backend)
  // No thread beats beside the event loop, and learns what that one does not want to know.
  Object.defineProperty(engine, "address", { value: undefined })
  backend.run = async (query, values, ...rest) => {
    if (query.label === "jobs.complete") {
      await run({ ...query, sql: `DELETE FROM job WHERE id = ${dialect.parameter(1)}` }, values.slice(0, 1), ...rest)
      return 1
    }
    const changed = await run(query, values, ...rest)
    if (query.label !== "jobs.heartbeat" || changed > 0) return changed
    await store.workers.create({ id: String(values[1]), host: hostname(), pid: process.pid, seen: systemClock.now() })
    return 1
  }
  backend.all = (query, values) =>
    query.label === "jobs.held" ? Promise.reject(new Error("nobody looks")) : all(query, values)
}
