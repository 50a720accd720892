import { posix } from "node:path"
import { importsOf } from "./imports.ts"
import type { Finding } from "./sources.ts"

/** The library's layers, lowest first; each may import those before it. */
export const layers: readonly string[] = [
  "ambient",
  "errors",
  "clock",
  "log",
  "metrics",
  "config",
  "schema",
  "engine",
  "session",
  "storage",
  "migrate",
  "shared",
  "fields",
  "redis",
  "cache",
  "jobs",
  "schedule",
  "state",
  "http",
]

const library = "packages/rootstock/src/"

/** Finds the imports of a source file that go against the direction of the dependencies. */
export function checkImports(path: string, source: string, entryPoints: ReadonlySet<string>): Finding[] {
  return importsOf(source).flatMap(({ specifier, line }) => {
    const problem = problemOf(path, specifier, entryPoints)
    return problem === undefined ? [] : [{ path, line, problem }]
  })
}

function problemOf(path: string, specifier: string, entryPoints: ReadonlySet<string>): string | undefined {
  const target = specifier.startsWith(".") ? posix.join(posix.dirname(path), specifier) : undefined
  if (path.startsWith(library)) return inLibrary(path, specifier, target)
  const home = homeOf(path)
  if (target !== undefined) {
    return target.startsWith(`${home}/`) ? undefined : `${home} reaches outside itself: ${specifier}`
  }
  if (specifier === "rootstock" || specifier.startsWith("rootstock/")) {
    return entryPoints.has(specifier) ? undefined : `${specifier} is no entry point of the library`
  }
  if (home.startsWith("systems/") && specifier.startsWith("@rootstock/")) return `a system imports ${specifier}`
  return undefined
}

function inLibrary(path: string, specifier: string, target: string | undefined): string | undefined {
  if (target === undefined) {
    return /^(@rootstock\/|rootstock(\/|$))/.test(specifier) ? `the library imports ${specifier}` : undefined
  }
  if (!target.startsWith(library)) return `the library reaches outside itself: ${specifier}`
  const from = layerOf(path)
  const to = layerOf(target)
  if (from !== undefined && !layers.includes(from)) return `${from} is no known layer`
  if (from === to) return undefined
  if (to === undefined) return `a layer imports the library's front: ${specifier}`
  if (from !== undefined && layers.indexOf(to) > layers.indexOf(from))
    return `${from} imports ${to}, which lies above it`
  return target === `${library}${to}/index.ts` ? undefined : `${specifier} goes past the index.ts of ${to}`
}

/** The folder under src; files of src itself have none. */
function layerOf(path: string): string | undefined {
  const parts = path.slice(library.length).split("/")
  return parts.length > 1 ? parts[0] : undefined
}

/** `systems/shop` of `systems/shop/routes/orders.ts`; `app` of `app/src/main.ts`. */
function homeOf(path: string): string {
  const parts = path.split("/")
  return parts[0] === "app" ? "app" : parts.slice(0, 2).join("/")
}
