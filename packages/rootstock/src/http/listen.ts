import { isIPv4, isIPv6 } from "node:net"
import { ConfigError } from "../errors/index.ts"

/** Whether only this machine can reach the address. */
export function isLoopback(host: string): boolean {
  // A socket that takes IPv6 shows callers over IPv4 so.
  const name = host.toLowerCase().replace(/^::ffff:(?=[\d.]+$)/, "")
  if (isIPv4(name)) return name.startsWith("127.")
  if (isIPv6(name)) return name === "::1" || /^(0{1,4}:){7}0{0,3}1$/.test(name)
  return name === "localhost"
}

/**
 * Refuses to listen beyond this machine while calls need no credentials, unless that is asked for.
 *
 * @throws ConfigError that names the variables to set
 */
export function checkListening(options: { host: string; open: boolean; allowOpen: boolean }): void {
  if (isLoopback(options.host) || !options.open || options.allowOpen) return
  throw new ConfigError(
    `HOST=${options.host} is reachable from other machines, and API_AUTH=open lets anyone change everything.`,
    {
      cure: "Set API_AUTH=required, or ALLOW_OPEN=1 if that is meant, or HOST=127.0.0.1.",
    },
  )
}
