import type { JobHandler } from "rootstock/jobs"
import type { Services } from "../services/index.ts"

/** What does the jobs of the assistants. */
export function makeHandlers(_services: Services): JobHandler[] {
  return []
}
