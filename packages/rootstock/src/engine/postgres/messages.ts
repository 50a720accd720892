import { ValidationError } from "../../errors/index.ts"
import type { SqlValue } from "../../schema/index.ts"

// Types of the messages that a client sends: https://www.postgresql.org/docs/current/protocol-message-formats.html
const Bind = 66
const Close = 67
const Describe = 68
const Execute = 69
const Parse = 80
const SimpleQuery = 81
const Sync = 83
const Terminate = 88

const statementKind = 83
const portalKind = 80

/** Strings up to this length are written by a loop, which is faster than a call into the runtime. */
const shortText = 32

let buffer = Buffer.allocUnsafeSlow(65_536)
let at = 0

function ensure(size: number): void {
  if (buffer.length - at >= size) return
  const larger = Buffer.allocUnsafeSlow(Math.max(buffer.length * 2, at + size))
  buffer.copy(larger, 0, 0, at)
  buffer = larger
}

function int32(value: number): void {
  buffer[at] = value >>> 24
  buffer[at + 1] = value >>> 16
  buffer[at + 2] = value >>> 8
  buffer[at + 3] = value
  at += 4
}

function int16(value: number): void {
  buffer[at] = value >>> 8
  buffer[at + 1] = value
  at += 2
}

/** Writes the text without its end; there must be room for three bytes a character. */
function utf8(text: string): void {
  const { length } = text
  if (length > shortText) {
    at += buffer.write(text, at)
    return
  }
  const start = at
  for (let index = 0; index < length; index++) {
    const code = text.charCodeAt(index)
    if (code > 127) {
      at = start + buffer.write(text, start)
      return
    }
    buffer[at++] = code
  }
}

function terminated(text: string): void {
  utf8(text)
  buffer[at++] = 0
}

/** Puts down the type and leaves room for the length; gives the place of the length. */
function begin(type: number, room: number): number {
  ensure(room + 5)
  buffer[at++] = type
  at += 4
  return at - 4
}

function end(place: number): void {
  const length = at - place
  buffer[place] = length >>> 24
  buffer[place + 1] = length >>> 16
  buffer[place + 2] = length >>> 8
  buffer[place + 3] = length
}

function valueText(value: Exclude<SqlValue, null>): string {
  if (value instanceof Uint8Array)
    return `\\x${Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("hex")}`
  if (typeof value === "number" || typeof value === "bigint" || typeof value === "boolean") return String(value)
  throw new ValidationError(`A parameter is ${typeof value}, which cannot be sent.`, {
    cure: "Give a string, a number, a bigint, a Uint8Array or null.",
  })
}

/**
 * The messages of a client, written one behind the other into a place that all connections share; `take` gives them
 * and empties it. Whoever writes takes, in the same turn of the program.
 */
export const messages = {
  parse(name: string, sql: string): void {
    const place = begin(Parse, name.length * 3 + sql.length * 3 + 4)
    terminated(name)
    terminated(sql)
    int16(0)
    end(place)
  },

  /** Parameters and results go as text. */
  bind(portal: string, statement: string, values: readonly SqlValue[]): void {
    const place = begin(Bind, (portal.length + statement.length) * 3 + 8)
    terminated(portal)
    terminated(statement)
    int16(0)
    const { length } = values
    int16(length)
    for (let index = 0; index < length; index++) {
      const value = values[index]
      if (value === null || value === undefined) {
        ensure(4)
        int32(-1)
        continue
      }
      const text = typeof value === "string" ? value : valueText(value)
      ensure(text.length * 3 + 4)
      const start = at
      at += 4
      utf8(text)
      const size = at - start - 4
      at = start
      int32(size)
      at = start + 4 + size
    }
    ensure(2)
    int16(0)
    end(place)
  },

  describeStatement(name: string): void {
    const place = begin(Describe, name.length * 3 + 2)
    buffer[at++] = statementKind
    terminated(name)
    end(place)
  },

  /** @param rows at most so many; 0 for all */
  execute(portal: string, rows: number): void {
    const place = begin(Execute, portal.length * 3 + 5)
    terminated(portal)
    int32(rows)
    end(place)
  },

  closeStatement(name: string): void {
    const place = begin(Close, name.length * 3 + 2)
    buffer[at++] = statementKind
    terminated(name)
    end(place)
  },

  closePortal(name: string): void {
    const place = begin(Close, name.length * 3 + 2)
    buffer[at++] = portalKind
    terminated(name)
    end(place)
  },

  query(sql: string): void {
    const place = begin(SimpleQuery, sql.length * 3 + 1)
    terminated(sql)
    end(place)
  },

  sync(): void {
    end(begin(Sync, 0))
  },

  terminate(): void {
    end(begin(Terminate, 0))
  },

  /** All that was written, as a buffer of its own. */
  take(): Buffer {
    const taken = Buffer.allocUnsafe(at)
    buffer.copy(taken, 0, 0, at)
    at = 0
    // What one large statement needed is not kept for ever.
    if (buffer.length > 1_048_576) buffer = Buffer.allocUnsafeSlow(65_536)
    return taken
  },

  /** Gives up what was written, because writing failed half way. */
  discard(): void {
    at = 0
  },
}
