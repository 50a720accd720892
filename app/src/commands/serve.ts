import type { Cache } from "rootstock/cache"
import { checkListening, createServer, mountable, type Server, worstOf } from "rootstock/http"
import { openJobs } from "rootstock/jobs"
import { labelled } from "rootstock/metrics"
import { openSystemCache } from "../caches.ts"
import type { Command, Surroundings } from "../command/index.ts"
import { appUnit, openUnit, unitsOf, urlOf } from "../databases.ts"
import { KeyService } from "../keys/service.ts"
import { ApiKeyStorage } from "../keys/storage.ts"
import { bringUp, refusePending } from "../migrations.ts"
import { leaveSampleOut, loadSampleOnce } from "../sample.ts"
import { appTables } from "../schema.ts"
import { systems } from "../systems.ts"
import { version } from "../version.ts"
import { systemArgument, systemsOf, type Workplace, workplaceOf } from "./surroundings.ts"

export const serve: Command = {
  name: "serve",
  summary: "Serves systems over HTTP until it is interrupted.",
  examples: ["serve", "serve shop --no-sample", "serve --no-migrate --no-sample   # in production"],
  arguments: [systemArgument],
  options: {
    "no-migrate": { type: "boolean", sentence: "Stops where migrations are pending, instead of applying them." },
    "no-sample": {
      type: "boolean",
      sentence: "Leaves databases empty, also at later starts; without it those that never had rows get sample data.",
    },
  },
  async run(call, surroundings) {
    const workplace = workplaceOf(surroundings)
    const names = systemsOf(call)
    const prepared = await prepare(names, workplace, {
      migrate: call.options["no-migrate"] !== true,
      sample: call.options["no-sample"] !== true,
    })
    try {
      const address = await prepared.start()
      const interrupted = surroundings.untilInterrupted()
      announce(address, names, workplace, surroundings)
      await interrupted
      workplace.log.info("Stopping")
    } finally {
      await prepared.stop()
    }
    workplace.log.info("Stopped")
    return undefined
  },
}

type Prepared = { start(): Promise<string>; stop(): Promise<void> }

/** Brings the databases up to date, opens them, and makes the server over them. */
async function prepare(
  names: readonly string[],
  workplace: Workplace,
  wanted: { migrate: boolean; sample: boolean },
): Promise<Prepared> {
  const { settings, clock, log } = workplace
  const alone = names.length === 1
  const open = names.some((name) => (settings.API_AUTH ?? systems[name]!.auth) === "open")
  checkListening({ host: settings.HOST, open, allowOpen: settings.ALLOW_OPEN })
  const context = { clock, timeZone: settings.TIME_ZONE }
  await bringUpAll(names, workplace, wanted.migrate)
  const opened: { close(): Promise<void> }[] = []
  // What was opened last goes first: a cache before its database.
  const close = async () => {
    for (const one of opened) await one.close()
  }
  let server: Server
  try {
    const app = await openUnit({ ...appUnit, tables: appTables }, urlOf(appUnit, settings, alone), workplace)
    opened.unshift(app)
    const keys = new KeyService(app.storage(ApiKeyStorage), clock)
    const mounted = []
    const caches: Cache[] = []
    const probes = [() => app.ping()]
    for (const name of names) {
      const system = systems[name]!
      const database = await openUnit(system, urlOf(system, settings, alone), workplace)
      opened.unshift(database)
      probes.push(() => database.ping())
      const own = { ...context, log: log.named(name) }
      if (!wanted.sample) await leaveSampleOut(database, clock)
      else if (wanted.migrate) {
        const counts = await loadSampleOnce(system, database, own)
        if (counts !== undefined) log.info(`Loaded the sample data of ${name}`, counts)
      }
      const jobs = openJobs(database, { jobs: system.jobs, log: log.named(`${name}.jobs`) })
      const parts = system.open(database, { ...own, jobs, broker: false })
      const cache = await openSystemCache(name, database, parts.caches, { settings, log, alone })
      caches.push(cache)
      opened.unshift(cache)
      mounted.push(mountable(system, database, own, parts, settings.API_AUTH))
    }
    server = await createServer({
      title: names.map((name) => systems[name]!.title).join(", "),
      version,
      publicUrl: settings.PUBLIC_URL,
      systems: mounted,
      lookupKey: keys.lookup,
      health: {
        probes,
        cache: () => worstOf(caches.map(({ state }) => state)),
        counts: () => ({ cache: Object.fromEntries(names.map((name, index) => [name, caches[index]!.stats().kinds])) }),
      },
      metrics: names.map((name, index) => () => labelled(caches[index]!.metrics(), { system: name })),
      log: log.named("http"),
      release: close,
    })
  } catch (error) {
    await close()
    throw error
  }
  return {
    start: () => server.start({ host: settings.HOST, port: settings.PORT, allowOpen: settings.ALLOW_OPEN }),
    stop: () => server.stop(),
  }
}

/** Applies or demands migrations. */
async function bringUpAll(names: readonly string[], { settings, log }: Workplace, migrate: boolean): Promise<void> {
  log.info(`Databases: ${settings.databases.shown}`)
  for (const unit of unitsOf(names)) {
    const url = urlOf(unit, settings, names.length === 1)
    if (!migrate) {
      await refusePending(unit, url)
      continue
    }
    for (const id of await bringUp(unit, url)) log.info(`Applied migration ${id} of ${unit.name}`)
  }
}

function announce(
  address: string,
  names: readonly string[],
  { log }: Workplace,
  { print, terminal }: Surroundings,
): void {
  const base = (name: string) => (names.length === 1 ? address : `${address}/${name}`)
  if (!terminal) {
    log.info(`Listening on ${address}`, { address, docs: `${address}/docs`, openapi: `${address}/schema/openapi.json` })
    return
  }
  print("")
  for (const name of names) print(`  ${systems[name]!.title.padEnd(14)} ${base(name)}`)
  print(`  Documentation  ${address}/docs`)
  print(`  OpenAPI        ${address}/schema/openapi.json`)
  print(`  Health         ${address}/health`)
  print("")
  print("  Ctrl-C stops it.")
}
