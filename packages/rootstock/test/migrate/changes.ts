// biome-ignore-all lint/suspicious/noExplicitAny: columns are put together freely here, beyond what the types can follow
import {
  bigint,
  boolean,
  bytes,
  type Columns,
  check,
  choice,
  date,
  decimal,
  expression,
  identity,
  index,
  integer,
  json,
  list,
  now,
  real,
  type Tables,
  table,
  text,
  time,
  timestamp,
  unique,
  uniqueIndex,
  uuid,
} from "../../src/schema/index.ts"

/** A change of the schema from a base with rows. */
export type Change = {
  readonly name: string
  readonly before: Tables
  readonly after: Tables
  readonly renames?: readonly string[]
}

type AnyT = any
type Extras = Parameters<typeof table>[2]
type Options = Parameters<typeof table>[3]

const users = (columns: Columns = {}, extras?: unknown, options?: Options, name = "users") =>
  table(
    name,
    present({ id: identity(), email: text({ max: 60 }).unique(), age: integer().nullable(), code: text(), ...columns }),
    (extras ?? (() => [])) as Extras,
    options,
  )

/** A column that is overridden with undefined is left out. */
function present(columns: Columns): Columns {
  return Object.fromEntries(Object.entries(columns).filter(([, column]) => column !== undefined))
}

const owner: AnyT = users()
const orders = (columns: Columns = {}, extras?: unknown, options?: Options) =>
  table(
    "orders",
    {
      id: identity(),
      userId: integer().references(() => owner.id, { onDelete: "cascade" }),
      total: integer().default(0),
      ...columns,
    } as Columns,
    (extras ?? (() => [])) as Extras,
    options,
  )

const base: Tables = { users: users(), orders: orders() }
const withUsers = (columns: Columns = {}, extras?: unknown, options?: Options): Tables => ({
  users: users(columns, extras, options),
  orders: orders(),
})
const withOrders = (columns: Columns = {}, extras?: unknown, options?: Options): Tables => ({
  users: users(),
  orders: orders(columns, extras, options),
})

const tags = table("tags", { id: uuid().primaryKey(), word: text().unique() })
const links = table("links", {
  orderId: integer()
    .primaryKey()
    .references(() => (base["orders"] as AnyT).id, { onDelete: "cascade" }),
  tagId: uuid()
    .primaryKey()
    .references(() => tags.id, { onUpdate: "cascade" }),
})

