import { temporaryVhost } from "../../../packages/rootstock/test/support/temporary-vhost.ts"
import { ratesTable, usedAs } from "../cache/report.ts"
import { AskedProcess } from "../run/process.ts"
import { progress } from "../run/progress.ts"
import { inRounds } from "../run/rounds.ts"
import type { BrokerRequest } from "./broker-worker.ts"
import type { JobsReport, JobsRun } from "./libraries.ts"

const server = process.env["BENCH_AMQP_URL"] ?? process.env["TEST_AMQP_URL"] ?? "amqp://guest:guest@127.0.0.1:5672"

/** Messages that are published and not confirmed, and that are delivered and not acknowledged. */
const inFlight = 500

const forms = [
  {
    form: "raw",
    title: "confirms and acknowledgements by hand",
    used: `\`rabbitmq-client\` of Rootstock; a durable quorum queue, persistent mandatory messages, at most ${inFlight} unconfirmed and ${inFlight} unacknowledged, a connection for each side`,
  },
  {
    form: "rootstock",
    title: "Rootstock",
    used: `\`jobs.sendMany\` into PostgreSQL, relay, RabbitMQ, a worker with ${inFlight} at a time in the same process, and the deletion of each job`,
  },
] as const
type Form = (typeof forms)[number]["form"]

/** Jobs by way of RabbitMQ beside what RabbitMQ takes. */
export async function brokerJobs(run: JobsRun): Promise<JobsReport> {
  const vhost = await temporaryVhost(server)
  run.atEnd(() => vhost.dispose())
  const entrants = forms.filter(({ form }) => run.only.includes(form))
  const processes = new Map<Form, AskedProcess<BrokerRequest>>()
  for (const { form } of entrants) {
    progress(`starting ${form} with RabbitMQ`)
    const asked = new AskedProcess<BrokerRequest>(form, new URL("broker-worker.ts", import.meta.url))
    run.atEnd(() => asked.kill())
    const database = await run.databases.make("postgres")
    await asked.ask({ kind: "open", contestant: form, database, broker: vhost.url, pool: run.pool, inFlight })
    processes.set(form, asked)
  }
  const slice = async (form: Form, seconds: number): Promise<number> =>
    (await processes.get(form)?.ask({ kind: "rate", seconds })) as number
  for (const { form } of entrants) await slice(form, 1)
  const names = entrants.map(({ form }) => form)
  const rates = await inRounds("RabbitMQ: ", names, run.rounds, (form) => slice(form, run.seconds))
  const table = ratesTable(entrants, rates, { of: "jobs a second", targets: { raw: 0.6 } })
  return {
    markdown: [
      "## Jobs: by way of RabbitMQ",
      "",
      `Two callers send 1,000 at a time for ${run.seconds} s, at most 5,000 ahead; from the first call to the last completion. Medians of ${run.rounds} rounds.`,
      "",
      table,
      ...usedAs(entrants.map(({ title, used }) => ({ title, form: used }))),
    ].join("\n"),
    packages: [],
  }
}
