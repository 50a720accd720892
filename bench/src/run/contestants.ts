import type { Contestant, Open } from "../contestants/contract.ts"

export type Engine = "sqlite" | "postgres"
export const engines = ["sqlite", "postgres"] as const satisfies Engine[]

/** The contestants in the order of the tables: the floor, the one that is judged, its peers. */
export const contestants = ["raw", "rootstock", "drizzle", "kysely", "mikro-orm", "typeorm"] as const
export type ContestantName = (typeof contestants)[number]

export const titles: Record<ContestantName, string> = {
  raw: "raw driver",
  rootstock: "Rootstock",
  drizzle: "Drizzle",
  kysely: "Kysely",
  "mikro-orm": "MikroORM",
  typeorm: "TypeORM",
}

export const isPeer = (name: ContestantName): boolean => name !== "raw" && name !== "rootstock"

export async function openContestant(
  name: ContestantName,
  engine: Engine,
  options: { location: string; poolSize: number },
): Promise<Contestant> {
  const file = name === "rootstock" ? "rootstock.ts" : `${name}-${engine}.ts`
  const { open } = (await import(`../contestants/${file}`)) as { open: Open }
  return open(options)
}