export const changes: readonly Change[] = [
  { name: "add a table", before: base, after: { ...base, tags } },
  { name: "add tables with a composite key that refer to others", before: base, after: { ...base, tags, links } },
  { name: "drop a table", before: { ...base, tags, links }, after: { ...base, tags } },
  {
    name: "add tables that refer to each other",
    before: base,
    after: (() => {
      const left: AnyT = table("lefts", {
        id: identity(),
        rightId: integer()
          .nullable()
          .references((): AnyT => right.id, { as: "one", many: "of" }),
      })
      const right: AnyT = table("rights", {
        id: identity(),
        leftId: integer()
          .nullable()
          .references((): AnyT => left.id, { deferrable: true }),
      })
      return { ...base, left, right }
    })(),
  },
  { name: "add a nullable column", before: base, after: withUsers({ nick: text().nullable() }) },
  {
    name: "add a column with a default",
    before: base,
    after: withUsers({ points: integer().default(-5), tier: choice("a", "b'c").default("b'c") }),
  },
  {
    name: "add columns of every type with defaults",
    before: base,
    after: withUsers({
      c1: bigint().default(9007199254740993n),
      c2: real().default(1.5),
      c3: decimal(10, 2).default("12.5"),
      c4: boolean().default(true),
      c5: timestamp().default(new Date("2026-01-31T09:00:00.123Z")),
      c6: date().default("2026-01-31"),
      c7: time().default("09:30"),
      c8: json().default({ a: [1, "x'y"] }),
      c9: list(text({ max: 9 })).default(["a", 'b"c']),
      c10: bytes().default(new Uint8Array([0, 255])),
      c11: text().default("it's"),
      c12: uuid().default("01890000-0000-7000-8000-000000000000"),
    }),
  },
  { name: "add a column that is now", before: base, after: withUsers({ createdAt: timestamp().default(now) }) },
  {
    name: "add a column of new UUIDs",
    before: base,
    after: withUsers({ token: uuid().default(() => "01890000-0000-7000-8000-000000000000") }),
  },
  {
    name: "add a generated column",
    before: base,
    after: withUsers({ doubled: integer().nullable().generated("age * 2") }),
  },
  {
    name: "change a generated column",
    before: withUsers({ doubled: integer().nullable().generated("age * 2") }),
    after: withUsers({ doubled: integer().nullable().generated("age * 3") }),
  },
  { name: "drop a column", before: withUsers({ nick: text().default("x") }), after: base },
  {
    name: "drop a column that may not be null",
    before: withUsers({ nick: text().default("x"), size: integer().default(3) }),
    after: base,
  },
  {
    name: "rename a column",
    before: base,
    after: withUsers({ age: undefined as AnyT, years: integer().nullable() }),
    renames: ["users.age:users.years"],
  },
  {
    name: "rename a column in its checks, indexes and generated columns",
    before: withUsers(
      { rank: choice("a", "b").default("a").check("rank <> 'z'"), twice: text().nullable().generated("rank || rank") },
      (t: AnyT) => [
        index(t.rank),
        index(expression("lower(rank)")).named("lower_rank"),
        index(t.age).where("rank = 'a'").named("aged"),
      ],
    ),
    after: withUsers(
      {
        grade: choice("a", "b").default("a").was("rank").check("grade <> 'z'"),
        twice: text().nullable().generated("grade || grade"),
      },
      (t: AnyT) => [
        index(t.grade),
        index(expression("lower(grade)")).named("lower_rank"),
        index(t.age).where("grade = 'a'").named("aged"),
      ],
    ),
  },
  {
    name: "rename a table that others refer to",
    before: base,
    after: (() => {
      const people = users({}, undefined, { was: "users" }, "people")
      return {
        people,
        orders: table("orders", {
          id: identity(),
          userId: integer().references((): AnyT => people.id, { onDelete: "cascade" }),
          total: integer().default(0),
        }),
      }
    })(),
  },
  { name: "make a column nullable", before: base, after: withUsers({ code: text().nullable() }) },
  { name: "make a column not null", before: withUsers({ code: text().nullable() }), after: base },
  {
    name: "widen a text",
    before: withUsers({ code: text({ max: 20 }) }),
    after: withUsers({ code: text({ max: 40 }) }),
  },
  {
    name: "narrow a text",
    before: withUsers({ code: text({ max: 40 }) }),
    after: withUsers({ code: text({ max: 20 }) }),
  },
  { name: "drop the limit of a text", before: withUsers({ code: text({ max: 40 }) }), after: base },
  {
    name: "add a value to a choice",
    before: withUsers({ s: choice("a").default("a") }),
    after: withUsers({ s: choice("a", "b").default("a") }),
  },
  {
    name: "make a text a choice",
    before: withUsers({ s: text().default("a") }),
    after: withUsers({ s: choice("a", "b").default("b") }),
  },
  { name: "make an integer a bigint", before: base, after: withUsers({ age: bigint().nullable() }) },
  { name: "make an integer a text", before: base, after: withUsers({ age: text({ max: 20 }).nullable() }) },
  { name: "make an integer a decimal", before: base, after: withUsers({ age: decimal(8, 3).nullable() }) },
  { name: "make an integer a real", before: base, after: withUsers({ age: real().nullable() }) },
  {
    name: "grow a decimal",
    before: withUsers({ d: decimal(5, 1).default("-1.5") }),
    after: withUsers({ d: decimal(9, 4).default("-1.5") }),
  },
  {
    name: "make a date a timestamp",
    before: withUsers({ d: date().default("2026-02-28") }),
    after: withUsers({ d: timestamp().default(new Date(0)) }),
  },
  {
    name: "make a boolean an integer",
    before: withUsers({ d: boolean().default(true) }),
    after: withUsers({ d: integer().default(7) }),
  },
  { name: "make a boolean a text", before: withUsers({ d: boolean().default(true) }), after: withUsers({ d: text() }) },
  {
    name: "change the type of a searched list",
    before: withUsers({ l: list(text({ max: 5 })).default([]) }, (t: AnyT) => [index(t.l).contains()]),
    after: withUsers({ l: list(text()).default(["a"]) }, (t: AnyT) => [index(t.l).contains()]),
  },
  { name: "add a default", before: base, after: withUsers({ code: text().default("none") }) },
  {
    name: "change a default",
    before: withUsers({ code: text().default("none") }),
    after: withUsers({ code: text().default("it's") }),
  },
  { name: "drop a default", before: withUsers({ code: text().default("none") }), after: base },
  { name: "add a unique constraint", before: base, after: withUsers({}, (t: AnyT) => [unique(t.code, t.age)]) },
  { name: "drop a unique constraint", before: withUsers({ code: text().unique() }), after: base },
  {
    name: "add a check",
    before: base,
    after: withUsers({ age: integer().nullable().check("age >= 0") }, (t: AnyT) => [
      check("both", `${t.id.key} > 0 AND email <> code`),
    ]),
  },
  {
    name: "change a check",
    before: withUsers({ age: integer().nullable().check("age >= 0") }),
    after: withUsers({ age: integer().nullable().check("age >= -1") }),
  },
  { name: "drop a check", before: withUsers({ age: integer().nullable().check("age >= 0") }), after: base },
  {
    name: "add a column with a reference",
    before: base,
    after: withOrders({
      payerId: integer()
        .nullable()
        .references(() => owner.id, { onDelete: "set null", many: "paid" }),
    }),
  },
  {
    name: "add a reference to a column",
    before: withOrders({ other: integer().default(1) }),
    after: withOrders({
      other: integer()
        .default(1)
        .references(() => owner.id, { many: "others" }),
    }),
  },
  {
    name: "drop a reference",
    before: withOrders({
      other: integer()
        .default(1)
        .references(() => owner.id, { many: "others" }),
    }),
    after: withOrders({ other: integer().default(1) }),
  },
  {
    name: "change what a reference does",
    before: base,
    after: withOrders({ userId: integer().references(() => owner.id, { onDelete: "restrict", onUpdate: "cascade" }) }),
  },
  {
    name: "make a reference deferrable",
    before: base,
    after: withOrders({ userId: integer().references(() => owner.id, { onDelete: "cascade", deferrable: true }) }),
  },
  {
    name: "refer to another column",
    before: base,
    after: withOrders({
      userEmail: text({ max: 60 })
        .nullable()
        .references(() => owner.email, { onDelete: "set default", many: "byEmail" }),
    }),
  },
  {
    name: "refer to its own table",
    before: base,
    after: withUsers({ parentId: integer().nullable().references("id", { as: "parent", many: "children" }) }),
  },
  { name: "add an index", before: base, after: withUsers({}, (t: AnyT) => [index(t.code, t.age.desc())]) },
  { name: "drop an index", before: withUsers({}, (t: AnyT) => [index(t.code)]), after: base },
  {
    name: "change the order and the nulls of an index",
    before: withUsers({}, (t: AnyT) => [index(t.code, t.age).named("i")]),
    after: withUsers({}, (t: AnyT) => [index(t.code.desc(), t.age.nullsFirst()).named("i")]),
  },
  {
    name: "make an index partial",
    before: withUsers({}, (t: AnyT) => [index(t.code).named("i")]),
    after: withUsers({}, (t: AnyT) => [index(t.code).where("age IS NOT NULL").named("i")]),
  },
  {
    name: "add an index of an expression",
    before: base,
    after: withUsers({}, () => [index(expression("lower(email)"))]),
  },
  {
    name: "add a partial unique index",
    before: base,
    after: withUsers({}, (t: AnyT) => [unique(t.code).where("age > 0"), uniqueIndex(expression("lower(email)"))]),
  },
  {
    name: "rename an index",
    before: withUsers({}, (t: AnyT) => [index(t.code).named("one")]),
    after: withUsers({}, (t: AnyT) => [index(t.code).named("two")]),
  },
  {
    name: "search in lists and JSON",
    before: withUsers({ l: list(text()).default(["a"]), j: json().default({ a: 1 }) }),
    after: withUsers({ l: list(text()).default(["a"]), j: json().default({ a: 1 }) }, (t: AnyT) => [
      index(t.l).contains(),
      index(t.j).contains(),
    ]),
  },
  {
    name: "change a primary key",
    before: base,
    after: {
      users: base["users"]!,
      orders: table("orders", {
        id: integer().unique(),
        userId: integer()
          .primaryKey()
          .references(() => owner.id, { onDelete: "cascade" }),
        total: integer().primaryKey().default(0),
      }),
    },
  },
  { name: "make an identity an integer", before: base, after: withOrders({ id: integer().primaryKey() }) },
  {
    name: "refuse changes of rows",
    before: base,
    after: withOrders({}, undefined, { appendOnly: { parent: "userId" } as AnyT }),
  },
  {
    name: "add a column of new UUIDs to an append-only table",
    before: withOrders({}, undefined, { appendOnly: true }),
    after: withOrders({ token: uuid().default(() => "01890000-0000-7000-8000-000000000000") }, undefined, {
      appendOnly: true,
    }),
  },
  {
    name: "let rows of an append-only table change",
    before: withOrders({}, undefined, { appendOnly: true }),
    after: withOrders({ note: text().nullable() }),
  },
  {
    name: "rename the table and the column that an append-only table hangs on",
    before: withOrders({}, undefined, { appendOnly: { parent: "userId" } as AnyT }),
    after: (() => {
      const people = users(
        { id: undefined as AnyT, number: identity().was("id") },
        undefined,
        { was: "users" },
        "people",
      )
      return {
        people,
        orders: table(
          "orders",
          {
            id: identity(),
            personId: integer()
              .was("user_id")
              .references((): AnyT => people.number, { onDelete: "cascade" }),
            total: integer().default(0),
          },
          { appendOnly: { parent: "personId" } },
        ),
      }
    })(),
  },
  {
    name: "rebuild a table that others refer to with cascade",
    before: base,
    after: withUsers({ code: text().default("x").unique(), age: decimal(9, 2).nullable() }),
  },
  {
    name: "many at once",
    renames: ["users.old:"],
    before: withUsers({ old: text().default("o"), rank: integer().default(1) }, (t: AnyT) => [
      index(t.old),
      index(t.rank),
    ]),
    after: {
      users: users(
        { level: bigint().default(1n).was("rank"), age: text().nullable(), createdAt: timestamp().default(now) },
        (t: AnyT) => [index(t.level.desc()), unique(t.code, t.email)],
      ),
      orders: orders(
        {
          total: decimal(12, 2).default("0"),
          tagId: uuid()
            .nullable()
            .references(() => tags.id),
          note: text({ max: 9 }).default(""),
        },
        (t: AnyT) => [index(t.total), check("whole", { sqlite: "CAST(total AS REAL) >= 0", postgres: "total >= 0" })],
      ),
      tags,
    },
  },
]
