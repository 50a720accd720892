import type { Route } from "../route.ts"
import { jobRoutes } from "./job-routes.ts"
import type { Operations } from "./operations.ts"
import { queueRoutes } from "./queue-routes.ts"
import { scheduleRoutes } from "./schedule-routes.ts"

/** Where the calls of operators are, those of each system under its name, also where it is alone. */
export const operationsPath = "/operations"

/** The calls of operators on the queues, jobs and schedules of one system. */
export function operationRoutes({ queues, jobs, schedules }: Operations): Route[] {
  return [...queueRoutes(queues), ...jobRoutes(jobs), ...scheduleRoutes(schedules)]
}
