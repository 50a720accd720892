import type { Socket } from "node:net"
import type { RootstockError } from "../../errors/index.ts"
import { SessionError, UnavailableError } from "../../errors/index.ts"
import { fromServerError, lostConnection, readServerError } from "./errors.ts"
import type { Exchange, Field } from "./exchange.ts"
import { messages } from "./messages.ts"
import { type Statement, Statements } from "./statements.ts"

// Types of the messages that a server sends: https://www.postgresql.org/docs/current/protocol-message-formats.html
const ParseComplete = 49
const CommandComplete = 67
const DataRow = 68
const ErrorResponse = 69
const CopyInResponse = 71
const CopyOutResponse = 72
const NoticeResponse = 78
const NotificationResponse = 65
const RowDescription = 84
const ReadyForQuery = 90
const PortalSuspended = 115

const idleStatus = 73

export type WireOptions = {
  /** Host and port, for messages. */
  readonly place: string
  /** Statements keep names on the connection. */
  readonly prepares: boolean
  /** All that was asked is answered. */
  readonly onIdle: (wire: Wire) => void
  /** The connection is gone. */
  readonly onLost: (wire: Wire) => void
  /** The server found plans that no longer fit. */
  readonly onStale: () => void
  /** Of a channel that the connection listens to. */
  readonly onNotification?: (channel: string, payload: string) => void
}

// Present on every Buffer, and cheaper than toString with its options.
type Slicing = Buffer & { utf8Slice(start: number, end: number): string }

/**
 * An authenticated connection that speaks the extended protocol: exchanges are written at once and answered in order.
 * https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-PIPELINING
 */
export class Wire {
  readonly processId: number
  /** What keeps it from others, e.g. a transaction; undefined while it serves single statements. */
  holder: string | undefined
  /** Told of each error that the server answers. */
  onFailure: ((error: RootstockError) => void) | undefined
  /** When the holder got it, or when it became idle; milliseconds of the monotonic clock. */
  since = 0
  readonly opened: number
  /** To be looked at before it is used again. */
  doubtful = false
  /** To be closed as soon as it is idle. */
  retired = false
  readonly #socket: Socket
  readonly #options: WireOptions
  readonly #statements: Statements
  readonly #asked: Exchange[] = []
  #plansStale = false
  #status = idleStatus
  #rest: Buffer[] = []
  #restLength = 0
  #needed = 0
  #lost: RootstockError | undefined
  #closing: (() => void) | undefined

