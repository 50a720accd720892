import { execFile } from "node:child_process"
import { cp, readFile, rm, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"

const root = fileURLToPath(new URL("../..", import.meta.url))
const home = join(root, "packages", "rootstock")

type Manifest = { exports: Record<string, string>; [field: string]: unknown }

/**
 * Compiles the library into the folder `output`, with the package.json that is published.
 *
 * What is in `output` is removed first.
 */
export async function buildLibrary(output: string): Promise<void> {
  await rm(output, { recursive: true, force: true })
  const compiler = join(root, "node_modules", "typescript", "bin", "tsc")
  const parameters = [compiler, "-p", join(home, "tsconfig.build.json"), "--outDir", output]
  try {
    await promisify(execFile)(process.execPath, parameters)
  } catch (error) {
    throw new Error(`The library does not compile:\n${(error as { stdout?: string }).stdout ?? ""}`, { cause: error })
  }
  const manifest: Manifest = JSON.parse(await readFile(join(home, "package.json"), "utf8"))
  await writeFile(join(output, "package.json"), `${JSON.stringify(published(manifest), null, 2)}\n`)
  await cp(join(root, "LICENSE"), join(output, "LICENSE"))
  await cp(join(home, "README.md"), join(output, "README.md"))
}

/** The manifest with its entry points at the compiled files. */
function published(manifest: Manifest): Manifest {
  const entries = Object.entries(manifest.exports).map(([name, source]) => {
    const compiled = source.replace("./src/", "./").replace(/\.ts$/, "")
    return [name, { types: `${compiled}.d.ts`, default: `${compiled}.js` }]
  })
  return {
    ...manifest,
    exports: Object.fromEntries([...entries, ["./package.json", "./package.json"]]),
    files: ["**/*.js", "**/*.d.ts"],
  }
}
