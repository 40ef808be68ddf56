// Bytes that are kept. A small Buffer is mostly a view into a larger piece of memory (of Node's pool, 64 KiB, or of what a socket
// was read into), all of which stays for as long as the view does: what is kept as 100 bytes, and counted so, holds 64 KiB.

/** The same bytes in memory of their own. */
export function ownBytes(bytes: Buffer): Buffer {
  if (bytes.buffer.byteLength === bytes.length) return bytes;
  const own = Buffer.allocUnsafeSlow(bytes.length);
  bytes.copy(own);
  return own;
}
