import { objectOf, rowId, words } from "../../../src/fields/index.ts"
import { defineJob, jobTables } from "../../../src/jobs/index.ts"
import { scheduleTables } from "../../../src/schedule/index.ts"

export const tables = { ...jobTables, ...scheduleTables }

export const report = defineJob("report", { queue: "report", payload: objectOf("Report", {}) })
export const remind = defineJob("remind", { queue: "notices", payload: objectOf("Remind", { eventId: rowId }) })
export const greet = defineJob("greet", { queue: "notices", payload: objectOf("Greet", { name: words(20) }) })
