import {
  bigint,
  boolean,
  bytes,
  date,
  decimal,
  identity,
  integer,
  json,
  list,
  now,
  table,
  text,
  time,
  timestamp,
  uuid,
} from "../../../src/schema/index.ts"
import { Storage } from "../../../src/storage/index.ts"

export type Facts = { born?: { year: number; at: string[] }; nothing?: null }

export const people = table("people", {
  id: identity(),
  name: text({ max: 40 }),
  email: text().nullable().unique(),
  level: integer().default(1),
  balance: decimal(8, 2).default("0"),
  tags: list(text()).default([]),
  facts: json<Facts>().nullable(),
  seenAt: timestamp().nullable(),
  changedAt: timestamp().nullable().onUpdate(now),
  loudName: text().generated("upper(name)"),
})

export const teams = table("teams", { id: uuid().primaryKey(), name: text() })

export const memberships = table("memberships", {
  teamId: uuid()
    .references(() => teams.id, { onDelete: "cascade", across: "teams", many: "seats" })
    .primaryKey(),
  personId: integer()
    .references(() => people.id, { onDelete: "cascade", across: "members", many: "roles" })
    .primaryKey(),
  role: text().default("member"),
})

/** A link table with a key of its own. */
export const follows = table("follows", {
  id: identity(),
  personId: integer().references(() => people.id, { onDelete: "cascade", across: "followers", many: "following" }),
  teamId: uuid().references(() => teams.id, { onDelete: "cascade", across: "followed", many: "followedBy" }),
})

export const lists = table("lists", { id: integer().primaryKey(), title: text() })

export const tasks = table("tasks", {
  id: identity(),
  title: text(),
  done: boolean().default(false),
  personId: integer()
    .nullable()
    .references(() => people.id, { onDelete: "set null" }),
  teamId: uuid()
    .nullable()
    .references(() => teams.id, { onDelete: "cascade" }),
  listId: integer()
    .default(1)
    .references(() => lists.id, { onDelete: "set default" }),
})

export const steps = table("steps", {
  id: identity(),
  taskId: integer().references(() => tasks.id, { onDelete: "cascade" }),
  title: text(),
})

export const notes = table(
  "notes",
  {
    id: identity(),
    personId: integer().references(() => people.id, { onDelete: "cascade" }),
    body: text(),
    version: integer().default(0),
    deletedAt: timestamp().nullable(),
  },
  { softDelete: "deletedAt", version: "version" },
)

/** A reference that is checked at the commit. */
export const promises = table("promises", {
  id: identity(),
  personId: integer().references(() => people.id, { onDelete: "cascade", deferrable: true }),
  what: text(),
})

export const countries = table("countries", { id: identity(), code: text().unique(), name: text() })
export const regions = table("regions", {
  id: identity(),
  countryCode: text()
    .references(() => countries.code, { onUpdate: "cascade", onDelete: "cascade", as: "country" })
    .unique(),
})
export const cities = table("cities", {
  id: identity(),
  regionCode: text()
    .nullable()
    .references(() => regions.countryCode, { onUpdate: "cascade", onDelete: "set null", as: "region" }),
  name: text(),
})

export const prices = table("prices", { code: text().primaryKey(), cents: bigint() })
export const meters = table("meters", { id: bigint().primaryKey(), value: integer() })
export const slots = table("slots", {
  day: date().primaryKey(),
  hour: time().primaryKey(),
  takenBy: text().nullable(),
})
export const grades = table("grades", { mark: decimal(4, 2).primaryKey(), title: text() })
export const moments = table("moments", { at: timestamp().primaryKey(), what: text() })
export const files = table("files", { id: identity(), content: bytes(), parts: list(timestamp()).default([]) })

export const tables = {
  people,
  teams,
  memberships,
  follows,
  lists,
  tasks,
  steps,
  notes,
  promises,
  countries,
  regions,
  cities,
  prices,
  meters,
  slots,
  grades,
  moments,
  files,
}

export class People extends Storage(people, tables) {
  /** Free SQL of a storage. */
  promote(id: number) {
    return this.sql
      .updateTable("people")
      .set((row) => ({ level: row("level", "+", 1) }))
      .where("id", "=", id)
      .execute()
  }
}
export class Teams extends Storage(teams) {}
export class Memberships extends Storage(memberships) {}
export class Follows extends Storage(follows) {}
export class Lists extends Storage(lists) {}
export class Tasks extends Storage(tasks) {}
export class Steps extends Storage(steps) {}
export class Notes extends Storage(notes) {}
export class Promises extends Storage(promises) {}
export class Countries extends Storage(countries) {}
export class Regions extends Storage(regions) {}
export class Cities extends Storage(cities) {}
export class Prices extends Storage(prices) {}
export class Meters extends Storage(meters) {}
export class Slots extends Storage(slots) {}
export class Grades extends Storage(grades) {}
export class Moments extends Storage(moments) {}
export class Files extends Storage(files) {}

export const classes = {
  people: People,
  teams: Teams,
  memberships: Memberships,
  follows: Follows,
  lists: Lists,
  tasks: Tasks,
  steps: Steps,
  notes: Notes,
  promises: Promises,
  countries: Countries,
  regions: Regions,
  cities: Cities,
  prices: Prices,
  meters: Meters,
  slots: Slots,
  grades: Grades,
  moments: Moments,
  files: Files,
}
