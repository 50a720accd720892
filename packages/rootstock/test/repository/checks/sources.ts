import { execFileSync } from "node:child_process"
import { existsSync, globSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

/** Something in a file that a rule of the repository forbids. */
export type Finding = { readonly path: string; readonly line: number; readonly problem: string }

export const root = fileURLToPath(new URL("../../../../..", import.meta.url))

const product = ["packages/*/src/**/*.{ts,sql}", "systems/**/*.{ts,sql}", "app/**/*.{ts,sql}"]
const aside = ["**/node_modules/**", "**/dist/**", "**/test/**"]

/** The files of the product, tests left out, with `/` in their paths on every system. */
export function productFiles(): string[] {
  return globSync(product, { cwd: root, exclude: aside })
    .map((path) => path.replaceAll("\\", "/"))
    .sort()
}

/** Every file in the repository's index that is there. */
export function trackedFiles(): string[] {
  const listing = execFileSync("git", ["ls-files", "-z"], { cwd: root, encoding: "utf8" })
  return listing.split("\0").filter((path) => path !== "" && existsSync(join(root, path)))
}

export const read = (path: string): string => readFileSync(join(root, path), "utf8")

/** As `file:line: problem`, a line each, for a failed assertion to show. */
export const report = (findings: readonly Finding[]): string[] =>
  findings.map(({ path, line, problem }) => `${path}:${line}: ${problem}`)
