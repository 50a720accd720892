import { defineJob } from "../../src/jobs/index.ts"
import { numbered } from "./support.ts"

const payload = numbered

/** Writes its number into the ledger. */
export const recording = defineJob("recording", { queue: "recording", payload, transactional: true })

/** Keeps the event loop busy for as many milliseconds as its number says. */
export const blocking = defineJob("blocking", { queue: "blocking", payload })

/** Rests a while before its effect. */
export const resting = defineJob("resting", { queue: "resting", payload, backoff: () => 1 })

/** Kills its process. */
export const deadly = defineJob("deadly", { queue: "deadly", payload, attempts: 3, backoff: () => 1 })

/** Does its work, in the same queue. */
export const beside = defineJob("beside", { queue: "deadly", payload, backoff: () => 1 })
