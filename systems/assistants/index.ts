import type { System } from "rootstock/http"
import { openJobs } from "rootstock/jobs"
import { assemble } from "./assemble.ts"
import { jobs } from "./jobs/definitions.ts"
import { loadSample } from "./sample/load.ts"
import { tables } from "./schema.ts"
import { openStores } from "./storages/index.ts"

/** A team chat in which AI roles take part; each organisation sees itself alone. */
export const assistants: System<typeof tables> = {
  name: "assistants",
  title: "Assistants",
  tables,
  migrations: new URL("./migrations/", import.meta.url),
  auth: "required",
  jobs,
  open: (database, context) => assemble(database, context).parts,
  loadSample: (database, context) =>
    loadSample({ ...context, stores: openStores(database), jobs: openJobs(database, { jobs, log: context.log }) }),
}

export { jobs } from "./jobs/definitions.ts"
export { openStores } from "./storages/index.ts"
