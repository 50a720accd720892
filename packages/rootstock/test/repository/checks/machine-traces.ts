import type { Finding } from "./sources.ts"

const traces: readonly (readonly [RegExp, string])[] = [
  [/(?<![\w.~-])\/(?:home|Users)\/[a-z][\w.-]*\//, "names a home folder"],
  [/(?<![\w.~-])\/(?:root|work)\/[\w.]/, "names a folder of one machine"],
  [/\b[A-Z]:\\Users\\/, "names a home folder"],
  [/\b(?:registry|npm)\.[a-z-]+\.(?:org|com|net|io|dev|cloud)\b/, "names a package registry"],
  [/"resolved": "https?:/, "names where a package was fetched from"],
]

/** Finds where a file holds a path or a registry that only one machine knows. */
export function checkMachineTraces(path: string, text: string): Finding[] {
  if (text.includes("\0")) return []
  return text.split("\n").flatMap((line, at) => {
    const trace = traces.find(([pattern]) => pattern.test(line))
    return trace === undefined ? [] : [{ path, line: at + 1, problem: trace[1] }]
  })
}
