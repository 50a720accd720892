import pg from "pg"
import {
  CheckError,
  ForeignKeyError,
  NotNullError,
  QueryError,
  type RootstockError,
  SerializationError,
  TimeoutError,
  UnavailableError,
  UniqueError,
} from "../../errors/index.ts"

/** What the server says of an error. https://www.postgresql.org/docs/current/protocol-error-fields.html */
export type ServerError = pg.DatabaseError

const fieldNames: Record<string, keyof pg.DatabaseError> = {
  S: "severity",
  C: "code",
  D: "detail",
  H: "hint",
  P: "position",
  p: "internalPosition",
  q: "internalQuery",
  W: "where",
  s: "schema",
  t: "table",
  c: "column",
  d: "dataType",
  n: "constraint",
  F: "file",
  L: "line",
  R: "routine",
}

/** Reads the fields of an ErrorResponse or NoticeResponse that lies between the two places. */
export function readServerError(buffer: Buffer, start: number, end: number): ServerError {
  const fields: Record<string, string> = {}
  let message = ""
  for (let at = start; at < end && buffer[at] !== 0; ) {
    const field = String.fromCharCode(buffer[at] as number)
    const stop = buffer.indexOf(0, at + 1)
    const text = buffer.toString("utf8", at + 1, stop)
    if (field === "M") message = text
    const name = fieldNames[field]
    if (name !== undefined) fields[name] = text
    at = stop + 1
  }
  return Object.assign(new pg.DatabaseError(message, end - start, "error"), fields)
}

/** The plan kept on the server no longer fits the tables, or is gone; the statement must be prepared anew. */
export function isStalePlan(error: ServerError): boolean {
  return error.code === "26000" || (error.code === "0A000" && error.routine === "RevalidateCachedQuery")
}

/** The server closes the connection after such an error. */
function isFatal(error: ServerError): boolean {
  return error.severity === "FATAL" || error.severity === "PANIC"
}

/** `Key (a, b)=(…)` names the columns of a constraint before their values. */
function detailColumns(detail: string | undefined): string[] | undefined {
  const names = detail?.match(/\(([^()]*)\)=\(/)?.[1]
  if (names === undefined) return undefined
  return names.split(", ").map((name) => (name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name))
}

/** Values of rows and parameters do not leave with an error: they may be secrets, and errors go to logs. */
function withoutValues(error: ServerError): ServerError {
  const kind = error.code?.slice(0, 2)
  if (kind === "23") error.detail = undefined
  if (kind === "22") {
    error.message = error.message.replace(/"(?:[^"]|"")*"/g, '"…"')
    error.detail = undefined
  }
  // What the statement did when it failed; for portals it repeats parameters.
  error.where = undefined
  return error
}

const place = ({ constraint, table }: ServerError): string =>
  `${constraint === undefined ? "" : `constraint ${constraint}`}${table === undefined ? "" : ` of ${table}`}`.trim()

/**
 * One of the library's errors for an error of the server.
 *
 * @param label the call that met it
 */
export function fromServerError(error: ServerError, label: string): RootstockError {
  const { code = "", table, constraint, column } = error
  const columns = column === undefined ? detailColumns(error.detail) : [column]
  const stillReferenced = code === "23001" || error.detail?.includes("still referenced") === true
  const cause = withoutValues(error)
  const details = { cause, table, constraint, columns }
  switch (code) {
    case "23505":
    case "23P01":
      return new UniqueError(`A row with the same value exists already: ${place(error)}.`, {
        ...details,
        cure: "Give another value, or change the row that has it.",
      })
    case "23503":
    case "23001":
      return stillReferenced
        ? new ForeignKeyError(`Other rows reference the row: ${place(error)}.`, {
            ...details,
            cure: "Delete or change the rows that reference it first.",
          })
        : new ForeignKeyError(`The row that is referenced does not exist: ${place(error)}.`, {
            ...details,
            cure: "Give the key of a row that exists.",
          })
    case "23502":
      return new NotNullError(`${table ?? "The table"}.${column ?? "?"} may not be null.`, {
        ...details,
        cure: "Give the column a value.",
      })
    case "23514":
      return new CheckError(`A value breaks a check: ${place(error)}.`, {
        ...details,
        cure: "Give a value that the check allows.",
      })
    case "22001":
      return new CheckError("A text is longer than its column allows.", { ...details, cure: "Shorten the text." })
    case "22003":
      return new CheckError("A number is out of the range of its column.", {
        ...details,
        cure: "Give a number within the range.",
      })
    case "40001":
      return new SerializationError("Another transaction changed what this one read or wrote.", {
        cause,
        cure: "Run the transaction again.",
      })
    case "40P01":
      return new SerializationError("Two transactions waited for each other (a deadlock).", {
        cause,
        cure: "Run the transaction again; take locks in the same order everywhere.",
      })
    case "55P03":
      return new TimeoutError(`${label} waited too long for a lock.`, {
        cause,
        cure: "Make the transactions that hold the lock shorter, or raise lockTimeoutMs.",
      })
    case "57014":
      return new TimeoutError(`${label} was stopped: it took longer than its limit, or somebody cancelled it.`, {
        cause,
        cure: "Make the statement faster (an index, a smaller limit), or raise statementTimeoutMs.",
      })
    case "53300":
      return new UnavailableError("The server has no connection left.", {
        cause,
        cure: "Make the pools of all processes together smaller than the server's max_connections.",
      })
    case "25P03":
      return new TimeoutError("The server closed a transaction that did nothing for too long.", {
        cause,
        cure: "Do slow work that needs no database outside of the transaction.",
      })
    case "25006":
      return new QueryError(`${label} changes data, but the transaction or the server is read-only.`, {
        cause,
        cure: "Open the transaction without readOnly, and write to the primary server.",
      })
    case "25P02":
      return new QueryError(`${label} did not run: a statement before it in the transaction failed.`, {
        cause,
        cure: "Wait for each statement and end the transaction when one fails, or guard it by a nested transaction.",
      })
    case "42P01":
    case "42703":
    case "3F000":
      return new QueryError(`${label} failed: ${cause.message}.`, {
        cause,
        cure: "Bring the database up to date with the migrations, or correct the name.",
      })
  }
  if (code.startsWith("08") || code.startsWith("57P") || isFatal(error)) {
    return new UnavailableError(`The server ended the connection: ${cause.message}.`, {
      cause,
      cure: "Try again; if it stays so, look into the server's log.",
    })
  }
  if (code.startsWith("53") || code.startsWith("58")) {
    return new UnavailableError(`The server cannot work: ${cause.message}.`, {
      cause,
      cure: "Look into the server's log: disk, memory or connections are used up.",
    })
  }
  return new QueryError(`${label} failed: ${cause.message}.`, {
    cause,
    cure: error.hint === undefined ? "Correct the statement or its parameters." : error.hint,
  })
}

/** The error of a statement whose connection is gone. */
export function lostConnection(place: string, cause: unknown): UnavailableError {
  return new UnavailableError(`The connection to ${place} was lost.`, {
    cause,
    cure: "Try again: the next call opens another connection. Whether a change that was under way is kept is not known.",
  })
}

/** The kept plans of a connection did not fit the tables any more, and the transaction they ran in is void. */
export function stalePlan(cause: ServerError): SerializationError {
  return new SerializationError("The tables changed while the transaction ran.", {
    cause,
    cure: "Run the transaction again.",
  })
}
