#!/usr/bin/env node
// The `rootstock` command: becomes the pinned Node where the present one cannot run TypeScript as it is written here.

import { fileURLToPath } from "node:url"

if (Number(process.versions.node.split(".")[0]) >= 26) {
  await import("../src/main.ts")
} else {
  const launcher = new URL("../../scripts/run.mjs", import.meta.url)
  process.argv.splice(1, 1, fileURLToPath(launcher), fileURLToPath(import.meta.url))
  await import(launcher.href)
}
