// Base64 to bytes without Buffer: the module's own bytes, decoded on first use.

/** Bytes of standard base64 text (padded, no line breaks). */
export function decodeBase64(text: string): Uint8Array<ArrayBuffer> {
  const binary = atob(text)
  const bytes = new Uint8Array(binary.length)
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i)
  return bytes
}
