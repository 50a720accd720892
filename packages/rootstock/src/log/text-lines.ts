type Line = {
  time: string
  level: string
  name: string
  message?: string
  request_id?: string
  error?: { stack?: string }
}

/**
 * Makes the function that turns a JSON line into `YYYY-MM-DD HH:MM:SS [LEVEL] name: message`, in wall-clock time of `timeZone`.
 * The stack of a logged error follows on lines of its own.
 */
export function textLines(timeZone: string): (json: string) => string {
  const format = new Intl.DateTimeFormat("sv-SE", {
    timeZone,
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
  })
  return (json) => {
    const line = JSON.parse(json) as Line
    const text = `${format.format(new Date(line.time))} [${line.level}] ${line.name}: ${line.message ?? ""}\n`
    return line.error?.stack ? `${text}${line.error.stack}\n` : text
  }
}
