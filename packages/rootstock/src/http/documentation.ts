import { DeclarationError } from "../errors/index.ts"
import { type Fields, type JsonSchema, jsonNameOf } from "../fields/index.ts"
import { commonRules, type Rule } from "../shared/index.ts"
import type { Access } from "./access.ts"
import type { Method, Route } from "./route.ts"

/** The schema of a problem document. */
export const problemSchema: JsonSchema = {
  title: "Problem",
  description: "A problem document (RFC 9457).",
  type: "object",
  properties: {
    type: { type: "string", format: "uri" },
    title: { type: "string" },
    status: { type: "integer" },
    detail: { type: "string" },
    error_code: { type: "string" },
    request_id: { type: "string" },
    errors: {
      type: "array",
      items: {
        type: "object",
        properties: { path: { type: "string" }, message: { type: "string" } },
        required: ["path", "message"],
      },
    },
  },
  required: ["type", "title", "status", "detail", "error_code", "request_id"],
}

/** The rules that a call can break: its own, those that follow from its form, and those of who may make it. */
export function refusalsOf({ method, options, streams }: Route, access: Access): Readonly<Record<string, Rule>> {
  const common = commonRules.list
  const checked = method !== "GET" || options.params !== undefined || options.query !== undefined || streams === true
  const keyed = takesKey(method, options)
  const { IDEMPOTENCY_KEY_REUSED, REQUEST_IN_PROGRESS, TOO_LARGE, UNSUPPORTED_MEDIA_TYPE } = common
  return {
    ...options.refusals,
    ...(checked ? { VALIDATION_FAILED: common.VALIDATION_FAILED } : {}),
    ...(method === "GET" ? {} : { TOO_LARGE, UNSUPPORTED_MEDIA_TYPE }),
    ...(keyed ? { IDEMPOTENCY_KEY_REUSED, REQUEST_IN_PROGRESS } : {}),
    ...(options.version !== undefined && method !== "GET" ? { VERSION_MISMATCH: common.VERSION_MISMATCH } : {}),
    ...(options.access === "public" ? {} : access.refusals),
    INTERNAL: common.INTERNAL,
    UNAVAILABLE: common.UNAVAILABLE,
  }
}

/** Whether answers of a call are kept under an `Idempotency-Key`. */
export function takesKey(
  method: Method,
  { secretAnswer, asksOthers }: Pick<Route["options"], "secretAnswer" | "asksOthers">,
): boolean {
  return method === "POST" && secretAnswer !== true && asksOthers !== true
}

/** The answers of a call to broken rules, by status, as OpenAPI describes them. */
export function problemAnswers(refusals: Readonly<Record<string, Rule>>): Record<string, unknown> {
  const byStatus = Map.groupBy(Object.entries(refusals), ([, rule]) => rule.status)
  return Object.fromEntries(
    [...byStatus].map(([status, rules]) => {
      const description = rules.map(([code, rule]) => `\`${code}\`: ${rule.title}.`).join(" ")
      const codes = { properties: { error_code: { enum: rules.map(([code]) => code) } } }
      return [
        status,
        { description, content: { "application/problem+json": { schema: { allOf: [problemSchema, codes] } } } },
      ]
    }),
  )
}

const header = (description: string, schema: JsonSchema = { type: "string" }) => ({ ...schema, description })

/** The schema of several fields as one object, for paths and queries. */
export function fieldsSchema(fields: Fields = {}): JsonSchema {
  const entries = Object.entries(fields).map(([key, field]) => ({ name: jsonNameOf(key, field), field }))
  return {
    type: "object",
    properties: Object.fromEntries(entries.map(({ name, field }) => [name, field.schema])),
    required: entries.filter(({ field }) => !field.optional && !("default" in field.schema)).map(({ name }) => name),
    additionalProperties: false,
  }
}

/**
 * What Fastify's swagger plugin turns into the operation of the OpenAPI document.
 *
 * @param prefix what stands before the path, e.g. `/shop`; part of the operation's id
 */
