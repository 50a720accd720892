import {
  bigint,
  boolean,
  check,
  choice,
  decimal,
  expression,
  identity,
  index,
  integer,
  json,
  list,
  now,
  real,
  table,
  text,
  timestamp,
  unique,
  uniqueIndex,
  uuid,
} from "../../src/schema/index.ts"

export const teams = table("teams", { id: uuid().primaryKey(), name: text({ max: 40 }).unique() })

export const people = table(
  "people",
  {
    id: identity(),
    name: text({ max: 60 }),
    email: text().nullable().unique(),
    teamId: uuid()
      .nullable()
      .references(() => teams.id, { onDelete: "set null" }),
    bossId: integer().nullable().references("id", { as: "boss", many: "reports", onDelete: "no action" }),
    score: decimal(8, 2).default("0"),
    level: integer().default(1),
    total: bigint().default(0n),
    weight: real().nullable(),
    role: choice("admin", "member").default("member"),
    isActive: boolean().default(true),
    tags: list(text()).default([]),
    facts: json<any>().nullable(),
    bornAt: timestamp().nullable(),
    createdAt: timestamp().default(now),
    changedAt: timestamp().nullable().onUpdate(now),
  },
  (t) => [check("level_range", "level BETWEEN 0 AND 100"), index(t.name, t.id)],
)

export const documents = table(
  "documents",
  {
    id: identity(),
    title: text(),
    slug: text(),
    ownerId: integer().references(() => people.id, { onDelete: "cascade", as: "owner", many: "documents" }),
    reviewerId: integer()
      .nullable()
      .references(() => people.id, { as: "reviewer", many: "reviews" }),
    size: integer().default(0),
    version: integer().default(0),
    deletedAt: timestamp().nullable(),
  },
  (t) => [unique(t.ownerId, t.slug), uniqueIndex(expression("lower(title)"))],
  { softDelete: "deletedAt", version: "version" },
)

export const notes = table("notes", {
  id: identity(),
  documentId: integer().references(() => documents.id, { onDelete: "cascade" }),
  place: integer().default(0),
  body: text(),
})

export const labels = table("labels", { id: identity(), name: text().unique() })

export const documentLabels = table("document_labels", {
  documentId: integer()
    .references(() => documents.id, { onDelete: "cascade", across: "documents", many: "labelLinks" })
    .primaryKey(),
  labelId: integer()
    .references(() => labels.id, { onDelete: "cascade", across: "labels", many: "documentLinks" })
    .primaryKey(),
  addedAt: timestamp().default(now),
})

export const seats = table("seats", {
  row: integer().primaryKey(),
  letter: text({ max: 2 }).primaryKey(),
  takenBy: text().nullable(),
  price: decimal(6, 2).default("10"),
})

export const folders = table("folders", {
  id: identity(),
  name: text(),
  parentId: integer().nullable().references("id", { as: "parent", many: "children", onDelete: "cascade" }),
})

export const tables = { teams, people, documents, notes, labels, documentLabels, seats, folders }
