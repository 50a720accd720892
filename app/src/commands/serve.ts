import {
  checkListening,
  createServer,
  type HealthParts,
  isLoopback,
  mountable,
  Operations,
  type System,
  worstOf,
} from "rootstock/http"
import { labelled } from "rootstock/metrics"
import type { Tables } from "rootstock/schema"
import type { Command, Surroundings } from "../command/index.ts"
import { unitsOf, urlOf } from "../databases.ts"
import { bringUp, refusePending } from "../migrations.ts"
import { openApp } from "../opened-app.ts"
import { type OpenedSystem, openSystem } from "../opened-system.ts"
import { leaveSampleOut, loadSampleOnce } from "../sample.ts"
import { systemsNamed } from "../systems.ts"
import { version } from "../version.ts"
import { systemArgument, systemsOf, type Workplace, warnOfSchema, workplaceOf } from "./surroundings.ts"

export const serve: Command = {
  name: "serve",
  summary: "Serves systems over HTTP until it is interrupted.",
  examples: ["serve", "serve shop --no-sample", "serve --no-migrate --no-sample   # in production"],
  arguments: [systemArgument],
  options: {
    "no-migrate": { type: "boolean", sentence: "Stops where migrations are pending, instead of applying them." },
    "no-worker": {
      type: "boolean",
      sentence: "Leaves jobs and schedules to processes of their own (rootstock work).",
    },
    "no-sample": {
      type: "boolean",
      sentence:
        "Leaves databases empty, also at later starts; without it those that never had rows get sample data (the ones with people who sign in only where HOST is this machine).",
    },
  },
  async run(call, surroundings) {
    const workplace = workplaceOf(surroundings)
    const systems = systemsNamed(systemsOf(call))
    const prepared = await prepareServer(systems, workplace, {
      migrate: call.options["no-migrate"] !== true,
      sample: call.options["no-sample"] !== true,
      work: call.options["no-worker"] !== true,
    })
    try {
      const address = await prepared.start()
      const interrupted = surroundings.untilInterrupted()
      announce(address, systems, workplace, surroundings)
      await interrupted
      workplace.log.info("Stopping")
    } finally {
      await prepared.stop()
    }
    workplace.log.info("Stopped")
    return undefined
  },
}

/** A server that is ready to be started. */
export type Prepared = { start(): Promise<string>; stop(): Promise<void> }

/** Brings the databases up to date, opens them, and makes the server over them. */
export async function prepareServer(
  systems: readonly System<Tables>[],
  workplace: Workplace,
  wanted: { migrate: boolean; sample: boolean; work: boolean },
): Promise<Prepared> {
  const { settings, log } = workplace
  const alone = systems.length === 1
  const open = systems.some(({ auth }) => (settings.API_AUTH ?? auth) === "open")
  checkListening({ host: settings.HOST, open, allowOpen: settings.ALLOW_OPEN })
  warnOfSchema(workplace, alone)
  await bringUpAll(systems, workplace, wanted.migrate)
  const opened: { close(): Promise<void> }[] = []
  // What was opened last is closed first.
  const close = async () => {
    for (const one of opened.splice(0).reverse()) await one.close()
  }
  try {
    const app = await openApp(workplace)
    opened.push(app)
    const parts: OpenedSystem[] = []
    for (const system of systems) {
      const one = await openSystem(system, workplace, app, alone)
      opened.push(one)
      parts.push(one)
      await sampleOf(one, workplace, wanted)
    }
    const server = await createServer({
      title: systems.map(({ title }) => title).join(", "),
      version,
      publicUrl: settings.PUBLIC_URL,
      trustedProxies: settings.TRUST_PROXY,
      systems: parts.map(({ system, database, context, parts, schedules }) => ({
        ...mountable(system, database, context, parts, settings.API_AUTH),
        operations: new Operations(schedules),
      })),
      operatorToken: settings.OPERATOR_TOKEN,
      lookupKey: app.lookupKey,
      health: healthOf(parts, () => app.ping()),
      metrics: parts.map(
        ({ system, metrics }) =>
          async () =>
            labelled(await metrics(), { system: system.name }),
      ),
      log: log.named("http"),
      release: close,
    })
    return {
      async start() {
        const address = await server.start({
          host: settings.HOST,
          port: settings.PORT,
          allowOpen: settings.ALLOW_OPEN,
        })
        for (const one of parts) one.connectBroker()
        if (wanted.work) await Promise.all(parts.flatMap((one) => [one.startWorker(), one.scheduler.start()]))
        return address
      },
      stop: () => server.stop(),
    }
  } catch (error) {
    await close()
    throw error
  }
}

async function sampleOf(
  { system, database, context }: OpenedSystem,
  { settings, clock, log }: Workplace,
  wanted: { migrate: boolean; sample: boolean },
): Promise<void> {
  if (!wanted.sample) {
    await leaveSampleOut(database, clock)
    return
  }
  if (!wanted.migrate) return
  // Everybody knows the passwords of sample people.
  if (system.auth === "required" && !isLoopback(settings.HOST)) return
  const counts = await loadSampleOnce(system, database, context)
  if (counts !== undefined) log.info(`Loaded the sample data of ${system.name}`, counts)
}

function healthOf(parts: readonly OpenedSystem[], probeApp: () => Promise<unknown>): HealthParts {
  return {
    probes: [
      probeApp,
      ...parts.map(
        ({ database }) =>
          () =>
            database.ping(),
      ),
    ],
    cache: () => worstOf(parts.map(({ cache }) => cache.state)),
    broker: () => worstOf(parts.map(({ brokerState }) => brokerState())),
    scheduler: () => worstOf(parts.map(({ scheduler }) => scheduler.status)),
    counts: () => ({ cache: Object.fromEntries(parts.map(({ system, cache }) => [system.name, cache.stats().kinds])) }),
  }
}

/** Applies or demands migrations. */
async function bringUpAll(
  systems: readonly System<Tables>[],
  { settings, log }: Workplace,
  migrate: boolean,
): Promise<void> {
  log.info(`Databases: ${settings.databases.shown}`)
  for (const unit of unitsOf(systems)) {
    const url = urlOf(unit, settings, systems.length === 1)
    if (!migrate) {
      await refusePending(unit, url)
      continue
    }
    for (const id of await bringUp(unit, url)) log.info(`Applied migration ${id} of ${unit.name}`)
  }
}

function announce(
  address: string,
  systems: readonly System<Tables>[],
  { log }: Workplace,
  { print, terminal }: Surroundings,
): void {
  const base = (name: string) => (systems.length === 1 ? address : `${address}/${name}`)
  if (!terminal) {
    log.info(`Listening on ${address}`, { address, docs: `${address}/docs`, openapi: `${address}/schema/openapi.json` })
    return
  }
  print("")
  for (const { name, title } of systems) {
    print(`  ${title.padEnd(14)} ${base(name)}`)
    print(`  Documentation  ${base(name)}/docs`)
    print(`  OpenAPI        ${base(name)}/schema/openapi.json`)
  }
  print(`  Health         ${address}/health`)
  print(`  All of it      ${address}/`)
  print("")
  print("  Ctrl-C stops it.")
}