export function operationOf(route: Route, prefix: string, access: Access): Record<string, unknown> {
  const { method, path, options } = route
  const status = String(statusOf(route))
  const headers = {
    ...(takesKey(method, options)
      ? {
          "Idempotency-Key": header("Repeating the call with the same key gives the same answer for 24 hours.", {
            type: "string",
            maxLength: 128,
          }),
        }
      : {}),
    ...(options.version !== undefined && method !== "GET"
      ? { "If-Match": header('The version in quotes that the row must have, e.g. `"3"`.') }
      : {}),
    ...(route.streams === true
      ? { "Last-Event-ID": header("Id of the last event that the client has.", { type: "string", maxLength: 64 }) }
      : {}),
    "X-Request-Id": header("Id of the request; made where it is missing, and sent back.", {
      type: "string",
      maxLength: 64,
    }),
  }
  return {
    summary: options.summary,
    ...(options.description === undefined ? {} : { description: options.description }),
    operationId: `${method.toLowerCase()}${(prefix + path).replace(/[{}]/g, "").replace(/(?:\/|_)([a-z])/g, (_, letter: string) => letter.toUpperCase())}`,
    tags: [options.tag],
    headers: { type: "object", properties: headers },
    ...(options.params === undefined ? {} : { params: fieldsSchema(options.params) }),
    ...(options.query === undefined ? {} : { querystring: fieldsSchema(options.query) }),
    ...(options.body === undefined ? {} : { body: options.body.schema }),
    response: {
      [status]: answerOf(route),
      ...(options.mayExist === true ? { 200: { ...answerOf(route), description: "It is there already." } } : {}),
      ...problemAnswers(refusalsOf(route, access)),
    },
    security: options.access === "public" ? [] : access.security,
  }
}

/** Status of the answer of a call that succeeds. */
export function statusOf({ options, streams }: Route): number {
  return options.status ?? (options.answer === undefined && streams !== true ? 204 : 200)
}

function answerOf({ method, options, streams }: Route): Record<string, unknown> {
  if (streams === true) {
    return {
      description: "Events as they happen (server-sent events), until the client or the server ends it.",
      content: { "text/event-stream": { schema: { type: "string" } } },
    }
  }
  if (options.answer === undefined) return { description: "Done.", type: "null" }
  return {
    description: "Done.",
    content: { "application/json": { schema: options.answer.schema } },
    ...(options.version !== undefined && method === "GET"
      ? { headers: { ETag: { description: "The version of the row, in quotes.", schema: { type: "string" } } } }
      : {}),
  }
}

/**
 * Moves every schema that has a title among the components of the document, and refers to it.
 *
 * @param ownerOf what is put before the names of the schemas of a path, so that those of several systems differ
 * @throws DeclarationError where two different schemas have the same name
 */
export function withComponents(
  document: Record<string, unknown>,
  ownerOf: (path: string) => string,
): Record<string, unknown> {
  const schemas: Record<string, unknown> = {}
  const named = (title: string, schema: object): object => {
    const known = schemas[title]
    if (known !== undefined && JSON.stringify(known) !== JSON.stringify(schema)) {
      throw new DeclarationError(`Two different schemas are named ${title}.`, {
        cure: "Give one of the objects another name.",
      })
    }
    schemas[title] = schema
    return { $ref: `#/components/schemas/${title}` }
  }
  const walk = (value: unknown, inSchema: boolean, owner: string): unknown => {
    if (Array.isArray(value)) return value.map((item) => walk(item, inSchema, owner))
    if (typeof value !== "object" || value === null) return value
    const copy: Record<string, unknown> = Object.fromEntries(
      Object.entries(value).map(([key, item]) => [key, walk(item, inSchema || key === "schema", owner)]),
    )
    const { title, ...schema } = copy
    if (!inSchema || typeof title !== "string" || copy["type"] !== "object") return copy
    return named(sharedSchemas.has(title) ? title : owner + title, schema)
  }
  const paths = Object.fromEntries(
    Object.entries(document["paths"] as object).map(([path, methods]) => [path, walk(methods, false, ownerOf(path))]),
  )
  const components = { ...(document["components"] as object), schemas }
  return { ...document, paths, components }
}

/** Names of the schemas that all systems share. */
const sharedSchemas: ReadonlySet<string> = new Set(["Problem", "Health"])
