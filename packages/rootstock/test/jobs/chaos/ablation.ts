import type { Jobs } from "../../../src/jobs/index.ts"

/**
 * Makes the completion of jobs what it is where it goes by the id alone, and nobody looks whether there was a row: to show
 * that the chaos would find it.
 */
export function completeByIdAlone({ backend }: Jobs): void {
  const { dialect } = backend
  const run = backend.run.bind(backend)
  backend.run = async (query, values, ...rest) => {
    if (query.label !== "jobs.complete") return run(query, values, ...rest)
    const sql = `DELETE FROM job WHERE id = ${dialect.parameter(1)}`
    await run({ ...query, sql }, values.slice(0, 1), ...rest)
    return 1
  }
}
