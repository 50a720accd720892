// Starts a program of this repository on the pinned Node, after installing what is missing:
//
//   node scripts/run.mjs [--in <folder>] <file.ts|file.mjs|file.js> [argument…]
//
// `--in bench` installs that folder's own packages too and starts the program there.
// This file is the first thing that runs in a fresh clone, so it is plain JavaScript for Node 18 and uses no package.

import { spawn, spawnSync } from "node:child_process"
import { existsSync, readFileSync } from "node:fs"
import { constants } from "node:os"
import { delimiter, join, resolve, sep } from "node:path"
import { fileURLToPath } from "node:url"

const root = fileURLToPath(new URL("..", import.meta.url))
const windows = process.platform === "win32"

const args = process.argv.slice(2)
const folder = args[0] === "--in" ? resolve(root, args.splice(0, 2)[1]) : root
const program = args.shift()
if (program === undefined) stop("usage: node scripts/run.mjs [--in <folder>] <program> [argument…]")

ensureInstalled(root)
if (folder !== root) ensureInstalled(folder)
replaceWith(pinnedNode(), [resolve(root, program), ...args])

/** Runs npm where the installed packages are not those of the lock file. */
function ensureInstalled(directory) {
  const lock = packagesOf(join(directory, "package-lock.json"))
  if (lock === undefined) stop(`${directory} has no package-lock.json`)
  const installed = packagesOf(join(directory, "node_modules", ".package-lock.json"))
  if (installed === undefined) return npm(directory, ["ci"])
  const stale = Object.entries(lock).some(
    ([path, entry]) => path.includes("node_modules/") && !entry.optional && installed[path]?.version !== entry.version,
  )
  // An update in place, where `npm ci` would take the packages away from under a running server.
  if (stale) npm(directory, ["install", "--no-save"])
}

function packagesOf(file) {
  return existsSync(file) ? JSON.parse(readFileSync(file, "utf8")).packages : undefined
}

function npm(directory, command) {
  console.error(`Installing the packages (npm ${command.join(" ")})`)
  const { status, error } = spawnSync(
    "npm",
    [...command, "--include=dev", "--loglevel=error", "--no-audit", "--no-fund"],
    {
      cwd: directory,
      // npm runs on the machine's own Node: the pinned one is among the files that it writes.
      env: { ...process.env, PATH: withoutPackages(process.env.PATH ?? "") },
      // What the program prints stays the only thing on the standard output.
      stdio: ["ignore", 2, 2],
      shell: windows,
    },
  )
  if (error) stop(`npm does not start: ${error.message}`)
  if (status !== 0) stop(`npm ${command.join(" ")} failed in ${directory}`)
}

function withoutPackages(path) {
  const bin = join("node_modules", ".bin")
  return path
    .split(delimiter)
    .filter((entry) => !entry.endsWith(sep + bin))
    .join(delimiter)
}

function pinnedNode() {
  const pinned = join(root, "node_modules", "node", "bin", windows ? "node.exe" : "node")
  if (existsSync(pinned)) return pinned
  if (Number(process.versions.node.split(".")[0]) >= 26) return process.execPath
  stop("the pinned Node is not installed; run: npm rebuild node --ignore-scripts=false")
}

/** Becomes `node args`; where the system cannot replace a process, waits for a child and ends as it ends. */
function replaceWith(node, nodeArguments) {
  const path = [join(root, "node_modules", ".bin"), withoutPackages(process.env.PATH ?? "")].join(delimiter)
  // Processes that start later need not compile again: the program starts in half the time, and each file of tests.
  const cache = process.env.NODE_COMPILE_CACHE ?? join(root, "node_modules", ".cache", "node")
  const env = { ...process.env, PATH: path, NODE_COMPILE_CACHE: cache }
  if (folder !== root) process.chdir(folder)
  if (process.execve && !windows) process.execve(node, [node, ...nodeArguments], env)

  const child = spawn(node, nodeArguments, { stdio: "inherit", env })
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
    // A terminal sends Ctrl-C to the child by itself.
    process.on(signal, () => (signal === "SIGINT" && process.stdin.isTTY) || child.kill(signal))
  }
  child.on("error", (error) => stop(`${node} does not start: ${error.message}`))
  child.on("exit", (code, signal) => process.exit(code ?? 128 + constants.signals[signal]))
}

function stop(reason) {
  console.error(reason)
  process.exit(1)
}
