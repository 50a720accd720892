import { readFile, realpath, stat } from "node:fs/promises"
import { join, sep } from "node:path"
import { RootstockError } from "rootstock/errors"

/** A role names a prompt file that cannot be used. Its message is for administrators. */
export class PromptFileError extends RootstockError {
  override readonly code = "PROMPT_FILE"

  constructor(file: string, why: string) {
    super(`The prompt file ${JSON.stringify(file)} ${why}.`, {
      cure: "Put a text of that name into PROMPT_DIR, or change the role's prompt_file.",
    })
  }
}

/** Names of files without any path: letters, digits, `_`, `-` and points that do not come first. */
export const promptFileName = /^[\p{L}\p{N}_-][\p{L}\p{N}_.-]{0,254}$/u

const mostBytes = 256 * 1024

/**
 * The text of a file of the prompt directory. Nothing outside of the directory is read, not through links either.
 *
 * @throws PromptFileError
 */
export async function readPromptFile(directory: string | undefined, file: string): Promise<string> {
  if (!promptFileName.test(file)) throw new PromptFileError(file, "has a name that is not allowed")
  if (directory === undefined) throw new PromptFileError(file, "cannot be found: there is no PROMPT_DIR")
  const bytes = await within(directory, file)
  if (bytes === undefined) throw new PromptFileError(file, "does not exist")
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes).replaceAll("\0", "\uFFFD").trim()
  } catch {
    throw new PromptFileError(file, "is no text in UTF-8")
  }
}

/** Its bytes; undefined where there is no such file. */
async function within(directory: string, file: string): Promise<Uint8Array | undefined> {
  try {
    const root = await realpath(directory)
    const path = await realpath(join(root, file))
    if (!path.startsWith(root.endsWith(sep) ? root : root + sep)) throw new PromptFileError(file, "leads elsewhere")
    const found = await stat(path)
    if (!found.isFile()) throw new PromptFileError(file, "is no file")
    if (found.size > mostBytes) throw new PromptFileError(file, `is larger than ${mostBytes / 1024} KiB`)
    return await readFile(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined
    throw error
  }
}
