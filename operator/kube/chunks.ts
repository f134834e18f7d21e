/** Byte streams of answers: watched, as a whole, and as lines. */

const NEWLINE = 0x0a;

/**
 * Lines, as they come. Each byte is looked at once, however the bytes are cut into chunks.
 * @param maxBytes longest line that is accepted
 * @throws RangeError for a longer one; what the stream throws
 */
export async function* lines(chunks: AsyncIterable<Buffer>, maxBytes: number): AsyncGenerator<string> {
  let pieces: Buffer[] = [];
  let size = 0;
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      const last = chunk.subarray(start, end);
      const line = pieces.length === 0 ? last : Buffer.concat([...pieces, last]);
      pieces = [];
      size = 0;
      start = end + 1;
      if (line.length > 0) yield line.toString('utf8');
    }
    if (start < chunk.length) {
      pieces.push(chunk.subarray(start));
      size += chunk.length - start;
      if (size > maxBytes) throw new RangeError(`a line of more than ${maxBytes} bytes`);
    }
  }
}

/** The same chunks; `onChunk` is called for each. */
export async function* tapped(chunks: AsyncIterable<Buffer>, onChunk: () => void): AsyncGenerator<Buffer> {
  for await (const chunk of chunks) {
    onChunk();
    yield chunk;
  }
}

/** All of it as text. */
export async function whole(chunks: AsyncIterable<Buffer>): Promise<string> {
  const all: Buffer[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return Buffer.concat(all).toString('utf8');
}
