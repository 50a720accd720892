import fc from "fast-check"

/** A value by number: the runner takes it modulo the values that fit. */
export type ValueSpec = number
/** Values of a row by number, column after column; the last ones repeat. */
export type RowSpec = readonly ValueSpec[]

export type WhereSpec =
  | {
      readonly kind: "compare"
      readonly field: number
      readonly operator: number
      readonly values: readonly ValueSpec[]
    }
  | { readonly kind: "or" | "and"; readonly parts: readonly WhereSpec[] }

export type OrderSpec = {
  readonly field: number
  readonly descending: boolean
  readonly nulls: "first" | "last" | undefined
}

export type CallSpec =
  | { readonly call: "create" | "upsert"; readonly table: number; readonly row: RowSpec; readonly by: number }
  | { readonly call: "createMany"; readonly table: number; readonly rows: readonly RowSpec[] }
  | { readonly call: "get" | "delete" | "restore"; readonly table: number; readonly key: number }
  | { readonly call: "getMany"; readonly table: number; readonly keys: readonly number[] }
  | {
      readonly call: "list" | "page" | "after" | "before" | "stream"
      readonly table: number
      readonly where: WhereSpec | undefined
      readonly order: readonly OrderSpec[]
      readonly limit: number
      readonly offset: number
      readonly withDeleted: boolean
    }
  | { readonly call: "with"; readonly table: number; readonly limit: number; readonly order: readonly OrderSpec[] }
  | { readonly call: "count" | "deleteWhere"; readonly table: number; readonly where: WhereSpec }
  | { readonly call: "exists"; readonly table: number; readonly where: WhereSpec; readonly except: number }
  | {
      readonly call: "update"
      readonly table: number
      readonly key: number
      readonly row: RowSpec
      readonly columns: readonly number[]
      readonly version: number
      readonly where: WhereSpec | undefined
    }
  | {
      readonly call: "updateWhere"
      readonly table: number
      readonly where: WhereSpec
      readonly row: RowSpec
      readonly columns: readonly number[]
    }
  | {
      readonly call: "updateMany"
      readonly table: number
      readonly rows: readonly { readonly key: number; readonly row: RowSpec }[]
      readonly columns: readonly number[]
    }
  | {
      readonly call: "increment"
      readonly table: number
      readonly key: number
      readonly column: number
      readonly amount: number
      readonly where: WhereSpec | undefined
    }
  | {
      readonly call: "transaction"
      readonly calls: readonly CallSpec[]
      readonly throws: boolean
      readonly nested: boolean
    }

const value = fc.nat(40)
const row = fc.array(value, { minLength: 1, maxLength: 8 })
const tableNumber = fc.nat(2)
const key = fc.nat(12)

const compare: fc.Arbitrary<WhereSpec> = fc.record({
  kind: fc.constant("compare" as const),
  field: fc.nat(8),
  operator: fc.nat(15),
  values: fc.array(value, { minLength: 1, maxLength: 3 }),
})
const where: fc.Arbitrary<WhereSpec> = fc.oneof(
  { depthSize: "small", withCrossShrink: true },
  compare,
  fc.record({
    kind: fc.constantFrom("or" as const, "and" as const),
    parts: fc.array(compare, { minLength: 1, maxLength: 3 }),
  }),
)
const order: fc.Arbitrary<OrderSpec[]> = fc.array(
  fc.record({
    field: fc.nat(8),
    descending: fc.boolean(),
    nulls: fc.constantFrom("first" as const, "last" as const, undefined),
  }),
  { maxLength: 3 },
)
const maybeWhere = fc.option(where, { nil: undefined })
const columns = fc.array(fc.nat(8), { maxLength: 3 })

const create = fc.record({ call: fc.constant("create" as const), table: tableNumber, row, by: fc.nat(3) })
const createMany = fc.record({
  call: fc.constant("createMany" as const),
  table: tableNumber,
  rows: fc.array(row, { maxLength: 6 }),
})

const fill = fc.record({
  call: fc.constant("createMany" as const),
  table: tableNumber,
  rows: fc.array(row, { minLength: 1, maxLength: 8, size: "max" }),
})

const single: fc.Arbitrary<CallSpec> = fc.oneof(
  { weight: 5, arbitrary: create },
  { weight: 4, arbitrary: createMany },
  { weight: 2, arbitrary: fc.record({ call: fc.constant("upsert" as const), table: tableNumber, row, by: fc.nat(3) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      call: fc.constantFrom("get" as const, "delete" as const, "restore" as const),
      table: tableNumber,
      key,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      call: fc.constant("getMany" as const),
      table: tableNumber,
      keys: fc.array(key, { maxLength: 4 }),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      call: fc.constantFrom("list" as const, "page" as const, "after" as const, "before" as const, "stream" as const),
      table: tableNumber,
      where: maybeWhere,
      order,
      limit: fc.nat(5),
      offset: fc.nat(3),
      withDeleted: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ call: fc.constant("with" as const), table: tableNumber, limit: fc.nat(3), order }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      call: fc.constantFrom("count" as const, "deleteWhere" as const),
      table: tableNumber,
      where,
    }),
  },
  { weight: 1, arbitrary: fc.record({ call: fc.constant("exists" as const), table: tableNumber, where, except: key }) },
  {
    weight: 3,
    arbitrary: fc.record({
      call: fc.constant("update" as const),
      table: tableNumber,
      key,
      row,
      columns,
      version: fc.nat(2),
      where: maybeWhere,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ call: fc.constant("updateWhere" as const), table: tableNumber, where, row, columns }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      call: fc.constant("updateMany" as const),
      table: tableNumber,
      rows: fc.array(fc.record({ key, row }), { maxLength: 4 }),
      columns,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      call: fc.constant("increment" as const),
      table: tableNumber,
      key,
      column: fc.nat(8),
      amount: value,
      where: maybeWhere,
    }),
  },
)

/** A sequence of calls that starts with some rows. */
export const callSpecs: fc.Arbitrary<CallSpec[]> = fc
  .tuple(
    fc.array(fill, { minLength: 1, maxLength: 5, size: "max" }),
    fc.array(
      fc.oneof(
        { weight: 12, arbitrary: single },
        {
          weight: 1,
          arbitrary: fc.record({
            call: fc.constant("transaction" as const),
            calls: fc.array(single, { minLength: 1, maxLength: 4 }),
            throws: fc.boolean(),
            nested: fc.boolean(),
          }),
        },
      ),
      { minLength: 1, maxLength: 25, size: "max" },
    ),
  )
  .map(([first, rest]) => [...first, ...rest])
