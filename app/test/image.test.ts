import assert from "node:assert/strict"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { cp, mkdir, readFile, stat, symlink } from "node:fs/promises"
import { basename, dirname, join, relative, sep } from "node:path"
import { createInterface } from "node:readline"
import { test } from "node:test"
import { fileURLToPath } from "node:url"
import { temporaryFolder } from "./program.ts"

const root = fileURLToPath(new URL("../..", import.meta.url))

/** What `.dockerignore` leaves out: names at the root, and after two asterisks those at any depth. */
async function isLeftOut(): Promise<(path: string) => boolean> {
  const lines = (await readFile(join(root, ".dockerignore"), "utf8")).split("\n").filter((line) => line !== "")
  const anywhere = new Set(lines.filter((line) => line.startsWith("**/")).map((line) => line.slice(3)))
  const atRoot = new Set(lines.filter((line) => !line.startsWith("**/")))
  assert.ok(
    [...anywhere, ...atRoot].every((name) => !/[*!/?]/.test(name)),
    "other patterns are not read here",
  )
  return (path) => {
    const names = relative(root, path).split(sep)
    return atRoot.has(names[0] as string) || names.some((name) => anywhere.has(name))
  }
}

/** Copies as the Dockerfile does. */
async function copy(line: string, image: string): Promise<void> {
  const leftOut = await isLeftOut()
  const words = line.split(/\s+/).slice(1)
  const target = words.pop() as string
  for (const source of words) {
    const isFolder = (await stat(join(root, source))).isDirectory()
    const to = isFolder || !target.endsWith("/") ? join(image, target) : join(image, target, basename(source))
    await cp(join(root, source), to, { recursive: true, filter: (path) => !leftOut(path) })
  }
}

/** What `npm ci --omit=dev` puts into place: links to the workspaces that are there, and what the lock file names. */
async function install(image: string): Promise<void> {
  type Locked = { dev?: true; devOptional?: true; link?: true; resolved?: string }
  const lock = JSON.parse(await readFile(join(image, "package-lock.json"), "utf8")) as {
    packages: Record<string, Locked>
  }
  for (const [place, { dev, devOptional, link, resolved }] of Object.entries(lock.packages)) {
    const isTop = place.startsWith("node_modules/") && place.lastIndexOf("node_modules/") === 0
    if (!isTop || dev === true || devOptional === true) continue
    const from = link === true ? join(image, resolved as string) : join(root, place)
    const isThere = await stat(from).catch(() => undefined)
    if (isThere === undefined) continue
    await mkdir(dirname(join(image, place)), { recursive: true })
    await symlink(from, join(image, place))
  }
}

test("what the Dockerfile copies is enough to serve every system", async (t) => {
  await using folder = await temporaryFolder()
  const lines = (await readFile(join(root, "Dockerfile"), "utf8")).split("\n")
  for (const line of lines) {
    if (line.startsWith("COPY ")) await copy(line, folder.path)
    if (line.startsWith("RUN npm ci ")) await install(folder.path)
  }
  const entrypoint = lines.find((line) => line.startsWith("ENTRYPOINT "))?.slice("ENTRYPOINT ".length)
  assert.deepEqual(JSON.parse(entrypoint ?? ""), ["node", "scripts/entrypoint.mjs"])
  const { PATH = "", HOME = "" } = process.env
  const child = spawn(process.execPath, ["scripts/entrypoint.mjs", "serve", "--no-sample"], {
    cwd: folder.path,
    env: { PATH, HOME, NODE_ENV: "production", PORT: "0" },
    stdio: ["ignore", "pipe", "inherit"],
  })
  t.after(() => child.kill("SIGKILL"))
  const ended = once(child, "exit")
  let address: string | undefined
  for await (const line of createInterface(child.stdout)) {
    if (line.startsWith("{")) address = (JSON.parse(line) as { address?: string }).address
    if (address !== undefined) break
  }
  assert.ok(address !== undefined, "it does not listen")
  for (const system of ["shop", "assistants"]) {
    const { status } = await fetch(`${address}/${system}/schema/openapi.json`)
    assert.equal(status, 200, system)
  }
  child.kill("SIGTERM")
  assert.deepEqual(await ended, [0, null])
})
