import { existsSync, readFileSync, writeFileSync } from "node:fs"

const path = new URL("../../RESULTS.md", import.meta.url)

/** The sections in the order of the file. */
const sections = [
  "tasks-sqlite",
  "tasks-postgres",
  "start",
  "http",
  "growth",
  "cache-local",
  "cache-turn",
  "cache-redis",
  "cache-stampede",
  "cache-stale",
  "cache-writes",
  "cache-http",
  "jobs-single",
  "jobs-sqlite",
  "jobs-batch",
  "jobs-latency",
  "jobs-broker",
  "jobs-waiting",
  "assistants-growth",
  "assistants-load",
] as const
export type Section = (typeof sections)[number]

const opening = `# Results

Written by the commands of this folder; each command replaces its own sections. How it is measured: README.md.
`

/** Replaces one section of RESULTS.md and leaves the others as they are. */
export function writeSection(section: Section, content: string): void {
  const old = existsSync(path) ? readFileSync(path, "utf8") : ""
  const parts = sections.map((name) => {
    const body = name === section ? content.trim() : sectionOf(old, name)
    return body === undefined ? "" : `\n${mark(name)}\n${body}\n${endMark(name)}\n`
  })
  writeFileSync(path, opening + parts.join(""))
}

function sectionOf(text: string, name: Section): string | undefined {
  const start = text.indexOf(mark(name))
  const end = text.indexOf(endMark(name))
  return start < 0 || end < 0 ? undefined : text.slice(start + mark(name).length, end).trim()
}

const mark = (name: Section): string => `<!-- ${name} -->`
const endMark = (name: Section): string => `<!-- end of ${name} -->`
