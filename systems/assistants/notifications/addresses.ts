import { BlockList, isIP, isIPv6 } from "node:net"

/** Addresses that are not of the public internet. https://www.iana.org/assignments/iana-ipv4-special-registry */
const special = new BlockList()
for (const [network, bits] of [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.88.99.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 3],
] as const) {
  special.addSubnet(network, bits, "ipv4")
}
// Those that stand for addresses of version 4 are refused with the others: nobody needs them for a webhook.
for (const [network, bits] of [
  ["2001::", 23],
  ["2001:db8::", 32],
  ["2002::", 16],
  ["3fff::", 20],
] as const) {
  special.addSubnet(network, bits, "ipv6")
}
/** All of version 6 that is given to anyone on the public internet. https://www.iana.org/assignments/ipv6-address-space */
const globalUnicast = new BlockList()
globalUnicast.addSubnet("2000::", 3, "ipv6")

/** Whether an address is one of the public internet: not private, of this machine, of a link, or reserved. */
export function isPublicAddress(address: string): boolean {
  if (isIP(address) === 0) return false
  if (!isIPv6(address)) return !special.check(address, "ipv4")
  return globalUnicast.check(address, "ipv6") && !special.check(address, "ipv6")
}
