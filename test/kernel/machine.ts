// The running kernel as a partner: a helper process that holds one network namespace at a time, asked line by line.
// Owns the process and the shape of requests and answers; machine.py does what they say.
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { FlowCount } from '../../src/net/packet.js'

/** Commands whose output is kept, by the name of the file it would be in a bundle. */
export type Dumps = readonly (readonly [string, readonly string[]])[]

export interface SetupRequest {
  /** Sysctls before and after the interfaces are there: dots between the parts, a slash for a dot inside one. */
  readonly before: readonly (readonly [string, string])[]
  readonly after: readonly (readonly [string, string])[]
  /** Text for nft: what watches at both ends of the hooks. */
  readonly probes: string
  readonly group: number
  readonly links: readonly { readonly name: string; readonly kind: 'tap' | 'bridge' }[]
  /** Lines for `ip -batch`, each list with its family option. */
  readonly ip: readonly (readonly [string, readonly string[]])[]
  /** Sets, empty; their elements are put in last, so that their timeouts start with the clock. */
  readonly sets: string
  readonly members: string
  readonly rules: readonly (readonly [readonly string[], string])[]
  readonly traced: 'legacy' | 'nft' | 'no'
  readonly connections: readonly (object & { readonly status: number })[]
  readonly dumps: Dumps
}

export interface SetupAnswer {
  readonly files: Readonly<Record<string, string>>
  /** What the kernel refused, a line each. */
  readonly refused: readonly string[]
  /** The processor that will handle the packets. */
  readonly cpu: number
}

export interface SendRequest {
  readonly at: number
  readonly iface: string
  readonly hex: string
  readonly mark: number
  readonly uid: number
  readonly gid: number
  readonly tuple: object | null
  readonly zones: readonly number[]
}

/** A connection as netlink shows it; `status` as the kernel's bits. */
export interface RawConnection {
  readonly family: 'ipv4' | 'ipv6'
  readonly protonum: number
  readonly timeout: number
  readonly state?: string
  readonly orig: Readonly<Record<string, string | number>>
  readonly reply: Readonly<Record<string, string | number>>
  readonly status: number
  readonly mark: number
  readonly helper?: string
  readonly counted?: { readonly orig: FlowCount; readonly reply: FlowCount }
  /** Of both directions, or of one. */
  readonly zone: number
  readonly zone_orig?: number
  readonly zone_reply?: number
}

export interface SendAnswer {
  /** Milliseconds since the start, before and after: of the kernel's own clock, which ticks every 4. */
  readonly at: number
  readonly until: number
  readonly fault: string | null
  /** Interface and Ethernet frame in hex. */
  readonly frames: readonly (readonly [string, string])[]
  /** Prefix, in, out, mark, IP packet in hex. */
  readonly logs: readonly (readonly [string, string, string, number, string])[]
  /** What TRACE says, and the packet that it says it of, in hex. */
  readonly trace: readonly (readonly [string, string])[]
  /** The connections with the packet's tuple, one for each zone. */
  readonly ct: readonly RawConnection[]
}

export interface EndAnswer {
  readonly files: Readonly<Record<string, string>>
  readonly conntrack: readonly RawConnection[]
  /** The clock before and after connections were listed. */
  readonly at: number
  readonly until: number
  /** Frames that came when nobody waited for any more. */
  readonly late: number
}

/** The kernel refused to load what is needed, or the helper failed. */
export class MachineError extends Error {
  override readonly name = 'MachineError'
}

const script = fileURLToPath(new URL('machine.py', import.meta.url))

export class Machine {
  readonly #process: ChildProcessWithoutNullStreams
  readonly #lines: AsyncIterator<string>
  #errors = ''

  constructor() {
    this.#process = spawn('python3', ['-B', script], { stdio: 'pipe' })
    this.#process.stderr.on('data', (text: Buffer) => {
      this.#errors = (this.#errors + text.toString()).slice(-4000)
    })
    this.#lines = createInterface({ input: this.#process.stdout })[Symbol.asyncIterator]()
  }

  async #ask<T>(request: object): Promise<T> {
    this.#process.stdin.write(`${JSON.stringify(request)}\n`)
    const { value, done } = await this.#lines.next()
    if (done === true) throw new Error(`the kernel's helper ended:\n${this.#errors}`)
    const answer = JSON.parse(value) as T & { failure?: string }
    if (answer.failure !== undefined) throw new MachineError(answer.failure)
    return answer
  }

  /** A fresh namespace; the one before is gone. */
  setup(request: SetupRequest): Promise<SetupAnswer> {
    return this.#ask({ op: 'setup', ...request })
  }

  send(request: SendRequest): Promise<SendAnswer> {
    return this.#ask({ op: 'send', ...request })
  }

  end(dumps: Dumps): Promise<EndAnswer> {
    return this.#ask({ op: 'end', dumps })
  }

  /** Commands in a namespace of their own, each with its input: what each complained of, '' where it did not. */
  async attempt(commands: readonly (readonly [readonly string[], string])[]): Promise<readonly string[]> {
    const { complaints } = await this.#ask<{ complaints: string[] }>({ op: 'attempt', commands })
    return complaints
  }

  close(): void {
    this.#process.stdin.end()
  }
}
