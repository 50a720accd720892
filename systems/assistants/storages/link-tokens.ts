import { Storage } from "rootstock"
import { linkTokens } from "rootstock/shared"

/** Proofs that somebody has an account or reads an address: only their hashes are stored, each is good once. */
export class LinkTokenStorage extends Storage(linkTokens) {}
