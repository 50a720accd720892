import { generatedName } from "../../../schema/index.ts"
import type { Statement, Step } from "../../ddl/contract.ts"
import { applyOperation } from "../../ddl/fold.ts"
import { type ColumnModel, isIdentity, type SchemaModel, tableOf } from "../../ddl/model.ts"
import { invertOperations, type Operation } from "../../ddl/operations.ts"
import { refuseBroken, refuseNulls, refuseOrphans, refuseTwins, rowsOf } from "../../ddl/probe.ts"
import { columnList, identifier } from "../../ddl/text.ts"
import { rewritesTable } from "./convert.ts"
import {
  addCheck,
  addReference,
  appendOnlyNames,
  createIndex,
  primaryKeyClause,
  primaryKeyName,
  sqlOf,
  typeCheckName,
  typeCondition,
} from "./create.ts"
import {
  addBareColumn,
  alter,
  changeBareColumn,
  direct,
  dropConstraint,
  referencesTo,
  refuseType,
  typeCheckClause,
} from "./direct.ts"

/**
 * The steps that take a PostgreSQL database with this schema through the operations, without a long lock on a table that
 * others use: constraints come NOT VALID and are validated in a later transaction, indexes are made CONCURRENTLY, NOT NULL
 * and unique constraints rest on a validated check and a finished index. What cannot be taken back comes last.
 * Tables made in the same migration, and those whose rows a change of type writes anew, are changed directly.
 */
export function compile(start: SchemaModel, operations: readonly Operation[]): Step[] {
  const steps: Step[] = []
  const fresh = new Set<string>()
  let schema = start
  for (const run of runsOf(operations)) {
    const next = run.reduce(applyOperation, schema)
    steps.push(...(isPlain(run[0]!) ? compilePlain(run, schema) : new Run(schema, run, fresh).compile()))
    for (const one of run) {
      if (one.op === "renameTable" && fresh.delete(one.from)) fresh.add(one.to)
    }
    schema = next
  }
  return steps
}

const isPlain = ({ op }: Operation) => op === "sql" || op === "renameTable" || op === "renameColumn"

/** Runs of operations that can be put in phases; renames and hand-written SQL stand between them. */
function runsOf(operations: readonly Operation[]): Operation[][] {
  const runs: Operation[][] = []
  for (const operation of operations) {
    const last = runs.at(-1)
    const joins =
      last !== undefined && isPlain(operation) === isPlain(last[0]!) && operation.op !== "sql" && last[0]!.op !== "sql"
    if (joins) last.push(operation)
    else runs.push([operation])
  }
  return runs
}

function compilePlain(run: readonly Operation[], start: SchemaModel): Step[] {
  const phase = new Phase()
  let schema = start
  for (const operation of run) {
    const next = applyOperation(schema, operation)
    phase.add(direct(operation, schema, next), undoOf(operation, schema, next))
    schema = next
  }
  return joinPhases([phase])
}

function undoOf(operation: Operation, before: SchemaModel, after: SchemaModel): string[] {
  return invertOperations([operation]).flatMap((one) =>
    direct(one, after, before).flatMap(({ sql, refuses }) => (refuses === undefined ? [sql] : [])),
  )
}

/** Statements of one transaction, and how they are taken back. */
class Phase {
  readonly statements: Statement[] = []
  /** Absent where something in it cannot be taken back. */
  undo: string[] | undefined = []

  add(statements: readonly Statement[], undo: readonly string[] | undefined): void {
    this.statements.push(...statements)
    if (undo === undefined) this.undo = undefined
    else this.undo?.unshift(...undo)
  }
}

/** Neighbouring phases become one transaction; other steps stay on their own. */
function joinPhases(parts: readonly (Phase | Step)[]): Step[] {
  const steps: Step[] = []
  let open: Phase | undefined
  const close = () => {
    if (open !== undefined && open.statements.length > 0) {
      steps.push({ statements: open.statements, ...(open.undo === undefined ? {} : { undo: open.undo }) })
    }
    open = undefined
  }
  for (const part of parts) {
    if (part instanceof Phase) {
      open ??= new Phase()
      open.add(part.statements, part.undo)
    } else {
      close()
      steps.push(part)
    }
  }
  close()
  return steps
}

