// Ethernet addresses as the core has them: a number of 48 bits, the first byte highest, in two words.

/** Low and high word. */
export function macWords(mac: string): readonly [number, number] {
  const bytes = mac.split(':').map((byte) => Number.parseInt(byte, 16))
  const word = (from: number, to: number): number => bytes.slice(from, to).reduce((n, byte) => n * 256 + byte, 0)
  return [word(2, 6), word(0, 2)]
}
