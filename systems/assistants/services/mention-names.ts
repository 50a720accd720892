/** A name that a message mentions. */
export type MentionedName = {
  /** `ai_role` for `@@name`, which calls the AI role of that user; `user` for `@name`, which notifies the person. */
  readonly type: "user" | "ai_role"
  /** As it is written, in the normal form NFC. */
  readonly name: string
  /** Where it begins in the content, in UTF-16 units. */
  readonly position: number
}

type Range = { readonly start: number; readonly end: number }

/** Names carry no marks, but letters can be written as a letter with a mark: `й` as two characters. */
const mentioned = /(?<![\p{L}\p{N}\p{M}_@%+])(@@?)([\p{L}\p{N}\p{M}_]+)/gu
const userName = /^[\p{L}\p{N}_]{2,50}$/u
/** Looked for from the beginning of a word on, so that long ones are read once. */
const address =
  /(?<![\p{L}\p{N}\p{M}_.%+-])[\p{L}\p{N}\p{M}_.%+-]*[\p{L}\p{N}\p{M}_%+-]@[\p{L}\p{N}-]+(?:\.[\p{L}\p{N}-]+)+/gu
const fence = /^ {0,3}(`{3,}|~{3,})(.*)$/

/** The form in which names are compared. */
export function foldName(name: string): string {
  return name.normalize("NFC").toLowerCase()
}

/**
 * The names that a message mentions, in their order; none inside of code spans and code blocks as CommonMark has them
 * (https://spec.commonmark.org/0.31.2/#code-spans), nor in e-mail addresses.
 */
export function findMentions(content: string): MentionedName[] {
  if (!content.includes("@")) return []
  const text = blank(blank(content, codeRanges(content)), addressRanges(content))
  const found: MentionedName[] = []
  for (const match of text.matchAll(mentioned)) {
    const name = (match[2] as string).normalize("NFC")
    if (!userName.test(name)) continue
    found.push({ type: match[1] === "@@" ? "ai_role" : "user", name, position: match.index })
  }
  return found
}

/** The text with other characters in place of those of the ranges, so that positions stay. */
function blank(text: string, ranges: readonly Range[]): string {
  let blanked = ""
  let end = 0
  for (const range of ranges) {
    blanked += text.slice(end, range.start) + " ".repeat(range.end - range.start)
    end = range.end
  }
  return blanked + text.slice(end)
}

function addressRanges(text: string): Range[] {
  return Array.from(text.matchAll(address), ({ 0: found, index }) => ({ start: index, end: index + found.length }))
}

/** Code blocks between fences, and code spans in the paragraphs between them. */
function codeRanges(content: string): Range[] {
  if (!content.includes("`") && !content.includes("~~~")) return []
  const ranges: Range[] = []
  let open: { mark: string; start: number } | undefined
  let paragraph = 0
  let at = 0
  const closeParagraph = (end: number) => {
    ranges.push(...spanRanges(content.slice(paragraph, end), paragraph))
  }
  for (const line of content.split("\n")) {
    const end = Math.min(at + line.length + 1, content.length)
    const [, marks = "", rest = ""] = fence.exec(line.trimEnd()) ?? []
    if (open !== undefined) {
      const closes = marks.startsWith(open.mark) && rest === ""
      if (closes) {
        ranges.push({ start: open.start, end })
        open = undefined
        paragraph = end
      }
    } else if (marks !== "" && !(marks.startsWith("`") && rest.includes("`"))) {
      closeParagraph(at)
      open = { mark: marks, start: at }
    } else if (line.trim() === "") {
      closeParagraph(at)
      paragraph = end
    }
    at = end
  }
  if (open === undefined) closeParagraph(content.length)
  else ranges.push({ start: open.start, end: content.length })
  return ranges
}

/** Code spans of a paragraph: between two runs of equally many backticks. */
function spanRanges(paragraph: string, offset: number): Range[] {
  const runs = Array.from(paragraph.matchAll(/`+/g), ({ 0: run, index }) => ({ index, length: run.length }))
  /** Runs by their length, the last first. */
  const byLength = new Map<number, number[]>()
  for (let at = runs.length - 1; at >= 0; at--) {
    const { length } = runs[at] as (typeof runs)[number]
    const same = byLength.get(length)
    if (same === undefined) byLength.set(length, [at])
    else same.push(at)
  }
  const ranges: Range[] = []
  for (let at = 0; at < runs.length; at++) {
    const run = runs[at] as (typeof runs)[number]
    // A backslash takes the first backtick of a run out of it.
    const escaped = isEscaped(paragraph, run.index)
    const length = escaped ? run.length - 1 : run.length
    if (length === 0) continue
    const same = byLength.get(length) ?? []
    while (same.length > 0 && (same.at(-1) as number) <= at) same.pop()
    const closing = same.at(-1)
    if (closing === undefined) continue
    const { index, length: closingLength } = runs[closing] as (typeof runs)[number]
    ranges.push({ start: offset + run.index + (escaped ? 1 : 0), end: offset + index + closingLength })
    at = closing
  }
  return ranges
}

function isEscaped(text: string, index: number): boolean {
  let backslashes = 0
  while (text[index - 1 - backslashes] === "\\") backslashes++
  return backslashes % 2 === 1
}