const statement = (sql: string): Statement => ({ sql })

/** Operations in phases: each later one needs those before, and only the last destroys. */
class Run {
  readonly #operations: readonly Operation[]
  readonly #fresh: Set<string>
  readonly #rewritten = new Set<string>()
  readonly #expand = new Phase()
  readonly #fill: Step[] = []
  readonly #validate: Step[] = []
  readonly #indexes: Step[] = []
  readonly #settle = new Phase()
  readonly #refer = new Phase()
  readonly #validateReferences: Step[] = []
  readonly #dropIndexes: Step[] = []
  readonly #contract = new Phase()
  #before: SchemaModel

  constructor(start: SchemaModel, operations: readonly Operation[], fresh: Set<string>) {
    this.#before = start
    this.#operations = operations
    this.#fresh = fresh
    for (const one of operations) {
      const computed = one.op === "addColumn" && (one.column.generated !== undefined || isIdentity(one.column))
      const retyped =
        one.op === "changeColumn" &&
        (rewritesTable(one.from.type, one.to.type) || isIdentity(one.from) !== isIdentity(one.to))
      if (computed || retyped) this.#rewritten.add((one as { table: string }).table)
    }
  }

  compile(): Step[] {
    for (const operation of this.#operations) {
      const after = applyOperation(this.#before, operation)
      this.#add(operation, this.#before, after)
      this.#before = after
    }
    return joinPhases([
      this.#expand,
      ...this.#fill,
      ...this.#validate,
      ...this.#indexes,
      this.#settle,
      this.#refer,
      ...this.#validateReferences,
      ...this.#dropIndexes,
      this.#contract,
    ])
  }

  #add(operation: Operation, before: SchemaModel, after: SchemaModel): void {
    const phase = this.#expand
    if (operation.op === "createTable") {
      this.#fresh.add(operation.table.name)
      phase.add(direct(operation, before, after), undoOf(operation, before, after))
      for (const reference of operation.table.references) {
        this.#refer.add(
          [statement(addReference(operation.table.name, reference))],
          [dropConstraint(operation.table.name, reference.name)],
        )
      }
      return
    }
    if (operation.op === "dropTable") {
      this.#contract.add(direct(operation, before, after), undefined)
      return
    }
    if (!("table" in operation)) return
    const free = this.#fresh.has(operation.table) || this.#rewritten.has(operation.table)
    if (operation.op === "dropColumn" && !this.#comesBack(operation.table, operation.column.name)) {
      this.#contract.add(direct(operation, before, after), undefined)
    } else if (operation.op === "addReference") {
      this.#addReference(operation, before, free)
    } else if (free || !this.#stage(operation, before, after)) {
      phase.add(direct(operation, before, after), undoOf(operation, before, after))
    }
  }

  #comesBack(table: string, column: string): boolean {
    return this.#operations.some((one) => one.op === "addColumn" && one.table === table && one.column.name === column)
  }

  #addReference(
    { table, reference }: Extract<Operation, { op: "addReference" }>,
    before: SchemaModel,
    free: boolean,
  ): void {
    const rows = rowsOf(table, tableOf(before, table).primaryKey)
    const undo = [dropConstraint(table, reference.name)]
    if (free) {
      this.#refer.add([refuseOrphans(rows, reference), statement(addReference(table, reference))], undo)
      return
    }
    this.#refer.add([statement(`${addReference(table, reference)} NOT VALID`)], undo)
    this.#validateReferences.push(validation(table, reference.name, refuseOrphans(rows, reference)))
  }

  /** Puts an operation on a table that others use into its phases; false where it takes no long lock as it is. */
  #stage(operation: Operation, before: SchemaModel, after: SchemaModel): boolean {
    switch (operation.op) {
      case "addColumn":
        return this.#addColumn(operation, before)
      case "changeColumn":
        return this.#changeColumn(operation, before, after)
      case "changePrimaryKey":
        this.#changePrimaryKey(operation, before, after)
        return true
      case "addCheck": {
        const { table, check } = operation
        const rows = rowsOf(table, tableOf(before, table).primaryKey)
        this.#expand.add([statement(`${addCheck(table, check)} NOT VALID`)], [dropConstraint(table, check.name)])
        this.#validate.push(validation(table, check.name, refuseBroken(rows, check.name, sqlOf(check.sql))))
        return true
      }
      case "addUnique": {
        const { table, unique } = operation
        this.#makeIndex(
          unique.name,
          uniqueIndex(unique.name, table, unique.columns),
          refuseTwins(rowsOf(table, []), unique.name, unique.columns),
        )
        const name = identifier(unique.name)
        this.#settle.add(
          [statement(alter(table, `ADD CONSTRAINT ${name} UNIQUE USING INDEX ${name}`))],
          [dropConstraint(table, unique.name)],
        )
        return true
      }
      case "addIndex": {
        const { table, index } = operation
        const columns = index.terms.flatMap(({ column }) => (column === undefined ? [] : [column]))
        const from =
          index.where === undefined
            ? identifier(table)
            : `(SELECT * FROM ${identifier(table)} WHERE ${sqlOf(index.where)})`
        const refuses = index.unique && columns.length === index.terms.length
        this.#makeIndex(
          index.name,
          createIndex(tableOf(after, table), index, "CONCURRENTLY "),
          refuses ? refuseTwins({ from, table, keys: [] }, index.name, columns) : undefined,
        )
        return true
      }
      case "dropIndex": {
        const { table, index } = operation
        if (this.#operations.some((one) => one.op === "addIndex" && one.index.name === index.name)) return false
        this.#dropIndexes.push({
          statements: [statement(dropConcurrently(index.name))],
          undo: [createIndex(tableOf(before, table), index, "CONCURRENTLY ")],
          alone: { index: index.name, makes: false },
        })
        return true
      }
      default:
        return false
    }
  }

  #makeIndex(name: string, sql: string, refusal: Statement | undefined): void {
    if (refusal !== undefined) this.#indexes.push({ statements: [refusal], undo: [] })
    this.#indexes.push({
      statements: [statement(sql)],
      undo: [dropConcurrently(name)],
      alone: { index: name, makes: true },
    })
  }

  #addColumn(operation: Extract<Operation, { op: "addColumn" }>, before: SchemaModel): boolean {
    const { table, column, backfill } = operation
    const rows = rowsOf(table, tableOf(before, table).primaryKey)
    const undo = [alter(table, `DROP COLUMN ${identifier(column.name)}`)]
    if (backfill?.kind === "uuid" && !column.nullable) {
      const own = identifier(column.name)
      this.#expand.add(addBareColumn(table, { ...operation, column: { ...column, nullable: true } }, rows), undo)
      const fill = `UPDATE ${identifier(table)} SET ${own} = gen_random_uuid() WHERE ${own} IS NULL`
      const guard =
        tableOf(before, table).appendOnly === undefined ? undefined : identifier(appendOnlyNames(table).trigger)
      const around = (verb: string) =>
        guard === undefined ? [] : [statement(alter(table, `${verb} TRIGGER ${guard}`))]
      this.#fill.push({ statements: [...around("DISABLE"), statement(fill), ...around("ENABLE")], undo: [] })
      this.#setNotNull(table, column, before)
      return true
    }
    this.#expand.add(addBareColumn(table, operation, rows), undo)
    const check = typeCheckClause(table, column)
    if (check !== undefined) {
      const name = typeCheckName(table, column.name)
      this.#expand.add([statement(`${alter(table, `ADD ${check}`)} NOT VALID`)], [dropConstraint(table, name)])
      this.#validate.push(validation(table, name, refuseType(rows, column)))
    }
    return true
  }

  #changeColumn(
    operation: Extract<Operation, { op: "changeColumn" }>,
    before: SchemaModel,
    after: SchemaModel,
  ): boolean {
    const { table, from, to } = operation
    const rows = rowsOf(table, tableOf(before, table).primaryKey)
    const tightens = from.nullable && !to.nullable
    // What follows takes NOT NULL and the check back before the rest.
    const loose = { ...to, nullable: to.nullable || tightens }
    const changesCheck = typeCondition(from) !== typeCondition(to)
    const undo = undoOf({ ...operation, to: loose }, before, after)
    this.#expand.add(changeBareColumn(table, from, loose, rows), undo)
    const check = typeCheckClause(table, to)
    if (check !== undefined && changesCheck) {
      const name = typeCheckName(table, to.name)
      this.#expand.add([statement(`${alter(table, `ADD ${check}`)} NOT VALID`)], [dropConstraint(table, name)])
      this.#validate.push(validation(table, name, refuseType(rows, to)))
    }
    if (tightens) this.#setNotNull(table, to, before)
    return true
  }

  /** NOT NULL by a check that is validated beside running work; PostgreSQL then believes it without reading the table. */
  #setNotNull(table: string, column: ColumnModel, before: SchemaModel): void {
    const own = identifier(column.name)
    const name = generatedName([table, column.name], "not_null")
    const rows = rowsOf(table, tableOf(before, table).primaryKey)
    const add = alter(table, `ADD CONSTRAINT ${identifier(name)} CHECK (${own} IS NOT NULL) NOT VALID`)
    this.#expand.add([statement(add)], [alter(table, `DROP CONSTRAINT IF EXISTS ${identifier(name)}`)])
    this.#validate.push(validation(table, name, refuseNulls(rows, column.name)))
    this.#settle.add(
      [statement(alter(table, `ALTER COLUMN ${own} SET NOT NULL`)), statement(dropConstraint(table, name))],
      [alter(table, `ALTER COLUMN ${own} DROP NOT NULL`)],
    )
  }

  #changePrimaryKey(
    operation: Extract<Operation, { op: "changePrimaryKey" }>,
    before: SchemaModel,
    after: SchemaModel,
  ): void {
    const { table, to } = operation
    const name = generatedName([table, "pkey"], "next")
    this.#makeIndex(name, uniqueIndex(name, table, to), refuseTwins(rowsOf(table, []), "of its key", to))
    const references = referencesTo(tableOf(before, table), before)
    const key = identifier(primaryKeyName(table))
    this.#settle.add(
      [
        ...references.map(([owner, reference]) => statement(dropConstraint(owner, reference.name))),
        statement(
          alter(table, `DROP CONSTRAINT ${key}, ADD CONSTRAINT ${key} PRIMARY KEY USING INDEX ${identifier(name)}`),
        ),
      ],
      [
        alter(table, `DROP CONSTRAINT ${key}, ADD ${primaryKeyClause(table, operation.from)}`),
        ...references.map(([owner, reference]) => addReference(owner, reference)),
      ],
    )
    const kept = (owner: string, constraint: string) =>
      tableOf(after, owner).references.some((one) => one.name === constraint)
    for (const [owner, reference] of references) {
      if (kept(owner, reference.name))
        this.#addReference({ op: "addReference", table: owner, reference }, before, false)
    }
  }
}

function uniqueIndex(name: string, table: string, columns: readonly string[]): string {
  return `CREATE UNIQUE INDEX CONCURRENTLY ${identifier(name)} ON ${identifier(table)} ${columnList(columns)}`
}

function dropConcurrently(name: string): string {
  return `DROP INDEX CONCURRENTLY IF EXISTS ${identifier(name)}`
}

function validation(table: string, name: string, refusal: Statement): Step {
  return { statements: [refusal, statement(alter(table, `VALIDATE CONSTRAINT ${identifier(name)}`))], undo: [] }
}
