import {
  CheckError,
  ForeignKeyError,
  NotNullError,
  QueryError,
  RootstockError,
  SerializationError,
  TimeoutError,
  UnavailableError,
  UniqueError,
  ValidationError,
} from "../../errors/index.ts"
import { unreadable } from "../unreadable.ts"

type SqliteError = Error & { errcode?: number; code?: string }

// https://sqlite.org/rescode.html
const busy = 5
const locked = 6
// The race to begin a transaction was lost again and again: https://sqlite.org/rescode.html#protocol
const protocol = 15

/** Whether another connection holds what was asked for, so that the same may succeed a moment later. */
export function isBusy(error: unknown): boolean {
  const code = (error as SqliteError)?.errcode
  return code !== undefined && [busy, locked, protocol].includes(code & 0xff)
}

/** `UNIQUE constraint failed: users.first, users.second` → table and columns. */
function named(message: string): { table?: string; columns: string[] } {
  const list = /constraint failed: (.*)$/.exec(message)?.[1] ?? ""
  const columns: string[] = []
  let table: string | undefined
  for (const part of list.split(", ")) {
    const at = part.indexOf(".")
    if (at === -1) continue
    table = part.slice(0, at)
    columns.push(part.slice(at + 1))
  }
  return table === undefined ? { columns } : { table, columns }
}

/** Another process held the file for longer than this one waits. */
export function heldElsewhere(waitedMs: number, cause: unknown): TimeoutError {
  return new TimeoutError(`Waited ${waitedMs} ms for the database file, which another process holds.`, {
    cure: "Look for a process with a long transaction on the same file.",
    cause,
  })
}

/** The library's error for one of the driver's. */
export function translateSqliteError(error: unknown): Error {
  if (error instanceof RootstockError) return error
  if (!(error instanceof Error)) return new QueryError(String(error), { cure: "See the cause.", cause: error })
  const { errcode, message } = error as SqliteError
  if (error instanceof RangeError) return unreadable(error) as Error
  if (errcode === undefined)
    return new QueryError(message, { cure: "See the statement and its parameters.", cause: error })
  switch (errcode) {
    case 2067: // SQLITE_CONSTRAINT_UNIQUE
    case 1555: // SQLITE_CONSTRAINT_PRIMARYKEY
    case 2579: {
      // SQLITE_CONSTRAINT_ROWID
      const constraint = /index '(.*)'$/.exec(message)?.[1]
      return new UniqueError("A row with the same value exists already.", {
        cure: "Choose another value, or change the row that has it.",
        ...named(message),
        constraint,
        cause: error,
      })
    }
    case 787: // SQLITE_CONSTRAINT_FOREIGNKEY
      return foreignKeyError(error)
    case 1299: // SQLITE_CONSTRAINT_NOTNULL
      return new NotNullError("A column that may not be null was given none.", {
        cure: "Give it a value.",
        ...named(message),
        cause: error,
      })
    case 275: // SQLITE_CONSTRAINT_CHECK
      return checkError(error)
    case 1811: // SQLITE_CONSTRAINT_TRIGGER
      // RESTRICT is a trigger inside SQLite, and fails as one.
      if (message.startsWith("FOREIGN KEY")) return foreignKeyError(error)
      return checkError(error)
    case 3091: // SQLITE_CONSTRAINT_DATATYPE
      return new ValidationError(message, { cure: "Give values of the column's type.", cause: error })
  }
  switch (errcode & 0xff) {
    case busy:
    case locked:
    case protocol:
      return new SerializationError("The database file is held by another connection.", {
        cure: "Run the transaction again.",
        cause: error,
      })
    case 8: // SQLITE_READONLY
      return new QueryError("The database or the transaction is read-only.", {
        cure: "Write outside `readOnly`, or mend the file's permissions.",
        cause: error,
      })
    case 10: // SQLITE_IOERR
    case 11: // SQLITE_CORRUPT
    case 13: // SQLITE_FULL
    case 14: // SQLITE_CANTOPEN
    case 26: // SQLITE_NOTADB
      return new UnavailableError(`The database file cannot be used: ${message}.`, {
        cure: "Look at the path, its permissions, the free space of its disk, and whether it is an SQLite file.",
        cause: error,
      })
  }
  return new QueryError(message, { cure: "See the statement and its parameters.", cause: error })
}

function foreignKeyError(cause: Error): ForeignKeyError {
  return new ForeignKeyError("A reference would name no row.", {
    cure: "Make the referenced row first, or remove the rows that reference this one.",
    cause,
  })
}

/** Our triggers speak as checks do: they name what refuses. */
function checkError(cause: Error): CheckError {
  const constraint = /^CHECK constraint failed: (.*)$/.exec(cause.message)?.[1]
  return new CheckError(constraint === undefined ? cause.message : "A value breaks a check.", {
    cure: "Give values that fulfil it.",
    constraint,
    cause,
  })
}
