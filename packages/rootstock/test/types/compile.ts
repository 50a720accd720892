import { spawn } from "node:child_process"
import { once } from "node:events"
import { rm, writeFile } from "node:fs/promises"
import { join, relative } from "node:path"
import { text } from "node:stream/consumers"
import { fileURLToPath } from "node:url"

const root = fileURLToPath(new URL("../../../..", import.meta.url))

/** What the compiler says, and what it needed. */
export type Compiled = {
  /** Errors, one a line; empty where there are none. */
  readonly diagnostics: string
  /** Figures of `--extendedDiagnostics` by their names, e.g. `Instantiations`; seconds and kilobytes as numbers. */
  readonly figures: ReadonlyMap<string, number>
}

/** Checks files of a folder in the repository with the repository's own settings. */
export async function compile(folder: string, files: readonly string[]): Promise<Compiled> {
  const settings = join(folder, `tsconfig.${process.pid}.json`)
  await writeFile(
    settings,
    JSON.stringify({ extends: relative(folder, join(root, "tsconfig.json")), files, include: [] }),
  )
  try {
    // One worker, so that the figures are the same on every machine.
    const values = ["-p", settings, "--noEmit", "--extendedDiagnostics", "--pretty", "false", "--singleThreaded"]
    const child = spawn(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), ...values], {
      cwd: folder,
      stdio: ["ignore", "pipe", "inherit"],
    })
    const [output] = await Promise.all([text(child.stdout), once(child, "close")])
    const figures = new Map<string, number>()
    const diagnostics: string[] = []
    for (const line of output.split("\n")) {
      const figure = /^([A-Z][\w /]+):\s+([\d.]+)(?:K|s)?$/.exec(line)
      if (figure) figures.set(figure[1]!, Number(figure[2]))
      else if (line.trim() !== "") diagnostics.push(line)
    }
    return { diagnostics: diagnostics.join("\n"), figures }
  } finally {
    await rm(settings, { force: true })
  }
}
