import type { Command } from "../command/index.ts"
import { cache } from "./cache.ts"
import { inspect } from "./inspect.ts"
import { jobs } from "./jobs.ts"
import { keys } from "./keys.ts"
import { migrate } from "./migrate.ts"
import { producer } from "./producer.ts"
import { sample } from "./sample.ts"
import { schedule } from "./schedule.ts"
import { serve } from "./serve.ts"
import { work } from "./work.ts"

/** The program. */
export const rootstock: Command = {
  name: "rootstock",
  summary: "Rootstock: a data layer for TypeScript services, and the services grown on it.",
  commands: [serve, work, migrate, sample, inspect, jobs, schedule, cache, keys, producer],
}
