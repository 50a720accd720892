import { ConfigError, UnavailableError, UniqueError } from "../../src/errors/index.ts"
import {
  fieldsOf,
  listOf,
  objectOf,
  optional,
  refined,
  rowId,
  wholeNumber,
  withDefault,
} from "../../src/fields/index.ts"
import {
  type Access,
  type AnswerStore,
  type AuthMode,
  createServer,
  type HealthParts,
  type KeyLookup,
  type Probe,
  type Route,
  route,
  type Server,
  type Ticker,
} from "../../src/http/index.ts"
import { createLogger } from "../../src/log/index.ts"
import type { MetricSource } from "../../src/metrics/index.ts"
import { identity, integer, table, text, timestamp } from "../../src/schema/index.ts"
import { defineRules } from "../../src/shared/index.ts"

const things = table("things", {
  id: identity(),
  name: text({ max: 10 }),
  priceCents: integer(),
  note: text({ max: 20 }).nullable(),
  madeAt: timestamp().nullable(),
  version: integer().default(0),
})
const fields = fieldsOf(things)
const thing = objectOf("Thing", fields)
const newThing = objectOf("NewThing", {
  name: refined(fields.name, { minLength: 1 }),
  priceCents: fields.priceCents,
  note: optional(fields.note),
  madeAt: optional(fields.madeAt),
  parts: optional(listOf(objectOf("Part", { quantity: refined(wholeNumber(1, 100), { not: { const: 13 } }) }))),
})

export const rules = defineRules({
  THING_NOT_FOUND: { status: 404, title: "No such thing", cure: "Give the id of a thing." },
  THING_STUCK: { status: 409, title: "Thing is stuck", cure: "Wait." },
})

const base = { name: "pen", note: null, madeAt: null }

/** The calls of a system that shows each way in which a call can end. */
export const exampleRoutes: readonly Route[] = [
  route(
    "GET",
    "/things/{thing_id}",
    {
      summary: "One thing",
      tag: "things",
      params: { thingId: rowId },
      answer: thing,
      version: (row) => row.version,
      refusals: rules.pick("THING_NOT_FOUND"),
    },
    async ({ params }) => {
      if (params.thingId === 404) throw rules.broken("THING_NOT_FOUND", `There is no thing ${params.thingId}.`)
      return { ...base, id: params.thingId, priceCents: 1999, madeAt: new Date("2026-01-31T09:00:00Z"), version: 7 }
    },
  ),
  route(
    "PUT",
    "/things/{thing_id}",
    {
      summary: "Change a thing",
      tag: "things",
      params: { thingId: rowId },
      body: objectOf("ThingChanges", { name: optional(fields.name), note: optional(fields.note) }),
      answer: thing,
      version: (row) => row.version,
    },
    async ({ params, body, ifVersion }) => ({
      ...base,
      ...(body.note === undefined ? {} : { note: body.note }),
      id: params.thingId,
      priceCents: 1,
      version: ifVersion ?? -1,
    }),
  ),
  route(
    "GET",
    "/things",
    {
      summary: "Things",
      tag: "things",
      query: { count: withDefault(wholeNumber(1, 100), 10), minCents: optional(fields.priceCents) },
      answer: objectOf("Things", { things: listOf(thing), total: wholeNumber(0) }),
    },
    async ({ query }) => ({
      things: [{ ...base, id: 1, priceCents: query.minCents ?? 0, version: 0 }],
      total: query.count,
    }),
  ),
  route(
    "POST",
    "/things",
    { summary: "Make a thing", tag: "things", body: newThing, answer: thing, status: 201 },
    async ({ body }) => {
      if (body.name === "twin") throw new UniqueError("taken", { cure: "", columns: ["name"], value: ["twin"] })
      if (body.name === "away") throw new UnavailableError("db at 10.0.0.1 away", { cure: "" })
      if (body.name === "refused") throw new ConfigError("10.0.0.1 refuses the user app", { cure: "" })
      if (body.name === "boom") throw new Error("secret cause")
      if (body.name === "stuck") {
        throw rules.broken("THING_STUCK", "It is stuck.", { members: { from: "a", to: "b", allowed: ["c"] } })
      }
      const { parts: _, note = null, madeAt = null, ...rest } = body
      return { ...rest, note, madeAt, id: 5, version: 0 }
    },
  ),
  route(
    "DELETE",
    "/things/{thing_id}",
    { summary: "Delete", tag: "things", params: { thingId: rowId } },
    async () => undefined,
  ),
]

/** Keeps nothing: each request is carried out. */
export const noAnswers: AnswerStore = { answerOnce: (_request, work) => work() }

type ExampleOptions = {
  routes?: readonly Route[]
  auth?: AuthMode
  access?: Access
  answers?: AnswerStore
  lookupKey?: KeyLookup
  probes?: readonly Probe[]
  health?: Partial<HealthParts>
  publicUrl?: string
  metrics?: readonly MetricSource[]
  heartbeat?: Ticker
  release?: () => Promise<void>
}

/** A server over the example system, with what it logs. */
export async function exampleServer(options: ExampleOptions = {}): Promise<{ server: Server; lines: string[] }> {
  const lines: string[] = []
  const log = createLogger({ name: "http", format: "json", destination: { write: (line) => lines.push(line) } })
  const {
    routes = exampleRoutes,
    auth = "open",
    access,
    answers = noAnswers,
    lookupKey = async () => undefined,
    probes = [],
    health,
    metrics,
    heartbeat,
    publicUrl,
    release,
  } = options
  const server = await createServer({
    title: "Example",
    version: "1",
    systems: [{ name: "example", routes, auth, access, answers }],
    lookupKey,
    health: { probes, ...health },
    metrics,
    heartbeat,
    publicUrl,
    log,
    ...(release === undefined ? {} : { release }),
  })
  return { server, lines }
}
