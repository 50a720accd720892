import type { Command } from "../command/index.ts"
import { openUnit, urlOf } from "../databases.ts"
import { bringUp } from "../migrations.ts"
import { systems } from "../systems.ts"
import { systemArgument, systemsOf, workplaceOf } from "./surroundings.ts"

export const sample: Command = {
  name: "sample",
  summary: "Loads sample data into a database that has no rows.",
  examples: ["sample shop", "sample --json"],
  arguments: [systemArgument],
  async run(call, surroundings) {
    const workplace = workplaceOf(surroundings, { write: (line) => surroundings.complain(line.trimEnd()) })
    const { settings, clock, log } = workplace
    const names = systemsOf(call)
    const loaded: Record<string, Readonly<Record<string, number>>> = {}
    for (const name of names) {
      const system = systems[name]!
      const url = urlOf(system, settings, names.length === 1)
      await bringUp(system, url)
      await using database = await openUnit(system, url, workplace)
      loaded[name] = await system.loadSample(database, { clock, timeZone: settings.TIME_ZONE, log: log.named(name) })
    }
    const lines = Object.entries(loaded).map(([name, counts]) => {
      const parts = Object.entries(counts).map(([rows, count]) => `${count} ${rows}`)
      return `${name}: ${parts.join(", ")}`
    })
    return { lines, data: loaded }
  },
}
