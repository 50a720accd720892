import { readFile } from "node:fs/promises"
import { join } from "node:path"

const root = join(import.meta.dirname, "../..")

/** The commands of a page of Markdown in its `console` blocks, each with the answer that is shown under it. */
export async function commandsOf(page: string): Promise<{ command: string; answer: string }[]> {
  const markdown = await readFile(join(root, page), "utf8")
  const blocks = [...markdown.matchAll(/^```console\n([\s\S]*?)^```$/gm)].map(([, block = ""]) => block)
  return blocks.flatMap((block) =>
    block.split(/^\$ /m).flatMap((part) => {
      const [command, ...lines] = part.trimEnd().split("\n")
      return command === undefined || command === "" ? [] : [{ command, answer: lines.join("\n") }]
    }),
  )
}
