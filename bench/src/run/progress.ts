/** Shows what is being done: in place on a terminal, a line each elsewhere for what is not a single slice. */
export function progress(message: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[2K${message}`)
  else if (!message.includes("round") && !message.includes("warming")) process.stderr.write(`${message}\n`)
}

export function progressDone(): void {
  if (process.stderr.isTTY) process.stderr.write("\r\u001b[2K")
}