  constructor(socket: Socket, processId: number, opened: number, options: WireOptions) {
    this.#socket = socket
    this.processId = processId
    this.opened = opened
    this.#options = options
    this.#statements = new Statements(options.prepares)
    socket.on("data", (chunk: Buffer) => this.#receive(chunk))
    socket.on("error", (error) => this.#end(lostConnection(options.place, error)))
    socket.on("close", () => this.#end(lostConnection(options.place, undefined)))
    socket.on("end", () => this.#end(lostConnection(options.place, undefined)))
  }

  get inTransaction(): boolean {
    return this.#status !== idleStatus
  }

  /** What it is busy with. */
  get asked(): Exchange | undefined {
    return this.#asked[0]
  }

  get lost(): RootstockError | undefined {
    return this.#lost
  }

  /** Asks now; the answers come in the order of asking. False where nothing was sent, and the exchange has failed. */
  send(exchange: Exchange): boolean {
    if (this.#lost !== undefined) {
      exchange.fail(this.#lost)
      return false
    }
    try {
      if (this.#plansStale) {
        this.#plansStale = false
        this.#statements.clear()
      }
      const { preludes } = exchange
      exchange.skipping = preludes.length
      for (const { sql, values } of preludes) {
        messages.bind("", this.prepare(sql, exchange).name, values)
        messages.execute("", 0)
      }
      exchange.write(this)
      if (!exchange.simple) messages.sync()
    } catch (error) {
      messages.discard()
      for (const statement of exchange.parsing ?? []) this.#statements.remove(statement)
      // What was to be closed on the way stays open on the server until its name is used again.
      exchange.fail(error)
      this.#settled()
      return false
    }
    this.#asked.push(exchange)
    this.#socket.write(messages.take())
    return true
  }

  /** The statement of this SQL, with a Parse written if the connection does not have it. */
  prepare(sql: string, exchange: Exchange, replanned?: boolean): Statement {
    const found = this.#statements.find(sql, replanned)
    if (found !== undefined) return found
    const statement = this.#statements.add(sql)
    if (exchange.parsing === undefined) exchange.parsing = [statement]
    else exchange.parsing.push(statement)
    return statement
  }

  /** All statements are prepared anew, here and on the other connections. */
  forgetPlans(): void {
    this.#options.onStale()
  }

  markPlansStale(): void {
    this.#plansStale = true
  }

  /** Takes note of an error before it goes to who asked. */
  failed(error: RootstockError): RootstockError {
    this.onFailure?.(error)
    return error
  }

  /** Says goodbye, and waits until the connection is closed. */
  close(): Promise<void> {
    if (this.#lost !== undefined) return Promise.resolve()
    return new Promise((resolve) => {
      this.#closing = resolve
      messages.terminate()
      this.#socket.end(messages.take())
      // A server that does not answer does not keep the program from its end.
      this.#socket.setTimeout(2_000, () => this.destroy())
    })
  }

  destroy(cause?: unknown): void {
    this.#end(lostConnection(this.#options.place, cause))
  }

  #end(error: RootstockError): void {
    if (this.#lost !== undefined) return
    this.#lost = error
    this.#socket.destroy()
    this.#options.onLost(this)
    for (const exchange of this.#asked.splice(0)) {
      const { failure } = exchange
      exchange.fail(failure === undefined ? error : fromServerError(failure, exchange.label))
    }
    this.#closing?.()
  }

  #receive(chunk: Buffer): void {
    let buffer = chunk
    if (this.#restLength > 0) {
      this.#rest.push(chunk)
      this.#restLength += chunk.length
      if (this.#restLength < this.#needed) return
      buffer = Buffer.concat(this.#rest, this.#restLength)
      this.#rest = []
      this.#restLength = 0
    }
    const { length } = buffer
    let at = 0
    while (at + 5 <= length) {
      const next = at + 1 + buffer.readUInt32BE(at + 1)
      if (next > length) break
      this.#message(buffer, buffer[at] as number, at + 5, next)
      at = next
    }
    if (at === length) return
    const rest = at === 0 ? buffer : buffer.subarray(at)
    this.#rest = [rest]
    this.#restLength = rest.length
    this.#needed = rest.length < 5 ? 5 : rest.readUInt32BE(1) + 1
  }

  #message(buffer: Buffer, type: number, start: number, end: number): void {
    const exchange = this.#asked[0]
    switch (type) {
      case DataRow:
        if (exchange !== undefined && exchange.skipping === 0) this.#row(exchange, buffer, start)
        return
      case CommandComplete:
        if (exchange === undefined) return
        if (exchange.skipping > 0) exchange.skipping--
        else exchange.complete(countOf(buffer, end), exchange.wantsTag ? buffer.toString("latin1", start, end - 1) : "")
        return
      case ReadyForQuery:
        this.#ready(buffer[start] as number)
        return
      case ParseComplete:
        exchange?.parsing?.shift()
        return
      case PortalSuspended:
        exchange?.suspended()
        return
      case RowDescription:
        if (exchange?.skipping === 0) exchange.describe(fieldsOf(buffer, start))
        return
      case ErrorResponse:
        this.#error(exchange, buffer, start, end)
        return
      case CopyInResponse:
      case CopyOutResponse:
        this.#end(
          new UnavailableError("The connection was closed: COPY cannot be run here.", {
            cure: "Use createMany, or psql's \\copy for large files.",
          }),
        )
        return
      case NoticeResponse:
        return
      case NotificationResponse:
        this.#notified(buffer, start)
        return
      default:
      // BindComplete, NoData, ParameterStatus and the like carry nothing that is needed.
    }
  }

  #row(exchange: Exchange, buffer: Buffer, start: number): void {
    const count = (buffer[start]! << 8) | buffer[start + 1]!
    const row = new Array<string | null>(count)
    let at = start + 2
    for (let index = 0; index < count; index++) {
      const length = (buffer[at]! << 24) | (buffer[at + 1]! << 16) | (buffer[at + 2]! << 8) | buffer[at + 3]!
      at += 4
      if (length < 0) {
        row[index] = null
      } else {
        row[index] = (buffer as Slicing).utf8Slice(at, at + length)
        at += length
      }
    }
    if (exchange.unreadable !== undefined) return
    try {
      exchange.row(row)
    } catch (error) {
      exchange.unreadable = error
    }
  }

  /** The number of the sender's process, then channel and payload, each ended by a zero. */
  #notified(buffer: Buffer, start: number): void {
    const channelEnd = buffer.indexOf(0, start + 4)
    const payloadEnd = buffer.indexOf(0, channelEnd + 1)
    const channel = buffer.toString("utf8", start + 4, channelEnd)
    this.#options.onNotification?.(channel, buffer.toString("utf8", channelEnd + 1, payloadEnd))
  }

  #error(exchange: Exchange | undefined, buffer: Buffer, start: number, end: number): void {
    const failure = readServerError(buffer, start, end)
    if (exchange !== undefined) exchange.failure ??= failure
    // Without a question, or after a fatal error, the server closes the connection.
    else this.#end(fromServerError(failure, "connection"))
  }

  #ready(status: number): void {
    this.#status = status
    const exchange = this.#asked.shift()
    if (exchange === undefined) return
    if (exchange.failure !== undefined && exchange.parsing !== undefined) {
      for (const statement of exchange.parsing) this.#statements.remove(statement)
    }
    const leftOpen = status !== idleStatus && this.holder === undefined
    if (leftOpen) {
      exchange.unreadable = new SessionError(`${exchange.label} left a transaction open; it was rolled back.`, {
        cure: "Begin and end transactions with `transaction(…)`, not with SQL.",
      })
    }
    exchange.ready(this)
    if (leftOpen) this.destroy(exchange.unreadable)
    this.#settled()
  }

  #settled(): void {
    if (this.#asked.length === 0 && this.holder === undefined && this.#lost === undefined) this.#options.onIdle(this)
  }
}

/** The number at the end of a command tag such as `INSERT 0 3`; 0 where there is none. */
function countOf(buffer: Buffer, end: number): number {
  let count = 0
  let place = 1
  for (let at = end - 2; ; at--) {
    const digit = (buffer[at] as number) - 48
    if (digit < 0 || digit > 9) return count
    count += digit * place
    place *= 10
  }
}

function fieldsOf(buffer: Buffer, start: number): Field[] {
  const fields: Field[] = []
  let at = start + 2
  for (let count = buffer.readInt16BE(start); count > 0; count--) {
    const stop = buffer.indexOf(0, at)
    fields.push({
      name: buffer.toString("utf8", at, stop),
      tableId: buffer.readUInt32BE(stop + 1),
      columnId: buffer.readInt16BE(stop + 5),
      typeId: buffer.readUInt32BE(stop + 7),
    })
    at = stop + 19
  }
  return fields
}
