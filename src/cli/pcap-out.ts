// `replay --pcap-out`: what leaves the namespace, as a pcapng capture with the namespace's interfaces.
// Owns the tap between the data plane and the file, and the times: those of the capture that is replayed, else the
// clock's milliseconds since 1970.
import { encodePacket, LINKTYPE_RAW } from '../net/bytes.js'
import type { Answer, ConntrackEntry, Packet } from '../net/packet.js'
import { PcapngWriter } from '../net/pcap.js'
import type { Ruleset } from '../netfilter/model.js'
import type { DataPlane, ProcessOptions } from '../netns/dataplane.js'
import { leaving } from '../netns/leaving.js'
import type { IpSet } from '../netns/model.js'
import type { Output } from './output.js'
import { printNotes } from './terminal.js'

/** A data plane whose packets that leave are kept until they are written. */
export class PacketTap implements DataPlane {
  /** Time of the packet that is sent next; null: that of the clock. */
  timeNs: bigint | null = null
  readonly #inner: DataPlane
  readonly #writer: PcapngWriter | null
  readonly #interfaces: ReadonlyMap<string, number>
  #blocks: Uint8Array[] = []
  #unwritten = 0
  #why = ''

  /** `links`: the names of the interfaces; null: nothing is kept. */
  constructor(inner: DataPlane, links: readonly string[] | null) {
    this.#inner = inner
    this.#interfaces = new Map(links?.map((name, i) => [name, i]))
    this.#writer = links && new PcapngWriter({ interfaces: links.map((name) => ({ linkType: LINKTYPE_RAW, name })) })
    if (this.#writer !== null) this.#blocks.push(this.#writer.header())
  }

  process(packet: Packet, options?: ProcessOptions): Answer {
    const answer = this.#inner.process(packet, options)
    if (this.#writer !== null) for (const { iface, packet: out } of leaving(answer)) this.#keep(iface, out)
    return answer
  }

  #keep(iface: string, packet: Packet): void {
    try {
      this.#blocks.push(
        this.#writer!.packet({
          timeNs: this.timeNs ?? BigInt(this.#inner.now) * 1_000_000n,
          bytes: encodePacket(packet),
          interface: this.#interfaces.get(iface) ?? 0,
          direction: 'out',
        }),
      )
    } catch (error) {
      if (!(error instanceof RangeError)) throw error
      this.#unwritten++
      this.#why = error.message
    }
  }

  /** Writes what was kept. */
  async flush(output: Output): Promise<void> {
    const blocks = this.#blocks
    this.#blocks = []
    if (blocks.length > 0) await output.write(Buffer.concat(blocks))
  }

  /** Says what could not be written. */
  finish(): void {
    if (this.#unwritten > 0)
      printNotes('note', [`${this.#unwritten} packets that left could not be written, the last: ${this.#why}`])
  }

  get now(): number {
    return this.#inner.now
  }
  get rulesets(): readonly Ruleset[] {
    return this.#inner.rulesets
  }
  swapRules(rulesets: readonly Ruleset[]): void {
    this.#inner.swapRules(rulesets)
  }
  conntrack(): ConntrackEntry[] {
    return this.#inner.conntrack()
  }
  deleteConnections(chosen: (entry: ConntrackEntry) => boolean): number {
    return this.#inner.deleteConnections(chosen)
  }

  sets(): IpSet[] {
    return this.#inner.sets()
  }

  counters(): Ruleset[] {
    return this.#inner.counters()
  }
}
