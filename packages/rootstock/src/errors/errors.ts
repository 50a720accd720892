type Details = { cure: string; cause?: unknown }

/**
 * What every error of the library is: a stable `code`, a `message` that says why, a `cure` that says what to do,
 * and the driver's own error as `cause` where there is one.
 */
export abstract class RootstockError extends Error {
  abstract readonly code: string
  /** One sentence that says how to mend it. */
  readonly cure: string

  constructor(message: string, { cure, cause }: Details) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = new.target.name
    this.cure = cure
  }
}

type ConstraintDetails = Details & {
  table?: string | undefined
  constraint?: string | undefined
  columns?: readonly string[] | undefined
}

abstract class ConstraintError extends RootstockError {
  /** Name of the table in the database. */
  readonly table: string | undefined
  /** Name of the constraint or index in the database, where the engine tells it. */
  readonly constraint: string | undefined
  /** The columns of the constraint, by their TypeScript names; empty where the engine does not tell them. */
  readonly columns: readonly string[]

  constructor(message: string, details: ConstraintDetails) {
    super(message, details)
    this.table = details.table
    this.constraint = details.constraint
    this.columns = details.columns ?? []
  }
}

/** A row with these values exists already. */
export class UniqueError extends ConstraintError {
  override readonly code = "UNIQUE"
  /** The values that were refused, in the order of `columns`, where they are known. */
  readonly value: readonly unknown[]

  constructor(message: string, details: ConstraintDetails & { value?: readonly unknown[] | undefined }) {
    super(message, details)
    this.value = details.value ?? []
  }
}

/** A reference names a row that does not exist, or a row that others reference would go. */
export class ForeignKeyError extends ConstraintError {
  override readonly code = "FOREIGN_KEY"
}

/** A value breaks a check: a length, a choice, a range, or a declared `check`. */
export class CheckError extends ConstraintError {
  override readonly code = "CHECK"
}

/** A column that may not be null was given none. */
export class NotNullError extends ConstraintError {
  override readonly code = "NOT_NULL"
}

/** The row that was asked for does not exist. */
export class NotFoundError extends RootstockError {
  override readonly code = "NOT_FOUND"
}

/** The row changed since it was read: its version differs from the one given. */
export class ConflictError extends RootstockError {
  override readonly code = "CONFLICT"
}

/** Something took longer than its limit: a statement, a lock, the wait for the writer or a connection. */
export class TimeoutError extends RootstockError {
  override readonly code = "TIMEOUT"
}

/** The database cannot be reached or has gone away. */
export class UnavailableError extends RootstockError {
  override readonly code = "UNAVAILABLE"
}

/** Two transactions cannot both succeed (serialization failure, deadlock, a busy file); the same work may succeed when run again. */
export class SerializationError extends RootstockError {
  override readonly code = "SERIALIZATION"
}

/** A declaration of tables makes no sense. */
export class DeclarationError extends RootstockError {
  override readonly code = "DECLARATION"
}

/** The environment, a URL, or an option has a wrong value. */
export class ConfigError extends RootstockError {
  override readonly code = "CONFIG"
}

/** A value or a call does not fit the table: unknown column, wrong type, out of range. */
export class ValidationError extends RootstockError {
  override readonly code = "VALIDATION"
}

/** A cursor is not one of the list that it was given to. */
export class CursorError extends ValidationError {}

/** A session is used in a way that would break its promise, e.g. after its transaction ended. */
export class SessionError extends RootstockError {
  override readonly code = "SESSION"
}

/** Rows of a scope are asked for where no scope is set, or a row is given that belongs to another one. */
export class ScopeError extends RootstockError {
  override readonly code = "SCOPE"
}

/** A migration cannot be made or applied. */
export class MigrationError extends RootstockError {
  override readonly code = "MIGRATION"
}

/** The database refused a statement for a reason of the statement itself (syntax, an unknown table, a type). */
export class QueryError extends RootstockError {
  override readonly code = "QUERY"
}

/** Whether the same work may succeed when it is run again as a whole. */
export function isRetryable(error: unknown): boolean {
  return error instanceof SerializationError
}
