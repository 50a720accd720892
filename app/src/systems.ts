import { assistants } from "@rootstock/assistants"
import { shop } from "@rootstock/shop"
import type { System } from "rootstock/http"
import type { Tables } from "rootstock/schema"

/** The systems that this program can serve, by their names. */
export const systems: Readonly<Record<string, System<Tables>>> = { shop, assistants }

export const systemNames = Object.keys(systems)

/** The systems of these names. */
export function systemsNamed(names: readonly string[]): System<Tables>[] {
  return names.map((name) => systems[name]!)
}
