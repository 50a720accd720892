import { handle, type JobHandler } from "rootstock/jobs"
import type { Services } from "../services/index.ts"
import { runExecute, runsSweep } from "./definitions.ts"

/** What does the jobs of the assistants. */
export function makeHandlers({ answers, runs }: Services): JobHandler[] {
  return [
    handle(runExecute, ({ runId }, context) => answers.execute(runId, context)),
    handle(runsSweep, async () => {
      await runs.sweep()
    }),
  ]
}
