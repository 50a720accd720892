import { type Call, type Command, UsageError } from "../command/index.ts"
import { unitsOf, urlOf } from "../databases.ts"
import { refusePending } from "../migrations.ts"
import { openApp } from "../opened-app.ts"
import { type OpenedSystem, openSystem } from "../opened-system.ts"
import { systemNames, systemsNamed } from "../systems.ts"
import { warnOfSchema, workplaceOf } from "./surroundings.ts"

export const work: Command = {
  name: "work",
  summary: "Does jobs and fires schedules, as a process of its own, until it is interrupted.",
  examples: ["work", "work --system shop --queues order,order_update", "work --no-scheduler", "work --only-scheduler"],
  options: {
    system: {
      type: "string",
      value: "name",
      sentence: `One system; all where it is left out (${systemNames.join(", ")}).`,
    },
    queues: { type: "string", value: "list", sentence: "Queues to work on; all where they are left out." },
    "no-scheduler": { type: "boolean", sentence: "Fires no schedules." },
    "only-scheduler": { type: "boolean", sentence: "Fires schedules and does no jobs." },
  },
  async run(call, surroundings) {
    const wanted = wantedOf(call)
    const workplace = workplaceOf(surroundings)
    const alone = wanted.systems.length === 1
    warnOfSchema(workplace, alone)
    const opened: OpenedSystem[] = []
    for (const unit of unitsOf(wanted.systems)) await refusePending(unit, urlOf(unit, workplace.settings, alone))
    await using app = await openApp(workplace)
    try {
      for (const system of wanted.systems) {
        opened.push(await openSystem(system, workplace, app, alone))
      }
      for (const one of opened) {
        one.connectBroker()
        if (wanted.jobs) await one.startWorker(wanted.queues === undefined ? {} : { queues: wanted.queues })
        if (wanted.scheduler) await one.scheduler.start()
      }
      await surroundings.untilInterrupted()
      workplace.log.info("Stopping")
    } finally {
      await Promise.all(opened.map((one) => one.close()))
    }
    workplace.log.info("Stopped")
    return undefined
  },
}

function wantedOf({ options }: Call) {
  const system = options["system"]
  if (system !== undefined && !systemNames.includes(String(system))) {
    throw new UsageError(`There is no system ${String(system)}.`, `Give one of ${systemNames.join(", ")}.`)
  }
  const names = system === undefined ? systemNames : [String(system)]
  const onlyScheduler = options["only-scheduler"] === true
  if (onlyScheduler && options["no-scheduler"] === true) {
    throw new UsageError("--only-scheduler and --no-scheduler leave nothing to do.", "Give one of them.")
  }
  const queues = queuesOf(options["queues"])
  return { systems: systemsNamed(names), jobs: !onlyScheduler, scheduler: options["no-scheduler"] !== true, queues }
}

function queuesOf(given: unknown): string[] | undefined {
  if (typeof given !== "string") return undefined
  const queues = given.split(",").map((queue) => queue.trim())
  if (queues.every((queue) => queue !== "")) return queues
  throw new UsageError("--queues has an empty name.", "Write it as --queues order,product.")
}
