import type { AsyncMessage } from "rabbitmq-client"
import { RootstockError } from "../../errors/index.ts"
import { type ColumnDefinition, definitionOf } from "../../schema/index.ts"
import type { Job } from "../define.ts"
import type { Backend } from "../storages.ts"
import { job } from "../tables.ts"

/** What others published, as far as it can be read. */
export type ForeignMessage =
  /** It fits; its payload is JSON as it is stored. */
  | { readonly kind: "fits"; readonly job: Job; readonly payload: unknown }
  /** It never will. `payload` is what is kept of it. */
  | { readonly kind: "refused"; readonly reason: string; readonly payload: unknown }

export type ForeignReaderOptions = {
  readonly backend: Backend
  /** The kind of job that messages of others are; undefined where the queue takes none. */
  readonly job: Job | undefined
  readonly queue: string
  /** The largest message that is read, in bytes. */
  readonly largest: number
}

/** Of a message that cannot be stored as JSON, so much is kept, in bytes. */
const keptBytes = 8_192
/** In the place of bytes that are no UTF-8. */
const replacement = "\uFFFD"

type Read = { readonly json: unknown } | { readonly reason: string }

/** Reads messages that others published to a queue. */
export class ForeignReader {
  readonly #options: ForeignReaderOptions
  readonly #write: (value: unknown) => unknown

  constructor(options: ForeignReaderOptions) {
    this.#options = options
    const { type } = definitionOf(job).column.get("payload") as ColumnDefinition
    this.#write = options.backend.dialect.codec(type).convert ?? ((value) => value)
  }

  read(message: AsyncMessage): ForeignMessage {
    const { job: kind, queue } = this.#options
    const read = this.#json(message)
    if ("reason" in read) return { kind: "refused", reason: read.reason, payload: kept(message) }
    const refused = (reason: string): ForeignMessage => ({ kind: "refused", reason, payload: read.json })
    if (kind === undefined) return refused(`The queue ${queue} takes no messages of others.`)
    try {
      return { kind: "fits", job: kind, payload: kind.payload.check(read.json) }
    } catch (error) {
      return refused(error instanceof RootstockError ? error.message : `The payload cannot be checked: ${error}`)
    }
  }

  /** What is stored of a message. */
  payloadOf(message: AsyncMessage): unknown {
    const read = this.#json(message)
    return "reason" in read ? kept(message) : read.json
  }

  #json(message: AsyncMessage): Read {
    const { largest } = this.#options
    const tooLarge = (bytes: number) => ({ reason: `The message has ${bytes} bytes, more than ${largest}.` })
    const bytes = rawBytes(message)
    if (bytes !== undefined && bytes > largest) return tooLarge(bytes)
    if (message.contentEncoding !== undefined && !/^(utf-?8|identity)$/i.test(message.contentEncoding)) {
      return { reason: `The message is encoded as ${JSON.stringify(message.contentEncoding)}, which is not read.` }
    }
    try {
      const json = jsonOf(message)
      if (json === null) return { reason: "The message is null, which is no payload." }
      const written = this.#write(json)
      if (typeof written !== "string") return { reason: `The message cannot be stored: it ${sentenceOf(written)}.` }
      // As the library has read it already, its length is what it is in the database.
      if (written.length > largest) return tooLarge(Buffer.byteLength(written))
      if (written.includes(replacement)) return { reason: "The message is not UTF-8." }
      return { json }
    } catch (error) {
      return { reason: `The message is no JSON: ${error instanceof Error ? error.message : error}` }
    }
  }
}

function rawBytes({ body }: AsyncMessage): number | undefined {
  if (Buffer.isBuffer(body)) return body.length
  return typeof body === "string" ? Buffer.byteLength(body) : undefined
}

/** The library has parsed what says that it is JSON and is. */
function jsonOf({ body, contentType }: AsyncMessage): unknown {
  if (Buffer.isBuffer(body)) return JSON.parse(body.toString("utf8"))
  return contentType === "application/json" ? body : JSON.parse(String(body))
}

function sentenceOf(problem: unknown): string {
  return typeof problem === "object" && problem !== null && "sentence" in problem
    ? String(problem.sentence)
    : "is no JSON"
}

/** The beginning of a message that cannot be stored as it is. */
function kept(message: AsyncMessage): unknown {
  const { contentType, contentEncoding } = message
  return {
    ...beginningOf(message),
    ...(contentType === undefined ? {} : { content_type: storable(contentType) }),
    ...(contentEncoding === undefined ? {} : { content_encoding: storable(contentEncoding) }),
  }
}

function beginningOf({ body, contentType }: AsyncMessage): Readonly<Record<string, unknown>> {
  if (Buffer.isBuffer(body)) {
    const beginning = body.subarray(0, keptBytes)
    const text = beginning.toString("utf8")
    // Text that breaks off in a character is text nevertheless.
    const isText = !(body.length > keptBytes ? text.slice(0, -1) : text).includes(replacement)
    return { bytes: body.length, ...(isText ? { text: storable(text) } : { base64: beginning.toString("base64") }) }
  }
  // The library has read it: these are no longer the bytes that came.
  const text = contentType === "application/json" ? JSON.stringify(body ?? null) : String(body)
  return { bytes: Buffer.byteLength(text), text: storable(text.slice(0, keptBytes)) }
}

/** As both engines can store it. */
function storable(text: string): string {
  return text.replaceAll("\0", replacement).toWellFormed()
}
