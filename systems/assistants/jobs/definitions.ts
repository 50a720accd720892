import { objectOf, uuidText } from "rootstock/fields"
import { defineJob, type Job } from "rootstock/jobs"

/** An answer of an AI role to be made. The model is asked outside of transactions; the answer is its commit. */
export const runExecute = defineJob("run.execute", {
  queue: "ai",
  payload: objectOf("RunExecute", { runId: uuidText }),
})

/** All kinds of jobs of the assistants. */
export const jobs: readonly Job[] = [runExecute as Job]
